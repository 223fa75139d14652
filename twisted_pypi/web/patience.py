"""How long a connection may be silent, at the price of a few comparisons a request.

twisted's own ``TimeoutMixin`` makes a timer for each request and cancels it for
each answer.  Here one timer goes on, and finds out at its end whether it was
one too early.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.protocols.policies import TimeoutMixin


class Patience(TimeoutMixin):
    """The same as its base, for protocols that set their timeout for every request."""

    seconds: Callable[[], float]
    """The time of the reactor."""
    callLater: Callable[..., Any]
    """The reactor's."""
    _timer: IDelayedCall | None = None
    _until: float | None = None
    """When the time is over; ``None``: it does not run."""

    def resetTimeout(self) -> None:
        """Begin to count again, if it is counted at all."""
        if self._until is not None and self.timeOut is not None:
            self._until = self.seconds() + self.timeOut

    def setTimeout(self, period: int | None) -> int | None:
        """Allow ``period`` seconds from now, or (``None``) for ever; return what was allowed before."""
        before, self.timeOut = self.timeOut, period
        if period is None:
            self._until = None
            return before
        self._until = self.seconds() + period
        if self._timer is not None and self._timer.getTime() > self._until:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self.callLater(period, self._end_of_timer)
        return before

    def forget_timeout(self) -> None:
        """Count no more, and leave nothing behind."""
        self.setTimeout(None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end_of_timer(self) -> None:
        self._timer = None
        if self._until is None:
            return
        left = self._until - self.seconds()
        if left > 0:
            self._timer = self.callLater(left, self._end_of_timer)
        else:
            self._until = None
            self.timeoutConnection()
