"""Locks between processes, by key: what only one of them may do at a time."""

from __future__ import annotations

import fcntl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import blake2b

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.02


class KeyLocks:
    """Locks that end with the process that holds them.

    Each is a record lock (POSIX ``fcntl``) on one byte of an open file that
    all share, far behind its end: nothing is written, and nothing stays.
    Inside one process they lock nothing: callers there take turns before.
    """

    def __init__(self, descriptor: Callable[[], int], clock: IReactorTime, gained: Callable[[], None]) -> None:
        """``gained`` is called whenever a lock is held, before anything is done under it."""
        self._descriptor = descriptor
        self._clock = clock
        self._gained = gained

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        """Be the only process that is here with this key; no thread is kept waiting for it."""
        at, pause = _byte(key), _FIRST_PAUSE
        while not self._try(at):
            await deferLater(self._clock, pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        try:
            self._gained()
            yield
        finally:
            fcntl.lockf(self._descriptor(), fcntl.LOCK_UN, 1, at)

    def _try(self, at: int) -> bool:
        try:
            fcntl.lockf(self._descriptor(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)
        except (BlockingIOError, PermissionError):
            return False
        return True


def _byte(key: str) -> int:
    # Two keys on one byte would only wait for each other once in 2 ** 62.
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") >> 2
