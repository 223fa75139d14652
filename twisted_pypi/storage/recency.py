"""Which files were used last, and how much room all of them take."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

from twisted_pypi.distributions import ProjectName

Key = tuple[ProjectName, str]
"""The project and the name of a file."""


class Recency:
    """Files in the order of their last use.  Any thread may ask."""

    def __init__(self) -> None:
        """Know no file."""
        self._sizes: OrderedDict[Key, int] = OrderedDict()
        self._total = 0
        self._lock = threading.Lock()

    def seed(self, found: Iterable[tuple[float, Key, int]]) -> None:
        """Learn of files that were there before, with the times of their last use; those known were used later."""
        with self._lock:
            older = ((key, size) for _, key, size in sorted(found) if key not in self._sizes)
            self._sizes = OrderedDict([*older, *self._sizes.items()])
            self._total = sum(self._sizes.values())

    def use(self, key: Key, size: int) -> None:
        """Note that a file was stored or used."""
        with self._lock:
            self._total += size - self._sizes.pop(key, 0)
            self._sizes[key] = size

    def touch(self, key: Key) -> bool:
        """Note that a file was used; is it known?"""
        with self._lock:
            if key not in self._sizes:
                return False
            self._sizes.move_to_end(key)
            return True

    def forget(self, key: Key) -> None:
        """Note that a file is no longer there."""
        with self._lock:
            self._total -= self._sizes.pop(key, 0)

    def oldest(self) -> Key | None:
        """The file whose last use is the longest ago."""
        with self._lock:
            return next(iter(self._sizes), None)

    def size(self) -> tuple[int, int]:
        """How many files there are, and their bytes."""
        with self._lock:
            return len(self._sizes), self._total
