"""The threads of the index, and what runs in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """A pool that is stopped only when everything in it has come to its end."""

    def __init__(self, reactor: IReactorFromThreads, size: int) -> None:
        """At most ``size`` threads, and none before ``start``."""
        self._reactor = reactor
        self._pool = ThreadPool(0, size, "index")
        self._running: set[Deferred[Any]] = set()

    def start(self) -> None:
        """Take work from now on."""
        self._pool.start()

    def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Run what blocks; its result or error is delivered in the reactor thread."""
        ended: Deferred[None] = Deferred()
        self._running.add(ended)
        result: Deferred[T] = deferToThreadPool(self._reactor, self._pool, function, *args, **kwargs)

        def forget(value: Any) -> Any:
            self._running.discard(ended)
            ended.callback(None)
            return value

        return result.addBoth(forget)

    async def stop(self) -> None:
        """Wait for what runs, and end the threads."""
        while self._running:
            await DeferredList(list(self._running))
        self._pool.stop()
