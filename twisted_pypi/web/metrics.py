"""The figures of the server, as Prometheus reads them; needs the extra ``twisted-pypi[metrics]``."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from importlib.metadata import version
from typing import Protocol

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from twisted_pypi.web.bodies import IndexRequest
from twisted_pypi.web.figures import KINDS, Values
from twisted_pypi.web.measuring import BOUNDS, Series
from twisted_pypi.web.replies import Reply

PREFIX = "twisted_pypi_"

OUTCOMES = {400: "invalid", 401: "no login", 403: "not allowed", 409: "exists", 411: "invalid", 413: "too large"} | {
    429: "busy", 503: "busy", 507: "no space"
}  # fmt: skip
"""What became of an upload, by its status; of the other statuses, 2xx: accepted, 4xx: invalid, 5xx: failed."""


class Measured(Protocol):
    """What was measured of requests."""

    def __iter__(self) -> Iterator[tuple[str, int, Series]]:
        """All routes and statuses that there were, sorted."""


async def _nothing() -> None:
    """Find nothing out."""


class Metrics:
    """Answers ``/-/metrics``."""

    def __init__(
        self,
        measurements: Measured,
        figures: Callable[[], Values],
        *,
        refresh: Callable[[], Awaitable[None]] = _nothing,
        process: bool = True,
    ) -> None:
        """Show what was measured of requests, and ``figures`` besides; ``refresh`` is awaited before.

        With ``process``, also what this process takes of the machine, which
        says nothing where another one may answer the next time.
        """
        self._refresh = refresh
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector) if process else ():
            collector(registry=self._registry)
        self._registry.register(_Server(measurements, figures))

    async def get(self, request: IndexRequest) -> Reply:
        """Return all figures, in the text format that the request asks for."""
        await self._refresh()
        accept = b",".join(request.headers_named(b"accept")).decode("latin-1")
        encode, content_type = choose_encoder(accept)
        headers = ((b"Content-Type", content_type.encode()), (b"Vary", b"Accept"), (b"Cache-Control", b"no-store"))
        return Reply(200, headers, encode(self._registry))


class _Server(Collector):
    """The figures of this server."""

    def __init__(self, measurements: Measured, figures: Callable[[], Values]) -> None:
        self._measurements = measurements
        self._figures = figures

    def describe(self) -> Iterable[Metric]:
        """Nothing is known before it is collected."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Give every figure."""
        measured = list(self._measurements)
        yield _requests(measured)
        yield from _by_class(measured)
        yield _uploads(measured)
        info = GaugeMetricFamily(
            f"{PREFIX}build_info", "What is running; the value is always 1.", labels=["version", "python", "twisted"]
        )
        info.add_metric([version("twisted_pypi"), platform.python_version(), version("twisted")], 1)
        yield info
        yield from _others(self._figures())


def _requests(measured: Iterable[tuple[str, int, Series]]) -> Metric:
    family = CounterMetricFamily(
        f"{PREFIX}requests", "Requests by what was asked for and how it was answered.", labels=["route", "code"]
    )
    for route, status, series in measured:
        family.add_metric([route, str(status)], sum(series.buckets))
    return family


def _by_class(measured: Iterable[tuple[str, int, Series]]) -> Iterator[Metric]:
    total: dict[tuple[str, str], Series] = {}
    for route, status, series in measured:
        total.setdefault((route, f"{status // 100}xx"), Series()).take(series)
    labels = ["route", "status"]
    durations = HistogramMetricFamily(
        f"{PREFIX}request_duration_seconds", "Time from the head of a request to the end of its answer.", labels=labels
    )
    sent = CounterMetricFamily(f"{PREFIX}sent_bytes", "Bytes of answers, without their heads.", labels=labels)
    received = CounterMetricFamily(f"{PREFIX}received_bytes", "Bytes of requests, without their heads.", labels=labels)
    for where, series in total.items():
        so_far = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), series.buckets, strict=True):
            so_far += count
            buckets.append((bound, so_far))
        durations.add_metric(where, buckets, series.seconds)
        sent.add_metric(where, series.sent)
        received.add_metric(where, series.received)
    yield from (durations, sent, received)


def _uploads(measured: Iterable[tuple[str, int, Series]]) -> Metric:
    family = CounterMetricFamily(f"{PREFIX}uploads", "Uploads of files by what became of them.", labels=["outcome"])
    # All of them from the start: the rate of a counter that comes with its first event does not show that one.
    found = Counter(dict.fromkeys(("accepted", "failed", *OUTCOMES.values()), 0))
    for route, status, series in measured:
        if route == "upload":
            other = "accepted" if status < 300 else "invalid" if status < 500 else "failed"
            found[OUTCOMES.get(status, other)] += sum(series.buckets)
    for outcome, count in sorted(found.items()):
        family.add_metric([outcome], count)
    return family


def _others(values: Values) -> Iterator[Metric]:
    families: dict[str, Metric] = {}
    for (name, labels), value in values.items():
        kind = KINDS[name]
        if name not in families:
            family = CounterMetricFamily if kind.counter else GaugeMetricFamily
            families[name] = family(f"{PREFIX}{name}", kind.what, labels=kind.labels)
        families[name].add_sample(f"{PREFIX}{name}{'_total' if kind.counter else ''}", dict(labels), value)
    yield from families.values()
