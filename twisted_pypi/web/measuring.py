"""What is counted of every request: how many, how long they took, how many bytes they sent.

Counting costs a request well under a microsecond: one list, one search in a
dozen bounds.  Writing it down for whoever asks is ``web.metrics``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest

BOUNDS = (0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
"""Upper bounds of the buckets of durations, in seconds; what took longer is in one more."""


class Series:
    """Requests to one route that were answered with one status."""

    __slots__ = ("buckets", "seconds", "sent")

    def __init__(self) -> None:
        """None so far."""
        self.buckets = [0] * (len(BOUNDS) + 1)
        """How many took at most so long as the bound of the same number, and longer than the one before."""
        self.seconds = 0.0
        """What they took in all."""
        self.sent = 0
        """Bytes of all their bodies."""

    def add(self, seconds: float, sent: int) -> None:
        """Count one request."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds
        self.sent += sent


class Measurements:
    """The requests that were answered, by route and status."""

    def __init__(self) -> None:
        """None so far."""
        self._series: dict[tuple[str, int], Series] = {}

    def series(self, route: str, status: int) -> Series:
        """Return where requests to a route with this status are counted."""
        key = route, status
        found = self._series.get(key)
        if found is None:
            found = self._series[key] = Series()
        return found

    def add(self, request: IndexRequest) -> None:
        """Count a request that was answered."""
        self.series(request.route or "none", request.code).add(perf_counter() - request.began, request.sentLength or 0)

    def __iter__(self) -> Iterator[tuple[str, int, Series]]:
        """All routes and statuses that there were, sorted."""
        return ((route, status, self._series[route, status]) for route, status in sorted(self._series))
