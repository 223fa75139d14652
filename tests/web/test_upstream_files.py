"""Files of upstream indexes over HTTP: cold, coming and kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.task import deferLater

from tests.downloading.doubles import FOO, WHEEL, Mirror, noise
from tests.web.test_files import Client, Open, Plain
from twisted_pypi.boundaries import CachedFile, Recall
from twisted_pypi.distributions import ProjectName
from twisted_pypi.downloading import HELD, Downloads
from twisted_pypi.storage.upstream_cache import DirectoryCache
from twisted_pypi.testing.wire import ClockWithDate, Wire, body, head, status
from twisted_pypi.web.resource import Leaf
from twisted_pypi.web.site import IndexSite
from twisted_pypi.web.upstream_files import UpstreamFiles

SIZE = 300_000
BODY = noise(SIZE)
ETAG = f'"{sha256(BODY).hexdigest()}"'
URL = f"https://files.example.com/foo/{WHEEL}"


class Told:
    """What clients took."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, str | None, str, str]] = []

    def __call__(self, project: str, filename: str, user: str | None, address: str, agent: str) -> None:
        self.taken.append((project, filename, user, address, agent))


def site_of(mirror: Mirror, told: Told, clock: Any) -> IndexSite:
    files = UpstreamFiles(mirror.offers, mirror.downloads, b"max-age=5", tell=told, address=lambda _: "192.0.2.5")
    leaf = Leaf(Open(), {b"GET": (None, files.get)})  # type: ignore[arg-type]  # it needs no more than this
    return IndexSite(leaf, Plain(), access_log=None, error_pages=Plain(), addresses=Plain(), reactor=clock)


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    mirror = Mirror(tmp_path)
    mirror.upstream.put(WHEEL, BODY, metadata=b"Name: foo", upload_time_ns=1_600_000_000 * 10**9)
    return mirror


@pytest.fixture
def told() -> Told:
    return Told()


class Wires:
    """Connections, as many as a test needs."""

    def __init__(self, site: IndexSite) -> None:
        self._site = site
        self.made: list[Wire] = []

    def __call__(self) -> Wire:
        self.made.append(Wire(self._site))
        return self.made[-1]


@pytest.fixture
def wires(mirror: Mirror, told: Told) -> Iterator[Wires]:
    wires = Wires(site_of(mirror, told, ClockWithDate()))
    yield wires
    for each in wires.made:
        each.hang_up()


def get(name: str = WHEEL, *lines: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} /{FOO}/{name} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


def keep(mirror: Mirror, wires: Wires) -> None:
    """Have the file fetched."""
    mirror.upstream.by_hand = False
    wires().send(get())
    mirror.upstream.by_hand = True
    assert mirror.cache.find(FOO, WHEEL) is not None
    mirror.upstream.fetched.clear()


CONDITIONS = [
    ([], 200),
    ([f"If-None-Match: {ETAG}"], 304),
    (['If-None-Match: "x"'], 200),
    (['If-Match: "x"'], 412),
    (["If-Modified-Since: Sun, 13 Sep 2020 12:26:40 GMT"], 304),
    (["If-Modified-Since: Sun, 13 Sep 2020 12:26:39 GMT"], 200),
]


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize(("lines", "expected"), [*CONDITIONS, (["Range: bytes=0-0"], 200)])
def test_head_is_answered_from_the_page_as_from_the_disk(
    mirror: Mirror, wires: Wires, kept: bool, lines: list[str], expected: int
) -> None:
    if kept:
        keep(mirror, wires)
    answer = wires().send(get(WHEEL, *lines, method="HEAD"))
    assert status(answer) == expected
    assert head(answer)[b"etag"] == ETAG.encode()
    assert body(answer) == b""
    if expected == 200:
        assert head(answer)[b"content-length"] == b"%d" % SIZE
        assert head(answer)[b"accept-ranges"] == b"bytes"
        assert head(answer)[b"last-modified"] == b"Sun, 13 Sep 2020 12:26:40 GMT"
        assert head(answer)[b"cache-control"] == b"max-age=5"
    assert mirror.upstream.fetched == []


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize(
    ("lines", "expected"),
    [*CONDITIONS[1:2], *CONDITIONS[3:5], ([f"Range: bytes={SIZE}-"], 416)],
)
def test_what_needs_no_byte_fetches_none(
    mirror: Mirror, wires: Wires, kept: bool, lines: list[str], expected: int
) -> None:
    if kept:
        keep(mirror, wires)
    answer = wires().send(get(WHEEL, *lines))
    assert status(answer) == expected
    assert mirror.upstream.fetched == []


RANGES = [
    ([], 200, BODY),
    (["Range: bytes=0-0"], 206, BODY[:1]),
    (["Range: bytes=-5"], 206, BODY[-5:]),
    ([f"Range: bytes={SIZE - HELD - 10}-"], 206, BODY[-HELD - 10 :]),
    (["Range: bytes=5-9", f"If-Range: {ETAG}"], 206, BODY[5:10]),
    (["Range: bytes=5-9", 'If-Range: "x"'], 200, BODY),
    (["Range: lines=0-0"], 200, BODY),
]


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize(("lines", "expected", "content"), RANGES)
def test_a_file_and_its_parts(
    mirror: Mirror, wires: Wires, kept: bool, lines: list[str], expected: int, content: bytes
) -> None:
    if kept:
        keep(mirror, wires)
    wire = wires()
    answer = wire.send(get(WHEEL, *lines))
    if not kept:
        assert answer.endswith(b"\r\n\r\n")
        mirror.upstream.fetches[0].send_all()
        answer += wire.received()
    assert (status(answer), body(answer)) == (expected, content)
    assert head(answer)[b"content-length"] == b"%d" % len(content)
    assert head(answer)[b"etag"] == ETAG.encode()
    assert len(mirror.upstream.fetched) == (not kept)


@pytest.mark.parametrize("kept", [False, True])
def test_several_parts(mirror: Mirror, wires: Wires, kept: bool) -> None:
    if kept:
        keep(mirror, wires)
    wire = wires()
    answer = wire.send(get(WHEEL, "Range: bytes=0-4, -3"))
    if not kept:
        assert answer == b""
        mirror.upstream.fetches[0].send_all()
        answer = wire.received()
    assert status(answer) == 206
    assert int(head(answer)[b"content-length"]) == len(body(answer))
    assert BODY[:5] in body(answer)
    assert BODY[-3:] in body(answer)


def test_the_head_is_sent_at_once_and_bytes_as_they_come(mirror: Mirror, wires: Wires) -> None:
    first, second = wires(), wires()
    assert status(first.send(get())) == 200
    fetch = mirror.upstream.fetches[0]
    fetch.send(100_000)
    mirror.gather()
    assert first.received() == BODY[:100_000]
    assert body(second.send(get())) == BODY[:100_000]
    fetch.send(SIZE)
    mirror.gather()
    assert first.received() == second.received() == BODY[100_000 : SIZE - HELD]
    fetch.end()
    assert first.received() == second.received() == BODY[SIZE - HELD :]
    assert len(mirror.upstream.fetched) == 1
    assert status(first.send(get(method="HEAD"))) == 200


def test_a_wrong_file_ends_the_connection_and_is_not_kept(mirror: Mirror, wires: Wires) -> None:
    mirror.upstream.bodies[URL] = BODY[:-1] + b"."
    slow, quick = wires(), wires()
    slow.send(get())
    slow.channel.pauseProducing()
    quick.send(get())
    mirror.upstream.fetches[0].send_all()
    assert quick.transport.aborted
    assert slow.transport.aborted
    assert len(quick.received()) <= SIZE - HELD
    assert mirror.files() == []


@pytest.mark.parametrize("size", [0, 1, HELD])
def test_a_short_file_that_is_wrong_is_answered_for(mirror: Mirror, wires: Wires, size: int) -> None:
    mirror.upstream.put(WHEEL, noise(size), hashes={"sha256": "0" * 64})
    wire = wires()
    assert wire.send(get()) == b""
    mirror.upstream.fetches[0].send_all()
    assert status(wire.received()) == 502
    assert not wire.transport.aborted


@pytest.mark.parametrize("size", [0, 1, HELD, HELD + 1])
@pytest.mark.parametrize("known", [True, False])
def test_short_files(mirror: Mirror, wires: Wires, size: int, known: bool) -> None:
    mirror.upstream.put(WHEEL, noise(size), **({} if known else {"size": None}))
    wire = wires()
    answer = wire.send(get())
    mirror.upstream.fetches[0].send_all()
    answer += wire.received()
    assert (status(answer), body(answer)) == (200, noise(size))
    assert head(answer)[b"content-length"] == b"%d" % size


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_length_that_nobody_says_is_waited_for(mirror: Mirror, wires: Wires, method: str) -> None:
    mirror.upstream.put(WHEEL, BODY, size=None)
    mirror.upstream.lengths[URL] = None
    wire = wires()
    assert wire.send(get(method=method)) == b""
    mirror.upstream.fetches[0].send_all()
    answer = wire.received()
    assert head(answer)[b"content-length"] == b"%d" % SIZE
    assert body(answer) == (BODY if method == "GET" else b"")


def test_an_upstream_that_is_down(mirror: Mirror, wires: Wires) -> None:
    mirror.upstream.fresh_ns = 10**18
    wires().send(get(method="HEAD"))
    mirror.upstream.down = "it is down"
    answer = wires().send(get())
    assert status(answer) == 502
    assert b"it is down" in answer


def test_a_disk_that_is_full(mirror: Mirror, wires: Wires) -> None:
    mirror.upstream.put(WHEEL, BODY, size=1 << 60)
    assert status(wires().send(get())) == 507


def test_a_client_that_goes_away_leaves_the_others_theirs(mirror: Mirror, wires: Wires) -> None:
    first, second = wires(), wires()
    first.send(get())
    second.send(get())
    fetch = mirror.upstream.fetches[0]
    fetch.send(1000)
    first.hang_up()
    mirror.clock.advance(60)
    fetch.send_all()
    assert second.received().endswith(BODY[-100:])


def test_when_all_clients_are_gone_it_is_broken_off(mirror: Mirror, wires: Wires) -> None:
    wire = wires()
    wire.send(get())
    mirror.upstream.fetches[0].send(1000)
    wire.hang_up()
    mirror.clock.advance(9)
    assert not mirror.upstream.fetches[0].cancelled
    mirror.clock.advance(1)
    assert mirror.upstream.fetches[0].cancelled


def test_a_client_that_does_not_read_hinders_nobody(mirror: Mirror, wires: Wires) -> None:
    slow, quick = wires(), wires()
    slow.send(get())
    quick.send(get())
    fetch = mirror.upstream.fetches[0]
    slow.channel.pauseProducing()
    fetch.send_all()
    assert quick.received().endswith(BODY[-100:])
    assert slow.received() == b""
    slow.channel.resumeProducing()
    assert slow.received() == BODY


class RemovedMeanwhile(DirectoryCache):
    """A cache that makes room just after it was asked for a file."""

    armed = False

    def find(self, project: ProjectName, filename: str) -> CachedFile | None:
        found = super().find(project, filename)
        if self.armed and found is not None:
            self.armed = False
            Path(found.location).unlink()
        return found


def test_a_file_that_was_removed_meanwhile_is_fetched_again(tmp_path: Path, told: Told) -> None:
    mirror = Mirror(tmp_path)
    mirror.upstream.put(WHEEL, BODY)
    mirror.cache = cache = RemovedMeanwhile(str(tmp_path), reserve=0)
    mirror.downloads = Downloads(mirror.upstream, cache, mirror.threads, mirror.clock)
    wires = Wires(site_of(mirror, told, ClockWithDate()))
    keep(mirror, wires)
    cache.armed = True
    mirror.upstream.by_hand = False
    assert body(wires().send(get())) == BODY
    assert len(mirror.upstream.fetched) == 1
    for each in wires.made:
        each.hang_up()


def test_what_was_taken_back_is_refused(mirror: Mirror, wires: Wires) -> None:
    keep(mirror, wires)
    kept = mirror.cache.find(FOO, WHEEL)
    assert kept is not None
    recall = Recall("quarantined", 0, confirmed=False, hidden=True, reason="it was malware")
    mirror.cache.mark(kept, recall)
    for name in (WHEEL, f"{WHEEL}.metadata"):
        answer = wires().send(get(name))
        assert status(answer) == 403
        assert b"it was malware" in answer
    mirror.cache.mark(kept, replace(recall, hidden=False))
    assert body(wires().send(get())) == BODY


def test_metadata(mirror: Mirror, wires: Wires) -> None:
    wire = wires()
    assert wire.send(get(f"{WHEEL}.metadata")) == b""
    mirror.upstream.fetches[0].send_all()
    answer = wire.received()
    assert (status(answer), body(answer)) == (200, b"Name: foo")
    etag = head(answer)[b"etag"].decode()
    assert etag == f'"{sha256(b"Name: foo").hexdigest()}"'
    assert status(wires().send(get(f"{WHEEL}.metadata", f"If-None-Match: {etag}"))) == 304
    answer = wires().send(get(f"{WHEEL}.metadata", method="HEAD"))
    assert (head(answer)[b"content-length"], body(answer)) == (b"9", b"")
    assert mirror.upstream.fetched == [f"{URL}.metadata"]


def test_who_took_what_is_told_once_for_each(mirror: Mirror, wires: Wires, told: Told) -> None:
    wire = wires()
    wire.send(get(WHEEL, "User-Agent: pip/26.3"))
    mirror.upstream.fetches[0].send_all()
    wire.send(get(WHEEL, "Range: bytes=0-1"))
    wires().send(get(WHEEL, f"If-None-Match: {ETAG}"))
    wires().send(get(method="HEAD"))
    wires().send(get(f"{WHEEL}.metadata"))
    mirror.upstream.fetches[1].send_all()
    assert told.taken == [
        (FOO, WHEEL, None, "192.0.2.5", "pip/26.3"),
        (FOO, WHEEL, None, "192.0.2.5", ""),
    ]


@pytest.mark.parametrize(
    "path",
    [f"Foo/{WHEEL}", f"foo//{WHEEL}", f"foo/{WHEEL}/", "foo", "foo/", "foo/nothing", "foo/foo-9.zip", "bar/foo-9.zip",
     f"foo/..%2f{WHEEL}", f"%ff/{WHEEL}", f"../{WHEEL}", f"foo/.{WHEEL}", f"foo/.{WHEEL}.json", "foo/foo-1.zip.metadata"],
)  # fmt: skip
def test_what_is_not_there(wires: Wires, path: str) -> None:
    assert status(wires().send(f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())) == 404


def test_a_name_that_is_not_normalised_is_asked_of_nobody(mirror: Mirror, wires: Wires) -> None:
    assert status(wires().send(f"GET /Foo/{WHEEL} HTTP/1.1\r\nHost: x\r\n\r\n".encode())) == 404
    assert mirror.upstream.asked == []


@pytest_twisted.async_yield_fixture
async def port(mirror: Mirror, told: Told) -> AsyncIterator[Any]:
    site: Any = site_of(mirror, told, reactor)
    listening = reactor.listenTCP(0, site, interface="127.0.0.1")
    yield listening
    await maybeDeferred(listening.stopListening)
    await deferLater(reactor, 0, lambda: None)


async def ask(port: Any, client: Client, *lines: str) -> Any:
    connected = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port), client)
    connected.transport.write(get(WHEEL, *lines, "Connection: close"))
    return connected


async def until(reached: Any) -> None:
    while not reached():
        await deferLater(reactor, 0.001, lambda: None)


@pytest_twisted.ensureDeferred
async def test_many_over_sockets_get_it_as_it_comes(mirror: Mirror, port: Any, told: Told) -> None:
    clients = [Client() for _ in range(10)]
    for each in clients:
        await ask(port, each)
    await until(lambda: len(told.taken) == 10)
    fetch = mirror.upstream.fetches[0]
    for part in (1000, 150_000):
        fetch.send(part)
        mirror.gather()
        await until(lambda: all(len(body(each.data)) == fetch.sent for each in clients))
    late = Client()
    await ask(port, late, "Range: bytes=500-")
    await until(lambda: b"\r\n\r\n" in late.data)
    fetch.send_all()
    for each in clients:
        assert body(await each.ended) == BODY
    assert body(await late.ended) == BODY[500:]
    assert len(mirror.upstream.fetched) == 1


@pytest_twisted.ensureDeferred
async def test_a_wrong_file_over_a_socket(mirror: Mirror, port: Any) -> None:
    mirror.upstream.bodies[URL] = BODY[:-1] + b"."
    client = Client()
    await ask(port, client)
    await until(lambda: mirror.upstream.fetches)
    mirror.upstream.fetches[0].send_all()
    assert len(body(await client.ended)) <= SIZE - HELD


@pytest_twisted.ensureDeferred
async def test_a_socket_that_is_closed_early(mirror: Mirror, port: Any, told: Told) -> None:
    client = Client()
    connected = await ask(port, client)
    await until(lambda: told.taken)
    mirror.upstream.fetches[0].send(1000)
    mirror.gather()
    await until(lambda: client.data.endswith(BODY[900:1000]))
    connected.transport.abortConnection()
    await client.ended
    await until(mirror.clock.getDelayedCalls)
    mirror.clock.advance(10)
    assert mirror.upstream.fetches[0].cancelled
