"""Collects the hints of the watcher for a moment, and has them looked at together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorFromThreads, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_pypi.errors import TwistedPyPIError

DEBOUNCE = 0.05
"""Seconds that hints are collected."""

_MOST = 20_000


class Hints:
    """Paths at which something may have changed, each once however often it was named.

    ``look`` looks at a collection of them; while it does, the next is being
    collected.  When there are more than can sensibly be looked at one by one,
    ``lost`` is called instead.
    """

    log = Logger()

    def __init__(
        self,
        reactor: IReactorFromThreads,
        clock: IReactorTime,
        look: Callable[[Mapping[str, bool]], Deferred[None]],
        lost: Callable[[], None],
    ) -> None:
        self._reactor = reactor
        self._clock = clock
        self._look = look
        self._lost = lost
        self._lock = threading.Lock()
        self._collected: dict[str, bool] = {}
        self._timer: IDelayedCall | None = None
        self._looking = False
        self._stopped = False

    def add(self, path: str, whole: bool) -> None:  # noqa: FBT001  # a callback of the watcher
        """Look at an absolute path soon.  For every thread."""
        with self._lock:
            if len(self._collected) < _MOST:
                self._collected[path] = whole or self._collected.get(path, False)
                if len(self._collected) > 1:
                    return
        self._reactor.callFromThread(self._schedule)

    def stop(self) -> None:
        """Look at nothing any more."""
        self._stopped = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _schedule(self) -> None:
        timed = self._timer is not None and self._timer.active()
        if self._collected and not (self._stopped or self._looking or timed):
            self._timer = self._clock.callLater(DEBOUNCE, self._flush)

    def _flush(self) -> None:
        with self._lock:
            collected, self._collected = self._collected, {}
        if len(collected) >= _MOST:
            self._lost()
            return
        self._looking = True
        self._look(collected).addBoth(self._looked)

    def _looked(self, result: object) -> None:
        if isinstance(result, Failure) and result.check(TwistedPyPIError):
            problem = result.getErrorMessage()
            self.log.warn("looking at what changed failed ({problem}); the next scan finds it", problem=problem)
        elif isinstance(result, Failure):
            self.log.failure("looking at what changed failed; the next scan finds it", result)
        self._looking = False
        self._schedule()
