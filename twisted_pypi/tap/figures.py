"""What is measured of the server; an extra, which is imported only where it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from twisted.application.service import IService

from twisted_pypi.tap.folders import Folders
from twisted_pypi.web.measuring import Measurements
from twisted_pypi.web.pages import FinishedPages

if TYPE_CHECKING:
    from twisted_pypi.tap.together import Together
    from twisted_pypi.web.metrics import Metrics


SUMMED = frozenset({"kept_pages_bytes", "connections"})
"""The gauges that every process has a part of."""


def make_metrics(
    measurements: Measurements | None,
    folders: Folders,
    pages: FinishedPages,
    connections: Callable[[], int],
    *,
    together: Together | None,
    reactor: Any,
) -> tuple[Metrics | None, IService | None]:
    """Return what shows the figures, if they are wanted, and what adds up those of all processes, if there are several."""
    if measurements is None:
        return None, None
    from twisted_pypi.web.metrics import Metrics  # noqa: PLC0415  # not always installed

    def gauges() -> Mapping[str, tuple[str, float]]:
        projects, files = folders.index.counts()
        return {
            "projects": ("Projects in the folders.", projects),
            "files": ("Files in the folders.", files),
            "troubles": ("What is wrong with the folders, as /-/status lists it.", len(folders.scanner.troubles())),
            "kept_pages_bytes": ("Bytes of finished pages in memory.", pages.size),
            "connections": ("Connections of clients that are open.", connections()),
        }

    if together is None:
        return Metrics(measurements, gauges), None
    from twisted_pypi.web.totals import Totals  # noqa: PLC0415  # one process alone needs none of it

    totals = Totals(measurements, together.memory, gauges, SUMMED, reactor)
    return Metrics(totals, totals.gauges, process=False), totals
