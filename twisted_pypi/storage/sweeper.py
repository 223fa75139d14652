"""The service that removes what dead processes left behind."""

from __future__ import annotations

from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from twisted_pypi.boundaries import RunInThread

EVERY = 6 * 3600.0
"""Seconds between two sweeps; the first one is at the start."""


class Sweeper(Service):
    """Sweeps at the start and from time to time."""

    log = Logger()

    def __init__(self, sweep: Callable[[], int], run_in_thread: RunInThread, clock: IReactorTime) -> None:
        """Call ``sweep``, which blocks and says how many files it removed."""
        self._sweep = sweep
        self._run_in_thread = run_in_thread
        self._loop = LoopingCall(lambda: Deferred.fromCoroutine(self._once()))
        self._loop.clock = clock

    def startService(self) -> None:
        """Sweep now, and from now on."""
        super().startService()
        self._loop.start(EVERY)

    def stopService(self) -> None:
        """Sweep no more."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()

    async def _once(self) -> None:
        try:
            removed = await self._run_in_thread(self._sweep)
        except Exception:  # noqa: BLE001  # a loop that fails once would never run again
            self.log.failure("leftovers could not be removed")
            return
        if removed:
            self.log.info("Removed {removed} leftovers of uploads that were broken off", removed=removed)
