"""Files over HTTP: by sendfile over a real socket, and piece by piece without one."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from twisted_pypi.accounts.nobody import Nobody
from twisted_pypi.boundaries import KnownFile, LocatedFile
from twisted_pypi.distributions import normalize, parse_filename
from twisted_pypi.errors import NoSuchFile
from twisted_pypi.sidecars import Source
from twisted_pypi.testing.wire import ClockWithDate, Wire, body, head, status
from twisted_pypi.web.bodies import IndexRequest, Intake
from twisted_pypi.web.files import Files
from twisted_pypi.web.hot import HotAnswers
from twisted_pypi.web.pages import FinishedPages
from twisted_pypi.web.resource import Leaf
from twisted_pypi.web.site import IndexSite

NAME = "foo-1.0-py3-none-any.whl"
SIZE = 3_000_000


class OneFolder:
    """Knows the files of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def file_at(self, path: str) -> LocatedFile:
        location = self._folder / path
        if not location.is_file():
            raise NoSuchFile(f"there is no file {path}")
        facts = location.stat()
        digest = sha256(location.read_bytes()).hexdigest()
        known = KnownFile(
            0, path, parse_filename(location.name), facts.st_size, facts.st_mtime_ns, facts.st_ino, digest, 0,
            metadata_sha256="5" * 64, signed=location.with_name(location.name + ".asc").exists(),
        )  # fmt: skip
        return LocatedFile(known, str(location))

    async def metadata(self, known: KnownFile) -> bytes | None:
        return b"Metadata-Version: 2.1\n" if known.filename == NAME else None


class Open:
    """A guard that lets everybody in."""

    def passes(self, _request: IndexRequest, _action: object) -> bool:
        return True


class Plain:
    headers: tuple[tuple[bytes, bytes], ...] = ()
    prefix = ""

    def page(self, status: int, sentence: str) -> bytes:
        return f"{status} {sentence}".encode()

    def base_url(self, _request: IndexRequest) -> str:
        return ""

    def is_trusted(self, _host: str) -> bool:
        return False

    async def receive(self, _request: IndexRequest, _length: int | None) -> Intake:
        raise AssertionError


class Client(Protocol):
    """Reads everything, or waits until it is told to."""

    def __init__(self, *, reading: bool = True) -> None:
        self.data = b""
        self.ended: Deferred[bytes] = Deferred()
        self._reading = reading

    def connectionMade(self) -> None:
        if not self._reading:
            self.transport.pauseProducing()  # type: ignore[union-attr]  # it is connected

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Failure = Failure(ConnectionError())) -> None:  # noqa: ARG002, B008
        self.ended.callback(self.data)


@pytest.fixture
def content() -> bytes:
    return random.Random(1).randbytes(SIZE)  # noqa: S311  # bytes that are the same in every run


@pytest.fixture
def folder(tmp_path: Path, content: bytes) -> Path:
    (tmp_path / NAME).write_bytes(content)
    (tmp_path / "empty-1.0.tar.gz").write_bytes(b"")
    os.utime(tmp_path / NAME, (1_600_000_000, 1_600_000_000))
    return tmp_path


def site_of(folder: Path, clock: Any) -> IndexSite:
    index: Any = OneFolder(folder)
    files = Files(index, b"public, max-age=5", FinishedPages())
    leaf = Leaf(Open(), {b"GET": (None, files.get)}, files.shortcut)  # type: ignore[arg-type]  # it needs no more than this
    return IndexSite(leaf, Plain(), access_log=None, error_pages=Plain(), addresses=Plain(), reactor=clock)


@pytest.fixture
def wire(folder: Path) -> Iterator[Wire]:
    wire = Wire(site_of(folder, ClockWithDate()))
    yield wire
    wire.hang_up()


@pytest_twisted.async_yield_fixture
async def port(folder: Path) -> AsyncIterator[Any]:
    site: Any = site_of(folder, reactor)
    listening = reactor.listenTCP(0, site, interface="127.0.0.1")
    yield listening
    await maybeDeferred(listening.stopListening)
    await deferLater(reactor, 0, lambda: None)


async def ask(port: Any, request: bytes) -> bytes:
    client = Client()
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
    connected = await connectProtocol(endpoint, client)
    connected.transport.write(request)
    return await client.ended


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def get(name: str = NAME, *lines: str, method: str = "GET", close: bool = True) -> bytes:
    more = [*lines, *(["Connection: close"] if close else [])]
    return "\r\n".join([f"{method} /{name} HTTP/1.1", "Host: x", *more, "", ""]).encode()


@pytest_twisted.ensureDeferred
async def test_a_whole_file_by_sendfile(port: Any, content: bytes) -> None:
    answer = await ask(port, get())
    assert body(answer) == content
    assert head(answer)[b"content-length"] == b"%d" % SIZE
    assert head(answer)[b"etag"] == f'"{sha256(content).hexdigest()}"'.encode()
    assert head(answer)[b"content-type"] == b"application/octet-stream"
    assert head(answer)[b"accept-ranges"] == b"bytes"
    assert head(answer)[b"cache-control"] == b"public, max-age=5"
    assert b"content-encoding" not in head(answer)


@pytest_twisted.ensureDeferred
async def test_one_after_the_other_on_one_connection(port: Any, content: bytes) -> None:
    request = get(close=False) + get(NAME, "Range: bytes=10-19", close=False) + get("empty-1.0.tar.gz")
    answers = await ask(port, request)
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    first = answers.index(b"\r\n\r\n") + 4
    assert answers[first : first + SIZE] == content
    rest = answers[first + SIZE :]
    assert status(rest) == 206
    assert body(rest)[:10] == content[10:20]
    assert answers.endswith(b"\r\n\r\n")


@pytest_twisted.ensureDeferred
async def test_a_part_by_sendfile(port: Any, content: bytes) -> None:
    answer = await ask(port, get(NAME, f"Range: bytes={SIZE - 1_000_000}-"))
    assert status(answer) == 206
    assert head(answer)[b"content-range"] == b"bytes %d-%d/%d" % (SIZE - 1_000_000, SIZE - 1, SIZE)
    assert body(answer) == content[-1_000_000:]


@pytest_twisted.ensureDeferred
async def test_a_client_that_goes_away_leaves_no_descriptor(port: Any) -> None:
    before = descriptors()
    client = Client(reading=False)
    connected = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port), client)
    connected.transport.write(get(close=False))
    while descriptors() < before + 4:  # two ends, the duplicate, the file
        await deferLater(reactor, 0.001, lambda: None)
    connected.transport.abortConnection()
    await client.ended
    while descriptors() > before:
        await deferLater(reactor, 0.001, lambda: None)


@pytest_twisted.ensureDeferred
async def test_a_slow_reader_gets_the_whole_file_and_others_are_served(port: Any, content: bytes) -> None:
    slow = Client(reading=False)
    connected = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port), slow)
    connected.transport.write(get())
    assert body(await ask(port, get())) == content
    connected.transport.resumeProducing()
    assert body(await slow.ended) == content


@pytest_twisted.ensureDeferred
async def test_a_file_that_shrinks_is_never_passed_off_as_whole(port: Any, folder: Path) -> None:
    slow = Client(reading=False)
    connected = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port), slow)
    before = descriptors()
    connected.transport.write(get(close=False))
    while descriptors() < before + 2:
        await deferLater(reactor, 0.001, lambda: None)
    os.truncate(folder / NAME, 1000)
    connected.transport.resumeProducing()
    assert len(body(await slow.ended)) < SIZE


@pytest.mark.parametrize(
    ("line", "start", "stop"),
    [("Range: bytes=0-0", 0, 1), ("Range: bytes=-5", SIZE - 5, SIZE), ("Range: bytes=7-99", 7, 100)],
)
def test_a_part_piece_by_piece(wire: Wire, content: bytes, line: str, start: int, stop: int) -> None:
    answer = wire.send(get(NAME, line))
    assert (status(answer), body(answer)) == (206, content[start:stop])


def test_several_parts(wire: Wire, content: bytes) -> None:
    answer = wire.send(get(NAME, "Range: bytes=0-4, -3"))
    kind, _, boundary = head(answer)[b"content-type"].partition(b"; boundary=")
    assert (status(answer), kind) == (206, b"multipart/byteranges")
    assert int(head(answer)[b"content-length"]) == len(body(answer))
    parts = body(answer).split(b"--" + boundary)
    assert parts[1].endswith(b"\r\n\r\n" + content[:5] + b"\r\n")
    assert b"Content-Range: bytes 0-4/%d\r\n" % SIZE in parts[1]
    assert parts[2].endswith(b"\r\n\r\n" + content[-3:] + b"\r\n")
    assert parts[3] == b"--\r\n"


def test_a_part_that_is_not_there(wire: Wire) -> None:
    answer = wire.send(get(NAME, f"Range: bytes={SIZE}-"))
    assert (status(answer), head(answer)[b"content-range"]) == (416, b"bytes */%d" % SIZE)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["If-None-Match: {etag}"], 304),
        (['If-None-Match: "x"'], 200),
        (["If-Modified-Since: Sun, 13 Sep 2020 12:26:40 GMT"], 304),
        (["If-Modified-Since: Sun, 13 Sep 2020 12:26:39 GMT"], 200),
        (['If-None-Match: "x"', "If-Modified-Since: Sun, 13 Sep 2020 12:26:40 GMT"], 200),
        (["Range: bytes=0-0", "If-Range: {etag}"], 206),
        (["Range: bytes=0-0", 'If-Range: "x"'], 200),
        (["Range: bytes=0-0", "If-Range: Sun, 13 Sep 2020 12:26:40 GMT"], 206),
        (["Range: lines=0-0"], 200),
    ],
)
def test_conditions(wire: Wire, content: bytes, lines: list[str], expected: int) -> None:
    etag = f'"{sha256(content).hexdigest()}"'
    answer = wire.send(get(NAME, *(line.format(etag=etag) for line in lines)))
    assert status(answer) == expected
    assert head(answer)[b"etag"] == etag.encode()
    assert len(body(answer)) == {304: 0, 206: 1, 200: SIZE}[expected]


def test_head_has_the_length_and_no_body(wire: Wire) -> None:
    answer = wire.send(get(NAME, "Range: bytes=0-0", method="HEAD"))
    assert (status(answer), head(answer)[b"content-length"], body(answer)) == (200, b"%d" % SIZE, b"")
    assert head(answer)[b"accept-ranges"] == b"bytes"


def test_metadata_that_was_sent_is_sent_again_until_its_project_changes(folder: Path) -> None:
    index: Any = OneFolder(folder)
    pages = FinishedPages()
    files = Files(index, None, pages)
    leaf = Leaf(Open(), {b"GET": (None, files.get)}, files.shortcut)  # type: ignore[arg-type]  # it needs no more
    site = IndexSite(leaf, Plain(), access_log=None, error_pages=Plain(), addresses=Plain(), reactor=ClockWithDate())
    wire = Wire(site)
    first = wire.send(get(NAME + ".metadata", close=False))
    index.metadata = None
    assert wire.send(get(NAME + ".metadata", close=False)) == first
    assert status(wire.send(get(NAME + ".metadata", f'If-None-Match: "{"5" * 64}"', close=False))) == 304
    assert body(wire.send(get(NAME + ".metadata", method="HEAD", close=False))) == b""
    del index.metadata
    (folder / NAME).unlink()
    pages.drop(frozenset({normalize("foo")}))
    assert status(wire.send(get(NAME + ".metadata"))) == 404
    wire.hang_up()


def test_metadata_and_signature(wire: Wire, folder: Path) -> None:
    answer = wire.send(get(NAME + ".metadata", close=False))
    assert body(answer) == b"Metadata-Version: 2.1\n"
    assert head(answer)[b"etag"] == b'"' + b"5" * 64 + b'"'
    assert status(wire.send(get("empty-1.0.tar.gz.metadata", close=False))) == 404
    assert status(wire.send(get(NAME + ".asc", close=False))) == 404
    (folder / (NAME + ".asc")).write_bytes(b"signature")
    assert body(wire.send(get(NAME + ".asc"))) == b"signature"


@pytest.mark.parametrize("name", ["nothing-1.0.zip", "%ff-1.0.zip", "..%2f..%2fetc%2fpasswd", ""])
def test_what_is_not_there(wire: Wire, name: str) -> None:
    assert status(wire.send(get(name))) == 404


SMALL = "foo-2.0-py3-none-any.whl"


@pytest.fixture
def small(folder: Path) -> Path:
    path = folder / SMALL
    path.write_bytes(b"small" * 100)
    os.utime(path, (1_600_000_000, 1_600_000_000))
    return path


def test_a_small_file_is_sent_again_from_memory(wire: Wire, small: Path) -> None:
    first = wire.send(get(SMALL, close=False))
    assert body(first) == b"small" * 100
    # Size and time stay: that is what files are known by.
    small.write_bytes(b"SMALL" * 100)
    os.utime(small, (1_600_000_000, 1_600_000_000))
    assert wire.send(get(SMALL, close=False)) == first
    assert body(wire.send(get(SMALL, method="HEAD"))) == b""


@pytest.mark.parametrize("seconds", [1_600_000_000, 1_700_000_000])
def test_a_small_file_that_was_replaced_is_read_again(wire: Wire, small: Path, seconds: int) -> None:
    wire.send(get(SMALL, close=False))
    small.write_bytes(b"other" * (100 if seconds > 1_600_000_000 else 99))
    os.utime(small, (seconds, seconds))
    assert body(wire.send(get(SMALL, close=False))).startswith(b"other")
    small.unlink()
    assert status(wire.send(get(SMALL))) == 404


def test_a_small_file_goes_with_its_project(folder: Path, small: Path) -> None:
    index: Any = OneFolder(folder)
    pages = FinishedPages()
    files = Files(index, None, pages)
    leaf = Leaf(Open(), {b"GET": (None, files.get)}, files.shortcut)  # type: ignore[arg-type]  # it needs no more
    site = IndexSite(leaf, Plain(), access_log=None, error_pages=Plain(), addresses=Plain(), reactor=ClockWithDate())
    wire = Wire(site)
    wire.send(get(SMALL, close=False))
    assert pages.get(normalize("foo"), SMALL) is not None
    pages.drop(frozenset({normalize("foo")}))
    index.file_at = OneFolder(folder / "gone").file_at
    assert small.exists()
    assert status(wire.send(get(SMALL))) == 404
    wire.hang_up()


def test_bytes_that_are_not_those_of_the_index_are_not_kept(folder: Path, small: Path) -> None:
    class Wrong(OneFolder):
        async def file_at(self, path: str) -> LocatedFile:
            located = await super().file_at(path)
            return LocatedFile(replace(located.known, sha256="0" * 64), located.location)

    index: Any = Wrong(folder)
    files = Files(index, None, FinishedPages())
    leaf = Leaf(Open(), {b"GET": (None, files.get)}, files.shortcut)  # type: ignore[arg-type]  # it needs no more
    site = IndexSite(leaf, Plain(), access_log=None, error_pages=Plain(), addresses=Plain(), reactor=ClockWithDate())
    wire = Wire(site)
    for _ in range(2):
        assert status(wire.send(get(SMALL, close=False))) == 503
    wire.hang_up()
    assert small.exists()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], 200),
        (["If-None-Match: {etag}"], 304),
        (['If-None-Match: "x"'], 200),
        (["If-None-Match: *"], 304),
        (["If-Modified-Since: Sun, 13 Sep 2020 12:26:40 GMT"], 304),
        (["If-Modified-Since: Sun, 13 Sep 2020 12:26:39 GMT"], 200),
        (["If-Modified-Since: yesterday"], 200),
        (['If-None-Match: "x"', "If-Modified-Since: Sun, 13 Sep 2020 12:26:40 GMT"], 200),
        (["Range: bytes=0-0"], 206),
        (["Range: bytes=900-"], 416),
        (["Range: bytes=0-0", 'If-Range: "x"'], 200),
        (['If-Match: "x"'], 412),
        (["If-Unmodified-Since: Sun, 13 Sep 2020 12:26:39 GMT"], 412),
    ],
)
def test_conditions_of_a_small_file(folder: Path, small: Path, lines: list[str], expected: int) -> None:
    index: Any = OneFolder(folder)
    files = Files(index, None, FinishedPages())
    leaf = Leaf(Open(), {b"GET": (None, files.get)}, files.shortcut)  # type: ignore[arg-type]  # it needs no more
    hot = HotAnswers(Nobody(), b"secret")
    clock = ClockWithDate()
    site = IndexSite(leaf, Plain(), access_log=None, error_pages=Plain(), addresses=Plain(), hot=hot, reactor=clock)
    wire = Wire(site)
    etag = f'"{sha256(small.read_bytes()).hexdigest()}"'
    request = get(SMALL, *(line.format(etag=etag) for line in lines), close=False)
    # First by the file, then by what is kept of it, then the fast way where there is one.
    answers = [wire.send(request) for _ in range(3)]
    assert status(answers[0]) == expected
    assert answers[1:] == answers[:1] * 2
    assert (hot.find(request, trusted=False) is not None) == (expected in {200, 304} and "Range" not in str(lines))
    small.unlink()
    assert hot.find(request, trusted=False) is None
    wire.hang_up()


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (get("empty-1.0.tar.gz", "User-Agent: uv/1"), ["empty-1.0.tar.gz"]),
        (get(NAME, "Range: bytes=1-2", "User-Agent: uv/1"), [NAME]),
        (get(NAME, method="HEAD"), []),
        (get(f"{NAME}.metadata"), []),
        (get("empty-1.0.tar.gz", f'If-None-Match: "{sha256().hexdigest()}"'), []),
    ],
)
@pytest.mark.parametrize("source", [Source.UPSTREAM, Source.UPLOAD, None])
def test_who_takes_a_file_that_came_from_upstream_is_told_each_time(
    folder: Path, request_: bytes, told: list[str], source: Source | None
) -> None:
    class Fetched(OneFolder):
        async def file_at(self, path: str) -> LocatedFile:
            located = await super().file_at(path)
            return replace(located, known=replace(located.known, source=source))

    heard: list[tuple[object, ...]] = []
    index: Any = Fetched(folder)
    files = Files(index, None, FinishedPages(), tell=lambda *said: heard.append(said), address=lambda _: "192.0.2.1")
    leaf = Leaf(Open(), {b"GET": (None, files.get)}, files.shortcut)  # type: ignore[arg-type]  # it needs no more than this
    site = IndexSite(leaf, Plain(), access_log=None, error_pages=Plain(), addresses=Plain(), reactor=ClockWithDate())
    for _ in range(2):
        wire = Wire(site)
        assert status(wire.send(request_)) in {200, 206, 304}
        wire.hang_up()
    expected = [("foo" if name == NAME else "empty", name, None, "192.0.2.1", "uv/1") for name in told]
    assert heard == (2 * expected if source is Source.UPSTREAM else [])
