"""Threads of their own for password hashes, with a queue that ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from twisted_pypi.errors import Busy

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 2
"""Hashes that are computed at once; they take no thread from the rest of the server."""

WAITING = 64
"""Logins that may wait for a thread; at 0.4 s each the last one waits for about 13 s."""

RETRY_AFTER = 10
"""Seconds after which a login that found the queue full may be tried again."""


class HashingThreads(Service):
    """Runs password hashes off the reactor thread while it is started.

    It is a ``RunInThread`` that raises ``Busy`` when the queue is full.  No
    thread exists before the first login.
    """

    def __init__(self, reactor: IReactorThreads, *, threads: int = THREADS, waiting: int = WAITING) -> None:
        self._reactor = reactor
        self._threads = threads
        self._most = threads + waiting
        self._under_way = 0
        self._pool: ThreadPool | None = None

    def startService(self) -> None:
        """Take logins."""
        super().startService()
        self._pool = ThreadPool(0, self._threads, "password-hashes")
        self._pool.start()

    def stopService(self) -> Deferred[None] | None:
        """Take no more logins, give up those that wait, and let those that are being checked end."""
        super().stopService()
        pool, self._pool = self._pool, None
        if pool is None:
            return None
        # Joining waits for the hashes under way, which the reactor thread must not.
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), pool.stop)

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Return what ``function`` returns.  Raises ``Busy``."""
        pool = self._pool
        if pool is None or self._under_way >= self._most:
            raise _busy()

        def work() -> T:
            if self._pool is not pool:
                raise _busy()
            return function(*args, **kwargs)

        def done(result: T) -> T:
            self._under_way -= 1
            return result

        self._under_way += 1
        return deferToThreadPool(self._reactor, pool, work).addBoth(done)


def _busy() -> Busy:
    return Busy(f"too many logins are being checked: try again in {RETRY_AFTER} seconds", RETRY_AFTER)
