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
from twisted_pypi.web.figures import Values, counters, read, together, written
from twisted_pypi.web.measuring import BOUNDS, Measurements, Series

EVERY = 1.0
"""Seconds between two times that a process leaves its figures: so old are those of the others at most."""


class Totals(Service):
    """What was measured by all processes.

    One that takes the place of another goes on from its figures, so that no
    counter ever goes back.
    """

    log = Logger()

    def __init__(
        self, measurements: Measurements, memory: SharedMemory, figures: Callable[[], Values], clock: IReactorTime
    ) -> None:
        """``measurements`` and ``figures`` are of this process."""
        self._measurements = measurements
        self._memory = memory
        self._figures = figures
        self._before: Values = {}
        self._loop = LoopingCall(self._leave)
        self._loop.clock = clock
        self._full = False

    def startService(self) -> None:
        """Go on from what there was, and leave figures from now on."""
        super().startService()
        left = _parsed(self._memory.read_figures(self._memory.number))
        for route, status, series in _series(left):
            self._measurements.series(route, status).take(series)
        self._before = counters(read(left.get("figures", ())))
        self._loop.start(EVERY)

    def stopService(self) -> None:
        """Leave the last figures."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()
            self.leave()

    def leave(self) -> None:
        """Leave the figures for the others."""
        rows = [
            (route, status, each.buckets, each.seconds, each.sent, each.received)
            for route, status, each in self._measurements
        ]
        said = json.dumps({"series": rows, "figures": written(self._own())}, separators=(",", ":"))
        fitted = self._memory.write_figures(said.encode())
        if not fitted and not self._full:
            self.log.warn("there are too many different answers to count them all for other processes")
        self._full = not fitted

    def _leave(self) -> None:
        # A loop that fails once would never run again.
        with self.log.failuresHandled("the figures could not be left for other processes"):
            self.leave()

    def figures(self) -> Values:
        """Figures of all processes."""
        return together(self._own(), (read(each.get("figures", ())) for each in self._others()))

    def __iter__(self) -> Iterator[tuple[str, int, Series]]:
        """All routes and statuses that there were, sorted."""
        total = Measurements()
        for route, status, series in self._measurements:
            total.series(route, status).take(series)
        for each in self._others():
            for route, status, series in _series(each):
                total.series(route, status).take(series)
        return iter(total)

    def _own(self) -> Values:
        own = self._figures()
        return own | {key: own.get(key, 0) + before for key, before in self._before.items()}

    def _others(self) -> list[dict[str, Any]]:
        numbers = (number for number in range(self._memory.processes) if number != self._memory.number)
        return [_parsed(self._memory.read_figures(number)) for number in numbers]


def _parsed(data: bytes | None) -> dict[str, Any]:
    return {} if data is None else json.loads(data)


def _series(figures: Mapping[str, Any]) -> Iterator[tuple[str, int, Series]]:
    for route, status, buckets, seconds, sent, received in figures.get("series", ()):
        if len(buckets) == len(BOUNDS) + 1:
            series = Series()
            series.buckets, series.seconds, series.sent, series.received = buckets, seconds, sent, received
            yield route, status, series
