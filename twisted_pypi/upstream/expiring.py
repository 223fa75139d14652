"""Things that are known for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Expiring(Generic[Key, Value]):
    """Values that are forgotten after some time, and of too many the oldest."""

    def __init__(self, seconds: float, most: int, now: Callable[[], float]) -> None:
        """Know nothing.  ``now`` returns seconds."""
        self._seconds = seconds
        self._most = most
        self._now = now
        self._known: dict[Key, tuple[float, Value]] = {}

    def get(self, key: Key) -> Value | None:
        """What is known, if it is."""
        found = self._known.get(key)
        if found is None:
            return None
        if self._now() >= found[0]:
            del self._known[key]
            return None
        return found[1]

    def put(self, key: Key, value: Value) -> None:
        """Know it from now on."""
        self._known.pop(key, None)
        self._known[key] = self._now() + self._seconds, value
        if len(self._known) > self._most:
            del self._known[next(iter(self._known))]

    def forget(self, key: Key) -> None:
        """Know it no longer."""
        self._known.pop(key, None)
