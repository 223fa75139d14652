"""The fast way answers, logs and counts exactly what the strict way does: whole, in pieces and pipelined."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_twisted
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.conformance.assembly import PATIENCE, InMemory, assembled
from tests.conformance.corpus import LOGIN, lay_out
from tests.conformance.rows import HTML, JSON, JSON_ACCEPT, Request, get
from tests.conformance.strangers import REQUESTS
from tests.conformance.test_conformance import TABLES
from twisted_pypi.testing.wire import Wire

ANY = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

CLIENTS: tuple[tuple[str, ...], ...] = (
    ("User-Agent: pip/26.3", "Accept-Encoding: gzip, deflate", f"Accept: {JSON}, {HTML}; q=0.1, text/html; q=0.01"),
    ("user-agent: uv/0.13", "accept-encoding: gzip, deflate, zstd", f"accept: {JSON}, {HTML};q=0.2, text/html;q=0.01"),
    ("User-Agent: poetry/2.5", f"Accept: {JSON}, */*;q=0.1", "Connection: keep-alive"),
    ("User-Agent: easy_install", "Accept-Encoding: identity", "Cache-Control: max-age=0"),
    ("User-Agent: browser", "Accept: text/html", "Referer: http://index.example.com/"),
    (LOGIN,),
    ("X-Forwarded-For: 192.0.2.7", JSON_ACCEPT),
    ("Connection: close",),
)
TARGETS = (
    "/simple/",
    "/simple/acme-core/",
    "/simple/odd/",
    "/packages/acme_core-1.0-py3-none-any.whl.metadata",
    "/none",
)

# One pattern for all three would have no beginning to look for, and take ten times as long for megabytes.
_CHANGING = (
    (re.compile(rb"\r\nDate: [^\r]*"), b""),
    (re.compile(rb"boundary=[0-9a-f]{32}"), b"boundary="),
    (re.compile(rb"\r\n--[0-9a-f]{32}"), b"\r\n--"),
)
_MOMENT = re.compile(r"\[[^]]*\]")


@dataclass(frozen=True, slots=True)
class Said:
    """What a client got, and what was noted of it."""

    data: bytes
    """Everything that came, without what differs from time to time."""
    closed: bool
    lines: tuple[str, ...]
    """Of the access log."""
    counted: tuple[tuple[str, int, int, int], ...]
    """Route, status, how many more, how many more bytes."""


class Server:
    """A server that can be asked with the fast way and without."""

    def __init__(self, memory: InMemory, log: Path) -> None:
        self.memory = memory
        self._log = log
        self._hot = memory.site.hot
        self._read = 0
        self.fast = 0
        """How many answers came the fast way."""

    async def said(self, chunks: Sequence[bytes], *, answers: int, fast: bool) -> Said:
        """Send chunks, each when what came before is answered, as far as ``answers`` in all."""
        site = self.memory.site
        site.hot = self._hot if fast else None
        before = self._counts()
        wire, data = Wire(site), b""
        try:
            for number, chunk in enumerate(chunks, 1):
                if fast and self._hot is not None and self._hot.find(chunk, trusted=wire.channel.trusted):
                    self.fast += 1
                data += wire.send(chunk)
                wanted = -(-answers * number // len(chunks)) if answers % len(chunks) == 0 else 0
                data += await self._until(wire, before, answers if number == len(chunks) else wanted)
                if wire.transport.closed:
                    break
            closed = wire.transport.closed
        finally:
            wire.hang_up()
        self.memory.reactor.pass_over(1)
        after = self._counts()
        counted = tuple(
            (*key, after[key][0] - before.get(key, (0, 0))[0], after[key][1] - before.get(key, (0, 0))[1])
            for key in sorted(after)
            if after[key] != before.get(key)
        )
        return Said(_without_what_changes(data), closed, tuple(self._new_lines()), counted)

    async def _until(self, wire: Wire, before: dict[tuple[str, int], tuple[int, int]], answers: int) -> bytes:
        """Wait for so many answers since ``before``, or the end of the connection."""
        data, end = wire.received(), self.memory.reactor.seconds() + PATIENCE
        begun = sum(count for count, _ in before.values())
        while not wire.transport.closed and sum(count for count, _ in self._counts().values()) < begun + answers:
            assert self.memory.reactor.seconds() < end, f"no answer; there came only {data[:400]!r}"
            await self.memory.turn()
            data += wire.received()
        return data + wire.received()

    def _counts(self) -> dict[tuple[str, int], tuple[int, int]]:
        measured = self.memory.site.measurements
        assert measured is not None
        return {(route, status): (sum(series.buckets), series.sent) for route, status, series in measured}

    def _new_lines(self) -> list[str]:
        """What was logged since the last time."""
        with self._log.open() as file:
            file.seek(self._read)
            text = file.read()
            self._read = file.tell()
        return _MOMENT.sub("", text).splitlines()


def _without_what_changes(data: bytes) -> bytes:
    for pattern, replacement in _CHANGING:
        data = pattern.sub(replacement, data)
    return data


@asynccontextmanager
async def both_ways(folder: Path, authenticate: str) -> AsyncIterator[Server]:
    root = lay_out(folder)
    log = folder / "access.log"
    passwords = ("--password-file", str(root.parent / "htpasswd"), "--authenticate", authenticate)
    async with assembled(root, "--disable-fallback", "--metrics", "--access-log", str(log), *passwords) as memory:
        both = Server(memory, log)
        # From here on the scan has no more news, and the login is remembered.
        first = await both.said([get("/packages/", LOGIN).data([])], answers=1, fast=False)
        assert len(first.lines) == 1
        yield both


@pytest_twisted.async_yield_fixture(scope="module", params=["update", "list,download,update"])
async def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with both_ways(tmp_path_factory.mktemp("both"), request.param) as both:
        yield both


@pytest_twisted.async_yield_fixture(scope="module")
async def open_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with both_ways(tmp_path_factory.mktemp("both"), "update") as both:
        yield both


async def check(server: Server, data: bytes, cuts: Sequence[int]) -> None:
    """See that one request is answered alike in every way that it can come."""
    strict = await server.said([data] * 3, answers=3, fast=False)
    assert await server.said([data] * 3, answers=3, fast=True) == strict
    assert await server.said([data] * 3, answers=3, fast=True) == strict, "when it is known"
    once = await server.said([data], answers=1, fast=False)
    inner = sorted({cut % len(data) for cut in cuts} - {0})
    pieces = [data[start:stop] for start, stop in zip([0, *inner], [*inner, len(data)], strict=True)]
    assert await server.said(pieces, answers=1, fast=True) == once, "in pieces"
    if not once.closed:
        assert (await server.said([data * 3], answers=3, fast=True)).data == strict.data, "pipelined"


def _is_plain(request: Request) -> bool:
    return request.method in {"GET", "HEAD"} and request.body is None and "{" not in "".join(request.headers)


TABLE = list(
    dict.fromkeys(
        [
            get(target, *headers, method=method)
            for method in ("GET", "HEAD")
            for target in TARGETS
            for headers in CLIENTS
        ]
        + [request for rows in TABLES.values() for row in rows for request in row.requests if _is_plain(request)]
    )
)


@pytest_twisted.ensureDeferred
async def test_the_table(server: Server, subtests: pytest.Subtests) -> None:
    before = server.fast
    for request in TABLE:
        with subtests.test(str(request)):
            await check(server, request.data([]), [17, 40, 41])
    assert server.fast - before >= 20, "hardly any of them went the fast way"


@pytest_twisted.ensureDeferred
@given(request=REQUESTS.filter(_is_plain), cuts=st.lists(st.integers(1, 4000), max_size=5))
@ANY
async def test_whatever_strangers_ask(open_server: Server, request: Request, cuts: list[int]) -> None:
    before = open_server.fast
    await check(open_server, request.data([]), cuts)
    event("fast" if open_server.fast > before else "strict")


@pytest_twisted.ensureDeferred
async def test_another_entity_tag_is_another_answer(server: Server) -> None:
    plain = get("/simple/acme-core/", LOGIN, JSON_ACCEPT)
    whole = (await server.said([plain.data([])], answers=1, fast=True)).data
    found = re.search(rb'ETag: ("[^"]*")', whole)
    assert found is not None
    same = get("/simple/acme-core/", LOGIN, JSON_ACCEPT, f"If-None-Match: {found[1].decode()}").data([])
    assert (await server.said([same], answers=1, fast=True)).data.startswith(b"HTTP/1.1 304")
    await check(server, same, [50])
