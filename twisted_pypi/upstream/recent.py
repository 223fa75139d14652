"""The pages that were wanted last, ready for use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Values up to a sum of weights; of too many those go that were not used for longest."""

    def __init__(self, most: int, weight: Callable[[Value], int]) -> None:
        """Hold nothing."""
        self._most = most
        self._weight = weight
        self._held: dict[Key, Value] = {}
        self._total = 0

    def get(self, key: Key) -> Value | None:
        """The value, if it is held; it counts as used."""
        found = self._held.pop(key, None)
        if found is not None:
            self._held[key] = found
        return found

    def put(self, key: Key, value: Value) -> None:
        """Hold it, unless it is heavier than all together may be."""
        self.drop(key)
        self._held[key] = value
        self._total += self._weight(value)
        while self._total > self._most:
            self.drop(next(iter(self._held)))

    def drop(self, key: Key) -> None:
        """Hold it no longer."""
        found = self._held.pop(key, None)
        if found is not None:
            self._total -= self._weight(found)
