"""The figures of all processes of a server as one; imported only where there are several.

Each process leaves its own in shared memory once a second.  Whoever is asked
adds what it has itself to what the others left last, and asks nobody.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from twisted_pypi.sharing import SharedMemory
from twisted_pypi.web.measuring import BOUNDS, Measurements, Series

EVERY = 1.0
"""Seconds between two times that a process leaves its figures: so old are those of the others at most."""

Gauges = Callable[[], Mapping[str, tuple[str, float]]]


class Totals(Service):
    """What was measured by all processes.

    One that takes the place of another goes on from its figures, so that no
    counter ever goes back.
    """

    log = Logger()

    def __init__(
        self,
        measurements: Measurements,
        memory: SharedMemory,
        gauges: Gauges,
        summed: frozenset[str],
        clock: IReactorTime,
    ) -> None:
        """``measurements`` and ``gauges`` are of this process; the gauges called ``summed`` add up."""
        self._measurements = measurements
        self._memory = memory
        self._gauges = gauges
        self._summed = summed
        self._loop = LoopingCall(self._leave)
        self._loop.clock = clock
        self._full = False

    def startService(self) -> None:
        """Go on from what there was, and leave figures from now on."""
        super().startService()
        for route, status, series in _series(_parsed(self._memory.read_figures(self._memory.number))):
            _add(self._measurements.series(route, status), series)
        self._loop.start(EVERY)

    def stopService(self) -> None:
        """Leave the last figures."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()
            self.leave()

    def leave(self) -> None:
        """Leave the figures for the others."""
        rows = [(route, status, each.buckets, each.seconds, each.sent) for route, status, each in self._measurements]
        gauges = {name: value for name, (_, value) in self._gauges().items() if name in self._summed}
        written = self._memory.write_figures(json.dumps({"series": rows, "gauges": gauges}).encode())
        if not written and not self._full:
            self.log.warn("there are too many different answers to count them all for other processes")
        self._full = not written

    def _leave(self) -> None:
        # A loop that fails once would never run again.
        with self.log.failuresHandled("the figures could not be left for other processes"):
            self.leave()

    def gauges(self) -> Mapping[str, tuple[str, float]]:
        """Figures that are true now, of all processes."""
        others = self._others()
        return {
            name: (what, value + sum(each.get("gauges", {}).get(name, 0) for each in others))
            for name, (what, value) in self._gauges().items()
        }

    def __iter__(self) -> Iterator[tuple[str, int, Series]]:
        """All routes and statuses that there were, sorted."""
        total = Measurements()
        for route, status, series in self._measurements:
            _add(total.series(route, status), series)
        for each in self._others():
            for route, status, series in _series(each):
                _add(total.series(route, status), series)
        return iter(total)

    def _others(self) -> list[dict[str, Any]]:
        numbers = (number for number in range(self._memory.processes) if number != self._memory.number)
        return [_parsed(self._memory.read_figures(number)) for number in numbers]


def _parsed(data: bytes | None) -> dict[str, Any]:
    return {} if data is None else json.loads(data)


def _series(figures: Mapping[str, Any]) -> Iterator[tuple[str, int, Series]]:
    for route, status, buckets, seconds, sent in figures.get("series", ()):
        if len(buckets) == len(BOUNDS) + 1:
            series = Series()
            series.buckets, series.seconds, series.sent = buckets, seconds, sent
            yield route, status, series


def _add(to: Series, more: Series) -> None:
    # The list stays the same one: whoever counts holds on to it.
    to.buckets[:] = [one + other for one, other in zip(to.buckets, more.buckets, strict=True)]
    to.seconds += more.seconds
    to.sent += more.sent
