"""When pages end that are right only for a while: one timer for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twisted_pypi.distributions import ProjectName

MOST = 50_000
"""Pages that are watched over; each takes some 250 bytes.  With more, the next to end does so early."""

SHORTEST = 1.0
"""Seconds that a page holds at least."""

LONGEST = 86_400.0
"""Seconds after which the clock is looked at again, however far off the end of a page is."""


class Expiry(Service):
    """The moment at which each page is over that depends on the time.

    Only a page that was built is watched; when its time has come it is
    forgotten, and watched again once somebody asks for it.
    """

    def __init__(
        self, clock: IReactorTime, drop: Callable[[frozenset[ProjectName]], None], *, most: int = MOST
    ) -> None:
        """``drop`` forgets pages, in the reactor thread; ``clock`` tells the time of day as well."""
        self._clock = clock
        self._drop = drop
        self._most = most
        self._ends: dict[ProjectName, float] = {}
        self._queue: list[tuple[float, ProjectName]] = []
        self._call: IDelayedCall | None = None

    def expect(self, name: ProjectName, end_ns: int) -> None:
        """A page was built that is right until then, nanoseconds since the epoch; the earliest end counts."""
        end = max(end_ns / 1e9, self._clock.seconds() + SHORTEST)
        if end >= self._ends.get(name, float("inf")):
            return
        self._ends[name] = end
        heappush(self._queue, (end, name))
        if len(self._ends) > self._most:
            self._end(self._earliest())
        if len(self._queue) > 2 * len(self._ends) + 64:
            self._queue = [(each, of) for of, each in self._ends.items()]
            heapify(self._queue)
        self._wind()

    def stopService(self) -> None:
        """Watch over nothing."""
        super().stopService()
        self._ends.clear()
        self._queue.clear()
        self._wind()

    def _wind(self) -> None:
        """Set the timer to the end that comes first."""
        while self._queue and self._ends.get(self._queue[0][1]) != self._queue[0][0]:
            heappop(self._queue)
        if not self._queue:
            if self._call is not None:
                self._call.cancel()
                self._call = None
            return
        delay = min(max(0.0, self._queue[0][0] - self._clock.seconds()), LONGEST)
        if self._call is None:
            self._call = self._clock.callLater(delay, self._ring)
        elif self._call.getTime() > self._clock.seconds() + delay:
            self._call.reset(delay)

    def _ring(self) -> None:
        self._call = None
        now = self._clock.seconds()
        over = []
        while self._queue and self._queue[0][0] <= now:
            over.append(heappop(self._queue))
        self._end(name for end, name in over if self._ends.get(name) == end)
        self._wind()

    def _earliest(self) -> Iterable[ProjectName]:
        end, name = heappop(self._queue)
        while self._ends.get(name) != end:
            end, name = heappop(self._queue)
        return (name,)

    def _end(self, names: Iterable[ProjectName]) -> None:
        ended = frozenset(names)
        for name in ended:
            del self._ends[name]
        if ended:
            self._drop(ended)
