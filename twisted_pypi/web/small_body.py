"""A body that has to be short: kept in memory, and refused when it is not."""

from __future__ import annotations

from twisted_pypi.errors import TooLarge


class SmallBody:
    """A body that is kept in memory because it has to be short."""

    def __init__(self, limit: int) -> None:
        """Take at most ``limit`` bytes."""
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Keep a piece.  Raises ``TooLarge``."""
        self._size += len(data)
        if self._size > self._limit:
            raise TooLarge(f"the body is longer than the {self._limit} bytes that are taken here")
        self._pieces.append(data)

    def abandon(self) -> None:
        """Forget what came."""
        self._pieces = []

    def whole(self) -> bytes:
        """Return the body."""
        return b"".join(self._pieces)
