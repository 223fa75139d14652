"""One file of an upstream index on its way to the disk."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred

from twisted_pypi.boundaries import Flow, RunInThread, Staged
from twisted_pypi.errors import UpstreamFailed

MOST_IN_MEMORY = 1024 * 1024
"""Bytes that wait for the disk before the upstream is told to wait, too."""


class Arrival:
    """A ``Sink`` that writes to a staged file, in a thread and a block at a time."""

    def __init__(
        self, staged: Staged, run_in_thread: RunInThread, *, largest: int | None, received: Callable[[int], None]
    ) -> None:
        """Take at most ``largest`` bytes; ``received`` is told how many came, each time."""
        self.problem: Exception | None = None
        """Why no more is taken, if that is so."""
        self._staged = staged
        self._run_in_thread = run_in_thread
        self._largest = largest
        self._tell = received
        self._flow: Flow | None = None
        self._waiting: list[bytes] = []
        self._size = 0
        self._total = 0
        self._writing = False
        self._idle: Deferred[None] | None = None
        self._failed: Callable[[], None] = lambda: None

    def when_failed(self, stop: Callable[[], None]) -> None:
        """Call ``stop`` as soon as no more is taken, which may be now."""
        self._failed = stop
        if self.problem is not None:
            stop()

    def begun(self, flow: Flow, length: int | None) -> None:
        """The body begins."""
        self._flow = flow
        self._check_size(length or 0)

    def received(self, data: bytes) -> None:
        """More of the body."""
        self._total += len(data)
        self._check_size(self._total)
        if self.problem is not None:
            return
        self._tell(len(data))
        self._waiting.append(data)
        self._size += len(data)
        if self._size > MOST_IN_MEMORY and self._flow is not None:
            self._flow.pause()
        if not self._writing:
            self._writing = True
            # Nobody cancels this one: the file must not be closed while a thread writes to it.
            Deferred.fromCoroutine(self._write())

    async def quiet(self) -> None:
        """Return when no thread writes, and none will."""
        if self._writing:
            self._idle = Deferred()
            await self._idle

    async def _write(self) -> None:
        while self._waiting and self.problem is None:
            block = b"".join(self._waiting)
            self._waiting.clear()
            self._size = 0
            if self._flow is not None:
                self._flow.resume()
            try:
                await self._run_in_thread(self._staged.write, block)
            except Exception as problem:  # noqa: BLE001  # whatever it is, whoever waits for the file is told
                self._give_up(problem)
        self._writing = False
        if self._idle is not None:
            self._idle.callback(None)

    def _check_size(self, size: int) -> None:
        if self._largest is not None and size > self._largest:
            self._give_up(UpstreamFailed(f"it has more than the {self._largest} bytes that the page of it says"))

    def _give_up(self, problem: Exception) -> None:
        if self.problem is None:
            self.problem = problem
            self._waiting.clear()
            self._failed()
