"""What an operator may change while the server runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable


@runtime_checkable
class Reloadable(Protocol):
    """Something that follows a file, and can be told to read it now."""

    def reload(self) -> None:
        """Read it, whatever its times say, and log what came of it.  Raises nothing."""


def reloads_of(things: Iterable[object]) -> list[Callable[[], None]]:
    """Return how those of ``things`` read again that follow a file."""
    return [each.reload for each in things if isinstance(each, Reloadable)]
