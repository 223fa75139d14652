"""What is counted of every request: how many, how long they took, how many bytes they sent and brought.

Counting costs a request well under a microsecond: one list, one search in a
dozen bounds.  Writing it down for whoever asks is ``web.metrics``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from time import perf_counter
from typing import TYPE_CHECKING

from twisted_pypi.boundaries import Accounts, User
from twisted_pypi.errors import Busy, LoginRequired, TooManyTries

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest

BOUNDS = (0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
"""Upper bounds of the buckets of durations, in seconds; what took longer is in one more."""


class Series:
    """Requests to one route that were answered with one status."""

    __slots__ = ("buckets", "received", "seconds", "sent")

    def __init__(self) -> None:
        """None so far."""
        self.buckets = [0] * (len(BOUNDS) + 1)
        """How many took at most so long as the bound of the same number, and longer than the one before."""
        self.seconds = 0.0
        """What they took in all."""
        self.sent = 0
        """Bytes of the bodies of all answers."""
        self.received = 0
        """Bytes of the bodies of all requests."""

    def add(self, seconds: float, sent: int) -> None:
        """Count one request."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds
        self.sent += sent

    def take(self, more: Series) -> None:
        """Count what another has counted."""
        # The list stays the same one: whoever counts holds on to it.
        self.buckets[:] = [one + other for one, other in zip(self.buckets, more.buckets, strict=True)]
        self.seconds += more.seconds
        self.sent += more.sent
        self.received += more.received


class Measurements:
    """The requests that were answered, by route and status, and the logins that were checked."""

    def __init__(self) -> None:
        """None so far."""
        self._series: dict[tuple[str, int], Series] = {}
        self._remembered: dict[tuple[str, int], Series] = {}
        self.logins: Counter[str] = Counter()
        """How many logins were checked, by what came of it."""

    def series(self, route: str, status: int) -> Series:
        """Return where requests to a route with this status are counted."""
        return _in(self._series, route, status)

    def series_of_head(self, request: IndexRequest) -> Series:
        """Return where further requests with the very same head are counted, which are answered from memory."""
        return _in(self._remembered, route_of(request), request.code)

    def add(self, request: IndexRequest) -> None:
        """Count a request that was answered."""
        series = self.series(route_of(request), request.code)
        series.add(perf_counter() - request.began, request.sentLength or 0)
        series.received += request.received

    @property
    def from_memory(self) -> int:
        """How many requests were answered because their head was remembered."""
        return sum(sum(each.buckets) for each in self._remembered.values())

    def __iter__(self) -> Iterator[tuple[str, int, Series]]:
        """All routes and statuses that there were, sorted."""
        for key in sorted(self._series.keys() | self._remembered.keys()):
            total = Series()
            for kept in (self._series, self._remembered):
                if key in kept:
                    total.take(kept[key])
            yield (*key, total)


def _in(kept: dict[tuple[str, int], Series], route: str, status: int) -> Series:
    found = kept.get((route, status))
    if found is None:
        found = kept[route, status] = Series()
    return found


def route_of(request: IndexRequest) -> str:
    """What a request asked for, in a word: that of its place, but lists and pages, files and metadata apart."""
    route = request.route
    if route == "simple":
        return "page" if any(request.postpath or ()) else "list"
    if route == "file" and request.path.endswith(b".metadata"):
        return "metadata"
    return route or "none"


class CountedLogins(Accounts):
    """Accounts, with every login counted that had to be checked; those that were right before are not."""

    def __init__(self, accounts: Accounts, counts: Counter[str]) -> None:
        """Count in ``counts``."""
        self._accounts = accounts
        self._counts = counts

    def remembered(self, authorization: bytes) -> User | None:
        """Return who sent this header, if it was found right before and still is."""
        return self._accounts.remembered(authorization)

    async def log_in(self, authorization: bytes | None, address: str) -> User:
        """Return who sent this header.  Raises ``LoginRequired``, ``TooManyTries`` and ``Busy``."""
        outcome = "failed"
        try:
            user = await self._accounts.log_in(authorization, address)
            outcome = "right"
        except LoginRequired:
            outcome = "wrong"
            raise
        except TooManyTries:
            outcome = "slowed"
            raise
        except Busy:
            outcome = "busy"
            raise
        finally:
            self._counts[outcome] += 1
        return user
