"""The figures of the server, as Prometheus reads them; needs the extra ``twisted-pypi[metrics]``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Protocol

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from twisted_pypi.web.bodies import IndexRequest
from twisted_pypi.web.measuring import BOUNDS, Series
from twisted_pypi.web.replies import Reply

Gauges = Callable[[], Mapping[str, tuple[str, float]]]
"""Gives figures that are true now: by name, what each is and its value."""


class Measured(Protocol):
    """What was measured of requests."""

    def __iter__(self) -> Iterator[tuple[str, int, Series]]:
        """All routes and statuses that there were, sorted."""


class Metrics:
    """Answers ``/-/metrics``."""

    def __init__(self, measurements: Measured, gauges: Gauges, *, process: bool = True) -> None:
        """Show what was measured of requests, and ``gauges`` besides.

        With ``process``, also what this process takes of the machine, which
        says nothing where another one may answer the next time.
        """
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector) if process else ():
            collector(registry=self._registry)
        self._registry.register(_Server(measurements, gauges))

    async def get(self, request: IndexRequest) -> Reply:
        """Return all figures, in the text format that the request asks for."""
        accept = b",".join(request.headers_named(b"accept")).decode("latin-1")
        encode, content_type = choose_encoder(accept)
        headers = ((b"Content-Type", content_type.encode()), (b"Vary", b"Accept"), (b"Cache-Control", b"no-store"))
        return Reply(200, headers, encode(self._registry))


class _Server(Collector):
    """The figures of this server."""

    def __init__(self, measurements: Measured, gauges: Gauges) -> None:
        self._measurements = measurements
        self._gauges = gauges

    def describe(self) -> Iterable[Metric]:
        """Nothing is known before it is collected."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Give every figure."""
        labels = ["route", "status"]
        durations = HistogramMetricFamily(
            "twisted_pypi_request_duration_seconds",
            "Time from the head of a request to the end of its answer.",
            labels=labels,
        )
        sent = CounterMetricFamily("twisted_pypi_sent_bytes", "Bytes of answers, without their heads.", labels=labels)
        for route, status, series in self._measurements:
            where, so_far = [route, str(status)], 0
            buckets: list[tuple[str, float]] = []
            for bound, count in zip((*map(str, BOUNDS), "+Inf"), series.buckets, strict=True):
                so_far += count
                buckets.append((bound, so_far))
            durations.add_metric(where, buckets, series.seconds)
            sent.add_metric(where, series.sent)
        yield durations
        yield sent
        info = GaugeMetricFamily("twisted_pypi_info", "The version that is running.", labels=["version"])
        info.add_metric([version("twisted_pypi")], 1)
        yield info
        for name, (what, value) in self._gauges().items():
            yield GaugeMetricFamily(f"twisted_pypi_{name}", what, value)
