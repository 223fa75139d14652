"""What is measured of the server; an extra, which is imported only where it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from twisted_pypi.tap.folders import Folders
from twisted_pypi.web.measuring import Measurements
from twisted_pypi.web.pages import FinishedPages

if TYPE_CHECKING:
    from twisted_pypi.web.metrics import Metrics


def make_metrics(
    measurements: Measurements, folders: Folders, pages: FinishedPages, connections: Callable[[], int]
) -> Metrics:
    """Return what shows the figures."""
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

    return Metrics(measurements, gauges)
