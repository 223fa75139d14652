"""What is counted of requests, and how it is shown."""

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha1
from importlib.metadata import version
from pathlib import Path

import pytest
import pytest_twisted
from prometheus_client.parser import text_string_to_metric_families

from tests.conformance.answers import read_answer
from tests.conformance.assembly import PATIENCE, InMemory, assembled
from twisted_pypi.testing.archives import wheel
from twisted_pypi.testing.wire import Wire
from twisted_pypi.web.measuring import BOUNDS, Series
from twisted_pypi.web.metrics import OUTCOMES
from twisted_pypi.web.site import IndexSite

WHEEL = wheel("acme", "1.0")
SCRAPE = b"GET /-/metrics HTTP/1.1\r\nHost: x\r\n\r\n"
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


async def figures(server: InMemory, site: IndexSite | None = None, path: bytes = b"/-/metrics") -> dict[str, float]:
    """Every figure by its name and its labels, as they are written."""
    wire = Wire(site or server.site)
    data = wire.send(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path)
    end = server.reactor.seconds() + PATIENCE
    while (answer := read_answer(data, "GET")) is None:
        assert server.reactor.seconds() < end
        await server.turn()
        data += wire.received()
    wire.hang_up()
    assert answer.status == 200
    return {
        f"{sample.name}{sorted(sample.labels.values())}" if sample.labels else sample.name: sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
        if sample.labels.get("le") in {None, "+Inf"} and sample.name.startswith("twisted_pypi")
    }


def some(found: dict[str, float], beginning: str) -> dict[str, float]:
    return {name.removeprefix(beginning): value for name, value in found.items() if name.startswith(beginning)}


@asynccontextmanager
async def serving(tmp_path: Path, *options: str) -> AsyncIterator[InMemory]:
    """A server with one file, which is known."""
    root = tmp_path / "packages"
    root.mkdir()
    (root / "acme-1.0-py3-none-any.whl").write_bytes(WHEEL)
    async with assembled(root, *options) as server:
        # The first scan may still have news of the project, and then the page is not kept.
        await server.ask(b"GET /packages/ HTTP/1.1\r\nHost: x\r\n\r\n", "GET")
        yield server


@pytest_twisted.ensureDeferred
async def test_every_request_is_counted_once_on_the_fast_way_too(tmp_path: Path) -> None:
    async with serving(tmp_path, "--metrics") as server:
        page = await server.ask(PAGE, "GET")
        assert page.status == 200
        wire = Wire(server.site)
        assert server.site.hot is not None
        assert server.site.hot.find(PAGE, trusted=wire.channel.trusted) is not None
        assert all(wire.send(PAGE).startswith(b"HTTP/1.1 200") for _ in range(2))
        wire.hang_up()
        await server.ask(b"GET /simple/none/ HTTP/1.1\r\nHost: x\r\n\r\n", "GET")
        await server.ask(b"GET /simple/ HTTP/1.1\r\nHost: x\r\n\r\n", "GET")
        await server.ask(b"GET /packages/acme-1.0-py3-none-any.whl.metadata HTTP/1.1\r\nHost: x\r\n\r\n", "GET")
        await server.ask(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "POST")
        found = await figures(server)
        expected = {
            ("200", "all-files"): 1,
            ("200", "list"): 1,
            ("200", "metadata"): 1,
            ("200", "page"): 3,
            ("303", "page"): 1,
            ("403", "upload"): 1,
        }
        assert some(found, "twisted_pypi_requests_total") == {str([*key]): value for key, value in expected.items()}
        assert some(found, "twisted_pypi_request_duration_seconds_count") == {
            f"['{key[0][0]}xx', '{key[1]}']": value for key, value in expected.items()
        }
        assert found["twisted_pypi_sent_bytes_total['2xx', 'page']"] == 3 * len(page.body)
        assert found["twisted_pypi_received_bytes_total['4xx', 'upload']"] == 3
        uploads = some(found, "twisted_pypi_uploads_total")
        assert {outcome for outcome, count in uploads.items() if count} == {"['not allowed']"}
        assert uploads.keys() == {f"['{each}']" for each in {"accepted", "failed", *OUTCOMES.values()}}
        assert some(found, "twisted_pypi_page_cache_hits_total")["['head']"] == 2
        assert found["twisted_pypi_page_cache_misses_total"] > 0


@pytest_twisted.ensureDeferred
async def test_what_there_is_and_when_it_was_looked_at(tmp_path: Path) -> None:
    async with serving(tmp_path, "--metrics") as server:
        while "twisted_pypi_scan_age_seconds" not in await figures(server):
            await server.turn()
        server.reactor.pass_over(30)
        found = await figures(server)
        assert (found["twisted_pypi_projects"], found["twisted_pypi_files"]) == (1, 1)
        assert found["twisted_pypi_index_bytes"] == len(WHEEL)
        assert found["twisted_pypi_scan_files['seen']"] == 1
        assert 30 <= found["twisted_pypi_scan_age_seconds"] < 40
        assert 30 <= server.reactor.seconds() - found["twisted_pypi_start_timestamp_seconds"] < 60
        assert found["twisted_pypi_connections"] == 1
        assert next(name for name in found if "build_info" in name).count(version("twisted_pypi"))


@pytest_twisted.ensureDeferred
async def test_logins_and_uploads_by_what_came_of_them(tmp_path: Path) -> None:
    digest = sha1(b"right")  # noqa: S324  # a form of htpasswd that takes no time
    (tmp_path / "htpasswd").write_text("anna:{SHA}" + b64encode(digest.digest()).decode() + "\n")
    async with serving(tmp_path, "--metrics", "--password-file", str(tmp_path / "htpasswd")) as server:
        body = b'--b\r\nContent-Disposition: form-data; name=":action"\r\n\r\n%s\r\n--b--\r\n'
        for password, action in [(b"wrong", b"verify"), (b"right", b"verify"), (b"right", b"file_upload")]:
            form, login = body % action, b64encode(b"anna:" + password)
            head = (
                b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\n"
                b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n" % (login, len(form))
            )
            await server.ask(head + form, "POST")
        found = await figures(server)
        # A form that is no upload is not counted as one, and who was right before is not checked again.
        assert some(found, "twisted_pypi_logins_total") == {
            "['right']": 1, "['wrong']": 1, "['slowed']": 0, "['busy']": 0,
        }  # fmt: skip
        uploads = some(found, "twisted_pypi_uploads_total")
        assert {outcome: n for outcome, n in uploads.items() if n} == {"['no login']": 1, "['invalid']": 1}
        assert found["twisted_pypi_requests_total['200', 'register']"] == 1


@pytest_twisted.ensureDeferred
async def test_nothing_is_counted_unless_it_was_asked_for(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        assert server.site.measurements is None
        assert len(server.reactor.factories) == 1
        assert (await server.ask(SCRAPE, "GET")).status == 404


@pytest_twisted.ensureDeferred
async def test_on_a_port_of_its_own_nobody_needs_a_login(tmp_path: Path) -> None:
    (tmp_path / "htpasswd").write_text("")
    private = ("--password-file", str(tmp_path / "htpasswd"), "--authenticate", "list,download,update")
    async with serving(tmp_path, "--metrics-listen", "9464", *private) as server:
        _, apart = server.reactor.factories
        # At the index itself they are only with --metrics.
        assert (await server.ask(SCRAPE, "GET")).status == 404
        while "twisted_pypi_index_bytes" not in (found := await figures(server, apart)):
            await server.turn()
        assert found["twisted_pypi_requests_total['401', 'all-files']"] == 1
        assert (await figures(server, apart, b"/metrics")).keys() >= found.keys()
        wire = Wire(apart)
        assert wire.send(b"GET /simple/ HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 404")
        assert wire.send(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n").startswith(b"HTTP/1.1 413")
        wire.hang_up()
        assert sum(some(await figures(server, apart), "twisted_pypi_requests_total").values()) == 2
