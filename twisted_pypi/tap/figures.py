"""What is measured of the server; an extra, which is imported only where it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twisted.application.service import IService

from twisted_pypi.boundaries import Accounts, RunInThread
from twisted_pypi.config import Config
from twisted_pypi.tap.folders import Folders
from twisted_pypi.tap.showing import Showing
from twisted_pypi.web.measuring import CountedLogins, Measurements
from twisted_pypi.web.pages import FinishedPages
from twisted_pypi.web.progress import Notice, Noticed, Progress

if TYPE_CHECKING:
    from twisted_pypi.tap.together import Together
    from twisted_pypi.web.metrics import Metrics
    from twisted_pypi.web.proxies import TrustedProxies
    from twisted_pypi.web.replies import ErrorPages
    from twisted_pypi.web.site import IndexSite


@dataclass(frozen=True, slots=True)
class Figures:
    """What counts, and what shows it."""

    measurements: Measurements | None = None
    """``None``: nothing is counted."""
    shown: Metrics | None = None
    """What answers at the address of the index; ``None``: nothing does."""
    site: IndexSite | None = None
    """What answers at a port of its own, if there is one."""
    services: list[IService] = field(default_factory=list)


def measurements_of(config: Config) -> Measurements | None:
    """Return what counts requests, if anybody wants to know."""
    return Measurements() if config.metrics or config.metrics_listen is not None else None


def counted(accounts: Accounts, measurements: Measurements | None) -> Accounts:
    """Return accounts whose logins are counted, if anything is."""
    return accounts if measurements is None else CountedLogins(accounts, measurements.logins)


def make_progress(
    folders: Folders, showing: Showing, together: Together | None, reactor: Any
) -> tuple[Progress | Noticed, list[IService]]:
    """Return who knows what came of scans and updates, and the service that tells the other processes."""
    if together is not None and not folders.keeps:
        return Noticed(together.memory, reactor.seconds()), []
    updates = None if showing.outside is None else showing.outside.updates
    scanner: Any = folders.scanner
    progress = Progress(scanner, updates, reactor.seconds())
    return progress, [] if together is None else [Notice(progress, together.memory, reactor)]


def make_figures(
    config: Config,
    measurements: Measurements | None,
    folders: Folders,
    showing: Showing,
    *,
    pages: FinishedPages,
    connections: Callable[[], int],
    error_pages: ErrorPages,
    proxies: TrustedProxies,
    together: Together | None,
    run_in_thread: RunInThread,
    reactor: Any,
) -> Figures:
    """Return what shows the figures, if they are wanted, and what adds up those of all processes, if there are several."""
    if measurements is None:
        return Figures()
    from twisted_pypi.tap.gathering import Gathering  # noqa: PLC0415  # who counts nothing needs none of it
    from twisted_pypi.web.metrics import Metrics  # noqa: PLC0415  # not always installed

    gathering = Gathering(
        measurements, folders, showing, pages=pages, connections=connections, run_in_thread=run_in_thread,
        now=reactor.seconds,
    )  # fmt: skip
    services: list[IService] = []
    if together is None:
        metrics = Metrics(measurements, gathering.values, refresh=gathering.refresh)
    else:
        from twisted_pypi.web.totals import Totals  # noqa: PLC0415  # one process alone needs none of it

        totals = Totals(measurements, together.memory, gathering.values, reactor)
        metrics = Metrics(totals, totals.figures, refresh=gathering.refresh, process=False)
        services.append(totals)
    site = None
    if config.metrics_listen is not None and folders.keeps:
        from twisted_pypi.web.figures_site import figures_site  # noqa: PLC0415  # few have a port for it

        site = figures_site(metrics.get, config.server_base_url, error_pages, proxies, reactor)
    return Figures(measurements, metrics if config.metrics else None, site, services)
