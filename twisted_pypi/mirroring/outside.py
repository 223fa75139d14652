"""What is under way outside this machine, and is broken off when a pass is stopped."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred

T = TypeVar("T")


class Stopped(Exception):
    """The pass was stopped."""


class Outside:
    """Waits for the network on behalf of one pass.

    Only these waits are broken off by ``stop``, never those for a thread:
    what a thread has begun with a file is brought to its end first.
    """

    def __init__(self) -> None:
        """Nothing is under way."""
        self.stopped = False
        self._under_way: set[Deferred[Any]] = set()

    def stop(self) -> None:
        """Break off what is under way, and let nothing begin any more."""
        self.stopped = True
        for each in list(self._under_way):
            each.cancel()

    def check(self) -> None:
        """Raise ``Stopped`` when there was a ``stop``."""
        if self.stopped:
            raise Stopped

    def begin(self, work: Callable[[], Coroutine[Any, Any, T]]) -> Deferred[T]:
        """Begin something; its Deferred fires with ``CancelledError`` when it is broken off.  Raises ``Stopped``."""
        self.check()
        begun = Deferred.fromCoroutine(work())
        self._under_way.add(begun)

        def forget(result: Any) -> Any:
            self._under_way.discard(begun)
            return result

        return begun.addBoth(forget)

    async def wait(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what comes of something.  Raises ``Stopped``."""
        try:
            return await self.begin(work)
        except CancelledError:
            self.check()
            raise
