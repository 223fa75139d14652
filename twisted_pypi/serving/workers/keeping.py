"""The service that starts workers, puts another in the place of one that ends, and ends them all."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall, IProcessTransport
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_pypi.errors import Busy, TwistedPyPIError
from twisted_pypi.serving.endpoints import Speaks
from twisted_pypi.serving.workers.handover import MEMORY, Handover, Socket, pack
from twisted_pypi.serving.workers.lifeline import REOPEN
from twisted_pypi.serving.workers.telling import Retelling

SOUND = 10.0
"""Seconds after which a worker that ends is replaced at once: it had served."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before another takes the place of one that ended sooner; twice as many each time."""

_RETRY = 1.0


class Worker(ProcessProtocol):
    """One worker, as the keeper sees it."""

    transport: IProcessTransport

    def __init__(self, number: int, ended: Callable[[Worker, Failure], None]) -> None:
        """``ended`` is called when the process is gone."""
        self.number = number
        self._ended = ended
        self._log = Retelling(number)

    def childDataReceived(self, childFD: int, data: bytes) -> None:  # noqa: ARG002  # there is only the log
        """Something for the log came."""
        self._log.received(data)

    def processEnded(self, reason: Failure) -> None:
        """The process is gone."""
        self._ended(self, reason)


class Workers(Service):
    """The workers of a keeper."""

    log = Logger()

    def __init__(
        self,
        count: int,
        *,
        module: str,
        reactor: Any,
        prepare: Callable[[], None],
        ready: Callable[[], Awaitable[None]],
        handover: Callable[[int, tuple[Socket, ...]], Handover | None],
        memory: Callable[[], int],
        changed: Callable[[], None],
    ) -> None:
        """Run ``module`` in ``count`` processes, once ``ready`` returns.

        ``prepare`` is called before anything is started, and may raise ``CannotStart``.
        ``handover`` is what each is given, by its number and its sockets;
        ``memory`` the descriptor of what all share.  ``changed`` is called
        when one ended: nobody knows what it had written.
        """
        self._count = count
        self._module = module
        self._reactor = reactor
        self._prepare = prepare
        self._ready = ready
        self._handover = handover
        self._memory = memory
        self._changed = changed
        self._sockets: Sequence[tuple[int, int, str | None, Speaks]] = ()
        self._running: dict[int, tuple[Worker, float]] = {}
        self._pauses: dict[int, float] = {}
        self._timers: dict[int, IDelayedCall] = {}
        self._starting: Deferred[None] | None = None
        self._finishing = False
        self._all_ended: list[Deferred[None]] = []

    def prepare(self) -> None:
        """See that there can be workers at all.  Raises ``CannotStart``."""
        self._prepare()

    def serve(self, sockets: Sequence[tuple[int, int, str | None, Speaks]]) -> None:
        """Hand these listening sockets on: descriptor, family, endpoint string, and what is spoken there."""
        self._sockets = sockets

    def startService(self) -> None:
        """Start them as soon as it is known what there is."""
        super().startService()
        self._starting = Deferred.fromCoroutine(self._start())
        self._starting.addErrback(lambda failure: self.log.failure("the workers could not be started", failure))

    def stopService(self) -> Deferred[None]:
        """End those that are left at once."""
        super().stopService()
        ended = self.finish()
        self.kill()
        return ended

    def finish(self) -> Deferred[None]:
        """Have all answer what they were asked, and end; fires when they have."""
        self._finishing = True
        if self._starting is not None:
            self._starting.cancel()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for worker, _ in self._running.values():
            worker.transport.closeStdin()
        ended: Deferred[None] = Deferred()
        self._all_ended.append(ended)
        self._see_all_ended()
        return ended

    def kill(self) -> None:
        """End those that are left, whatever they do."""
        for worker, _ in self._running.values():
            with suppress(ProcessExitedAlready):
                worker.transport.signalProcess("KILL")

    def reopen(self) -> None:
        """Have all read again what the operator may have changed, and open their log files again."""
        for worker, _ in self._running.values():
            worker.transport.write(REOPEN)

    @property
    def pids(self) -> dict[int, int]:
        """The processes that there are, by their numbers."""
        return {number: worker.transport.pid or 0 for number, (worker, _) in self._running.items()}

    async def _start(self) -> None:
        with suppress(Busy, CancelledError):
            while True:
                try:
                    await self._ready()
                    break
                except Busy:
                    raise
                except TwistedPyPIError:
                    await deferLater(self._reactor, _RETRY)
            for number in range(1, self._count + 1):
                self._spawn(number)

    def _spawn(self, number: int) -> None:
        self._timers.pop(number, None)
        descriptors = {0: "w", 1: 1, 2: "r", MEMORY: self._memory()}
        sockets = []
        for at, (descriptor, family, endpoint, speaks) in enumerate(self._sockets, MEMORY + 1):
            descriptors[at] = descriptor
            sockets.append(Socket(at, family, endpoint, speaks))
        handover = self._handover(number, tuple(sockets))
        if handover is None:
            self.log.error("the catalog is in memory, where workers cannot read it: one process serves alone")
            return
        worker = Worker(number, self._ended)
        arguments = [sys.executable, "-m", self._module, str(number)]
        self._reactor.spawnProcess(worker, sys.executable, arguments, env=None, childFDs=descriptors)
        self._running[number] = worker, self._reactor.seconds()
        worker.transport.write(pack(handover))
        self.log.info("worker {number} is process {pid}", number=number, pid=worker.transport.pid)

    def _ended(self, worker: Worker, reason: Failure) -> None:
        number = worker.number
        _, began = self._running.pop(number)
        self._changed()
        if self._finishing:
            self._see_all_ended()
            return
        pause = 0.0
        if self._reactor.seconds() - began < SOUND:
            pause = self._pauses.get(number, FIRST_PAUSE)
            self._pauses[number] = min(pause * 2, LONGEST_PAUSE)
        else:
            self._pauses.pop(number, None)
        self.log.warn(
            "worker {number} ended ({reason}); another takes its place in {pause:.0f} seconds",
            number=number, reason=reason.getErrorMessage(), pause=pause,
        )  # fmt: skip
        self._timers[number] = self._reactor.callLater(pause, self._spawn, number)

    def _see_all_ended(self) -> None:
        if not self._running:
            ended, self._all_ended = self._all_ended, []
            for each in ended:
                each.callback(None)
