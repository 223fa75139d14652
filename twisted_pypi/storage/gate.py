"""Something that is waited for by many and happens once."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure


class Gate:
    """Closed until it is opened; from then on nobody waits."""

    def __init__(self) -> None:
        """Closed."""
        self.is_open = False
        self._waiting: list[Deferred[None]] = []
        self._failure: Exception | None = None

    async def passed(self) -> None:
        """Return when it is open.  Raises what ``fail`` was given."""
        if self._failure is not None:
            raise self._failure
        if not self.is_open:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    def open(self) -> None:
        """Let everybody through."""
        self.is_open = True
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    def fail(self, reason: Exception) -> None:
        """Tell everybody, from now on, that it will not open."""
        self._failure = reason
        self.send_away(reason)

    def send_away(self, reason: Exception) -> None:
        """Let nobody wait any longer; who comes later may."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.errback(Failure(reason))
