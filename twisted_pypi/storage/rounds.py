"""One full pass after the other, for ever."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

_RETRY = 1.0


class Rounds:
    """Runs ``work``, waits, and runs it again: never two at once, and on after every error."""

    log = Logger()

    def __init__(self, clock: IReactorTime, work: Callable[[], Awaitable[None]], pause: float | None) -> None:
        """``pause`` is in seconds; ``None``: one round only, and after an error another."""
        self._clock = clock
        self._work = work
        self._pause = pause
        self._timer: IDelayedCall | None = None
        self._running = False
        self._wanted = False
        self._stopped = False

    def soon(self) -> None:
        """Run now, or once more as soon as the round that is under way has ended."""
        self._wanted = True
        if not self._running and not self._stopped:
            self._cancel()
            Deferred.fromCoroutine(self._run())

    def stop(self) -> None:
        """Begin no more rounds."""
        self._stopped = True
        self._cancel()

    async def _run(self) -> None:
        self._running = True
        pause = self._pause
        while self._wanted and not self._stopped:
            self._wanted = False
            try:
                await self._work()
            except Exception:  # noqa: BLE001  # the rounds go on whatever happened in one
                self.log.failure("a scan failed; it is tried again")
                pause = _RETRY
        self._running = False
        if pause is not None and not self._stopped:
            self._timer = self._clock.callLater(pause, self.soon)

    def _cancel(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
