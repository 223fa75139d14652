"""One file on its way here: hashed and written in a thread, and shown to everybody as far as it may be sent."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twisted_pypi.boundaries import Flow, Offered, RunInThread, Staged, Upstream
from twisted_pypi.downloading.writing import Writing
from twisted_pypi.errors import Unreadable, UpstreamFailed

HELD = 64 * 1024
"""Bytes at the end of a file that nobody gets before its digest was found right."""

GRACE = 10.0
"""Seconds for which a file that nobody waits for any more, and of which less than half is here, goes on coming."""


class Abandoned(UpstreamFailed):
    """Nobody waited for a file any longer, or the server is going down."""


class Arriving:
    """A file that is being fetched; to the upstream, a ``Sink``.

    It belongs to the reactor thread.  Those who send it watch it.  It goes on
    coming as long as somebody does, or when more than half of it is here.
    """

    log = Logger()

    def __init__(self, offered: Offered, sha256: str, clock: IReactorTime) -> None:
        """Expect the file that a page offers, with this digest."""
        self.offered = offered
        self.sha256 = sha256
        """Hex digest that it has to have."""
        self.size = offered.file.size
        """Bytes that it will have; ``None``: that is not known (yet)."""
        self.failure: Exception | None = None
        """Why it will not come; ``None`` as long as it may."""
        self.complete = False
        """Is all of it here, and was its digest found right?"""
        self.ended = False
        """Is nothing of it being done any more, well or not?"""
        self._clock = clock
        self._writing: Writing | None = None
        self._file: BinaryIO | None = None
        self._fetching: Deferred[None] | None = None
        self._received = 0
        self._has_begun = False
        self._watchers: dict[Callable[[], None], None] = {}
        self._waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []
        self._grace: IDelayedCall | None = None

    @property
    def failed(self) -> bool:
        """Is it certain that no more will come?"""
        return self.failure is not None

    @property
    def available(self) -> int:
        """How many of its first bytes may be sent: not the last ``HELD`` before all is complete."""
        written = 0 if self._writing is None else self._writing.written
        if self.complete:
            return written
        return max(0, written - HELD if self.size is None else min(written, self.size - HELD))

    def open(self) -> BinaryIO:
        """Open what is here of it, to be read by offsets: its position is shared with others."""
        if self._file is None:
            raise Unreadable(f"{self.offered.file.filename} has just come or will not come; ask again")
        return os.fdopen(os.dup(self._file.fileno()), "rb", buffering=0)

    def watch(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` whenever more is available, and when it has failed."""
        self._watchers[changed] = None
        self._stop_grace()

    def unwatch(self, changed: Callable[[], None]) -> None:
        """Call it no more."""
        self._watchers.pop(changed, None)
        self._reconsider()

    async def has_begun(self) -> None:
        """Return when its first bytes are about to come.  Raises why it will not come."""
        await self._until(lambda: self._has_begun)

    async def is_complete(self) -> None:
        """Return when all of it may be sent.  Raises why it will not come."""
        await self._until(lambda: self.complete)

    async def has_ended(self) -> None:
        """Return when nothing of it is being done any more."""
        if not self.ended:
            ended: Deferred[None] = Deferred()
            self._waiting.append((lambda: self.ended, ended))
            await ended

    async def receive(self, upstream: Upstream, staged: Staged, run_in_thread: RunInThread) -> None:
        """Bring it, and return when its digest was found right.

        Raises ``UpstreamFailed``, ``Abandoned``, ``NoSpace``, or what else
        went wrong; whoever watches it is told by ``fail``.
        """
        self._file = await run_in_thread(_open, staged)
        self._writing = writing = Writing(staged, run_in_thread, self._clock, self._tell, self._break_off)
        try:
            if self.failure is None:
                fetching = upstream.fetch(self.offered.file.url, self.offered.index, self)
                self._fetching = Deferred.fromCoroutine(fetching)
                if self.failed:  # found out before there was anything to cancel
                    self._fetching.cancel()
                await self._fetching
        except CancelledError:
            if self.failure is None:
                raise
        finally:
            self._fetching = writing.flow = None
            if self.failure is not None:
                writing.drop()
            await writing.drained()
        if self.failure is not None:
            raise self.failure
        self._check(staged)
        self.complete = True
        self._tell()

    def _check(self, staged: Staged) -> None:
        file, index, found = self.offered.file, self.offered.index, staged.digests()["sha256"]
        if self.size is not None and staged.size != self.size:
            raise UpstreamFailed(
                f"{file.filename} from {index} has {staged.size} bytes and should have {self.size}; nothing of it was kept"
            )
        if found != self.sha256:
            raise UpstreamFailed(
                f"{file.filename} from {index} has sha256 {found}, and its page says {self.sha256}; nothing of it was kept"
            )
        self.size = staged.size

    def begun(self, flow: Flow, length: int | None) -> None:
        """The upstream sends it."""
        if self._writing is not None:
            self._writing.flow = flow
        if self.size is None:
            self.size = length
        elif length not in {None, self.size}:
            self._break_off(self._wrong_size(f"is announced with {length} bytes"))
            return
        self._has_begun = True
        self._tell()

    def received(self, data: bytes) -> None:
        """More of it came."""
        if self.failure is not None or self._writing is None:
            return
        self._received += len(data)
        if self.size is not None and self._received > self.size:
            self._break_off(self._wrong_size("goes on"))
            return
        self._writing.add(data)

    def _wrong_size(self, what: str) -> UpstreamFailed:
        return UpstreamFailed(
            f"{self.offered.file.filename} from {self.offered.index} {what} and should have {self.size}; "
            "nothing of it was kept"
        )

    def abandon(self) -> None:
        """Let it not come any more."""
        if not self.complete:
            self._break_off(Abandoned(f"{self.offered.file.filename} is not fetched any more; ask again"))

    def fail(self, error: Exception) -> None:
        """Tell everybody that it will not come."""
        self.failure = self.failure or error
        self._tell()

    def end(self) -> None:
        """Nothing of it is being done any more; those who have opened it may read on."""
        self.ended = True
        self._stop_grace()
        if self._file is not None:
            self._file.close()
            self._file = None
        self._tell()

    def _break_off(self, error: Exception) -> None:
        """Tell everybody at once, and let ``receive`` find out."""
        if self.failure is not None:
            return
        self.fail(error)
        if self._fetching is not None:
            self._fetching.cancel()

    def _tell(self) -> None:
        for changed in tuple(self._watchers):
            with self.log.failuresHandled("somebody who gets {file} failed", file=self.offered.file.filename):
                changed()
        waiting, self._waiting = self._waiting, []
        for over, each in waiting:
            if over():
                each.callback(None)
            else:
                self._waiting.append((over, each))
        self._reconsider()

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached() and self.failure is None:
            self._stop_grace()
            changed: Deferred[None] = Deferred()
            self._waiting.append((lambda: reached() or self.failure is not None, changed))
            await changed
        if self.failure is not None:
            raise self.failure

    def _reconsider(self) -> None:
        """See whether anybody waits."""
        if not self._has_begun or self._is_wanted() or self._grace is not None:
            return
        self._grace = self._clock.callLater(GRACE, self._give_up)

    def _is_wanted(self) -> bool:
        over = self.ended or self.complete or self.failure is not None
        most_is_here = self.size is not None and self._received * 2 > self.size
        return over or most_is_here or bool(self._watchers or self._waiting)

    def _give_up(self) -> None:
        self._grace = None
        if not self._is_wanted():
            self.abandon()

    def _stop_grace(self) -> None:
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None


def _open(staged: Staged) -> BinaryIO:
    return Path(staged.path()).open("rb", buffering=0)
