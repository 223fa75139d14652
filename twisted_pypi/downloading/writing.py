"""Bytes of a download on their way to the disk: gathered, and handed to a thread one block after the other."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twisted_pypi.boundaries import Flow, RunInThread, Staged

BLOCK = 256 * 1024
"""Bytes that are worth a thread at once; fewer wait for more, but not long."""

GATHERING = 0.01
"""Seconds for which fewer bytes wait."""

MOST_WAITING = 4 << 20
"""Bytes that wait to be written; with more, the upstream is told to wait."""


class Writing:
    """What is being written of one file."""

    def __init__(
        self,
        staged: Staged,
        run_in_thread: RunInThread,
        clock: IReactorTime,
        changed: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Write to ``staged``; call ``changed`` when more was written, or ``failed`` when that cannot be done."""
        self.written = 0
        """Bytes that are in the file."""
        self.flow: Flow | None = None
        """What is told to wait."""
        self._staged = staged
        self._run_in_thread = run_in_thread
        self._clock = clock
        self._changed = changed
        self._failed = failed
        self._blocks: list[bytes] = []
        self._gathered = 0  # bytes in _blocks
        self._waiting = 0  # bytes in _blocks and in the thread
        self._running = False
        self._paused = False
        self._timer: IDelayedCall | None = None
        self._idle: Deferred[None] | None = None

    def add(self, data: bytes) -> None:
        """Take more bytes."""
        self._blocks.append(data)
        self._gathered += len(data)
        self._waiting += len(data)
        if self._waiting > MOST_WAITING and not self._paused and self.flow is not None:
            self._paused = True
            self.flow.pause()
        self._go_on()

    def drop(self) -> None:
        """Forget what was not handed to the thread yet."""
        self._waiting -= self._gathered
        self._blocks, self._gathered = [], 0
        self._stop_timer()

    async def drained(self) -> None:
        """Return when all was written, and no thread has anything to do with the file."""
        self._start()
        while self._running:
            self._idle = Deferred()
            await self._idle
            self._start()

    def _go_on(self) -> None:
        if self._gathered >= BLOCK:
            self._start()
        elif self._gathered and not self._running and self._timer is None:
            self._timer = self._clock.callLater(GATHERING, self._in_time)

    def _in_time(self) -> None:
        self._timer = None
        self._start()

    def _start(self) -> None:
        if self._running or not self._blocks:
            return
        self._stop_timer()
        self._running = True
        blocks, self._blocks = self._blocks, []
        size, self._gathered = self._gathered, 0
        Deferred.fromCoroutine(self._write(blocks, size))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _write(self, blocks: list[bytes], size: int) -> None:
        try:
            await self._run_in_thread(self._write_blocks, blocks)
        except Exception as error:  # noqa: BLE001  # whatever it was, the file cannot be had, and who waits is told
            self._running = False
            self.drop()
            self._failed(error)
        else:
            self._running = False
            self.written += size
            self._changed()
        self._waiting -= size
        if self._paused and self._waiting <= MOST_WAITING // 2 and self.flow is not None:
            self._paused = False
            self.flow.resume()
        self._go_on()
        idle, self._idle = self._idle, None
        if idle is not None:
            idle.callback(None)

    def _write_blocks(self, blocks: list[bytes]) -> None:
        self._staged.write(b"".join(blocks))
