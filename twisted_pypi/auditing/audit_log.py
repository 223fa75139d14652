"""The service that writes the audit log."""

from __future__ import annotations

from collections import deque

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twisted_pypi.auditing.files import AppendOnlyFile
from twisted_pypi.auditing.floods import Floods
from twisted_pypi.auditing.lines import write_line
from twisted_pypi.boundaries import RunInThread
from twisted_pypi.boundaries.happenings import Happening

INTERVAL = 0.5
"""Seconds between a happening and its line."""

AGAIN = 5.0
"""Seconds after which what could not be written is tried again."""

MOST_LINES = 10_000
"""Lines that wait while they cannot be written; the oldest are lost first."""

AT_ONCE = 1000
"""Lines that are written in one piece."""


class AuditLog(Service):
    """Appends a line for each happening, in order, from a thread.

    It is a log file of the server as well: opened before it starts, opened
    again at SIGHUP, and closed when everything else has ended.
    """

    log = Logger()

    def __init__(self, file: AppendOnlyFile, run_in_thread: RunInThread, clock: IReactorTime) -> None:
        """Write to ``file``."""
        self._file = file
        self._run_in_thread = run_in_thread
        self._clock = clock
        self._floods = Floods(self._add, clock)
        self._lines: deque[bytes] = deque()
        self._lost = 0
        self._failed = False
        self._timer: IDelayedCall | None = None
        self._writing: Deferred[None] | None = None

    @property
    def path(self) -> str:
        """Where it is."""
        return self._file.path

    def tell(self, happening: Happening) -> None:
        """Write a line for it, soon.  Never raises."""
        self._floods.take(happening)

    def open(self) -> None:
        """Open the file.  Raises what the file raises."""
        self._file.open()

    def reopen(self) -> None:
        """Open the file again under its name.  Raises ``OSError``."""
        self._file.reopen()

    def flush(self) -> None:
        """Nothing is held back for longer than ``INTERVAL``."""

    def stopService(self) -> Deferred[None]:
        """Write what is there; what comes after this is written at the end."""
        super().stopService()
        self._floods.stop()
        return Deferred.fromCoroutine(self._end())

    def close(self) -> None:
        """Write what came last, and close the file."""
        while self._lines:
            batch = self._take()
            if not self._note(batch, *self._file.append(b"".join(batch))):
                break
        self._lost += len(self._lines)
        if self._lost:
            self.log.error("{count} lines of the audit log {path} are lost", count=self._lost, path=self.path)
        self._file.close()

    def _add(self, happening: Happening) -> None:
        if len(self._lines) >= MOST_LINES:
            self._lines.popleft()
            self._lost += 1
        self._lines.append(write_line(happening))
        if self._timer is None and self._writing is None and self.running:
            self._timer = self._clock.callLater(INTERVAL, self._begin)

    def _begin(self) -> None:
        self._timer = None
        writing: Deferred[None] = Deferred()
        self._writing = writing
        Deferred.fromCoroutine(self._write()).chainDeferred(writing)

    async def _write(self) -> None:
        wait = INTERVAL
        try:
            while self._lines:
                batch = self._take()
                if not self._note(batch, *await self._run_in_thread(self._file.append, b"".join(batch))):
                    wait = AGAIN
                    break
        finally:
            self._writing = None
        if self._lines and self.running:
            self._timer = self._clock.callLater(wait, self._begin)

    async def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._writing is not None:
            await self._writing
        await self._write()

    def _take(self) -> list[bytes]:
        return [self._lines.popleft() for _ in range(min(AT_ONCE, len(self._lines)))]

    def _note(self, batch: list[bytes], written: int, problem: OSError | None) -> bool:
        """Keep what was not written; say once that it goes wrong, and once that it does no more."""
        if problem is not None:
            whole = 0
            while whole < len(batch) and written >= len(batch[whole]):
                written -= len(batch[whole])
                whole += 1
            self._lines.extendleft(reversed(batch[whole:]))
        if problem is not None and not self._failed:
            self.log.error(
                "the audit log {path} cannot be written ({problem}): its lines wait in memory, {most} at most",
                path=self.path,
                problem=problem.strerror or problem,
                most=MOST_LINES,
            )
        elif problem is None and self._failed:
            self.log.info(
                "the audit log {path} can be written again; {count} lines are lost", path=self.path, count=self._lost
            )
            self._lost = 0
        self._failed = problem is not None
        return problem is None
