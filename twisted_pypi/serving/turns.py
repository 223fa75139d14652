"""The turns of the reactor, numbered: what was looked at in one need not be looked at again before the next.

A turn asks the system once which connections have something to read, and then
reads from each of them.  What those clients sent was under way before the turn
began, so no change of the world that one of them could have waited for comes
between two requests of one turn.
"""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.epollreactor import EPollReactor


class Turns(Service):
    """Counts the turns of an epoll reactor while it is started; those of others, which work otherwise, never."""

    def __init__(self, reactor: object) -> None:
        """Nothing is counted before the start."""
        self.number: int | None = None
        """Which turn this is; ``None``: they are not counted, and any two moments may be of different ones."""
        # The reactor looks its own method up each time, and that is the one place where a turn begins.
        self._reactor: Any = reactor if isinstance(reactor, EPollReactor) else None

    def startService(self) -> None:
        """Begin to count."""
        super().startService()
        if self._reactor is None:
            return
        turn = self._reactor.doIteration
        self.number = 0

        def counted(delay: float | None) -> None:
            if self.number is not None:
                self.number += 1
            turn(delay)

        self._reactor.doIteration = self._counted = counted

    def stopService(self) -> None:
        """Count no more."""
        super().stopService()
        self.number = None
        if self._reactor is not None and self._reactor.doIteration is self._counted:
            del self._reactor.doIteration
