"""What is counted of requests, and how it is shown."""

from pathlib import Path

import pytest
import pytest_twisted
from prometheus_client.parser import text_string_to_metric_families

from tests.conformance.assembly import InMemory, assembled
from twisted_pypi.testing.archives import wheel
from twisted_pypi.testing.wire import Wire
from twisted_pypi.web.measuring import BOUNDS, Series

PAGE = b"GET /simple/acme/ HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [(0.0, 0), (BOUNDS[0], 0), (BOUNDS[0] * 1.01, 1), (0.003, 4), (60.0, len(BOUNDS) - 1), (61.0, len(BOUNDS))],
)
def test_a_duration_is_in_the_bucket_of_its_bound(seconds: float, bucket: int) -> None:
    series = Series()
    series.add(seconds, 7)
    assert series.buckets.index(1) == bucket
    assert (sum(series.buckets), series.seconds, series.sent) == (1, seconds, 7)


async def figures(server: InMemory) -> dict[tuple[str, str, str], float]:
    """Every figure by its name and by route and status, where it has those."""
    answer = await server.ask(b"GET /-/metrics HTTP/1.1\r\nHost: x\r\n\r\n", "GET")
    assert answer.status == 200
    return {
        (sample.name, sample.labels.get("route", ""), sample.labels.get("status", "")): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
        if sample.labels.get("le") in {None, "+Inf"}
    }


@pytest_twisted.ensureDeferred
async def test_every_request_is_counted_once_on_the_fast_way_too(tmp_path: Path) -> None:
    (tmp_path / "acme-1.0-py3-none-any.whl").write_bytes(wheel("acme", "1.0"))
    async with assembled(tmp_path, "--metrics") as server:
        # The first scan may still have news of the project, and then the page is not kept.
        await server.ask(b"GET /packages/ HTTP/1.1\r\nHost: x\r\n\r\n", "GET")
        page = await server.ask(PAGE, "GET")
        assert page.status == 200
        wire = Wire(server.site)
        assert server.site.hot is not None
        assert server.site.hot.find(PAGE, trusted=wire.channel.trusted) is not None
        assert all(wire.send(PAGE).startswith(b"HTTP/1.1 200") for _ in range(2))
        wire.hang_up()
        await server.ask(b"GET /simple/none/ HTTP/1.1\r\nHost: x\r\n\r\n", "GET")
        await server.ask(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "POST")
        found = await figures(server)
        count = "twisted_pypi_request_duration_seconds_count"
        assert {key[1:]: value for key, value in found.items() if key[0] == count} == {
            ("list", "200"): 1,
            ("simple", "200"): 3,
            ("simple", "303"): 1,
            ("upload", "403"): 1,
        }
        assert found["twisted_pypi_sent_bytes_total", "simple", "200"] == 3 * len(page.body)
        assert found["twisted_pypi_files", "", ""] == 1
        assert ("process_resident_memory_bytes", "", "") in found


@pytest_twisted.ensureDeferred
async def test_nothing_is_counted_unless_it_was_asked_for(tmp_path: Path) -> None:
    async with assembled(tmp_path) as server:
        await server.ask(b"GET /-/status HTTP/1.1\r\nHost: x\r\n\r\n", "GET")
        assert (await server.ask(b"GET /-/metrics HTTP/1.1\r\nHost: x\r\n\r\n", "GET")).status == 404
