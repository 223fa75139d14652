"""The simple index over HTTP, and that the fast way answers what the strict way does."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

import pytest
from twisted.internet.defer import Deferred, succeed

from twisted_pypi.boundaries import User
from twisted_pypi.config import Action
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import LoginRequired
from twisted_pypi.owning import Owners
from twisted_pypi.policy.names import NamePatterns
from twisted_pypi.project_records import Origin, Whose
from twisted_pypi.testing.memory_index import MemoryIndex
from twisted_pypi.testing.memory_records import MemoryRecords
from twisted_pypi.testing.wire import ClockWithDate, Wire, body, head, status
from twisted_pypi.web.access_log import AccessLog
from twisted_pypi.web.addresses import Addresses
from twisted_pypi.web.bodies import IndexRequest, Intake
from twisted_pypi.web.fallback import NoFallback, Redirect
from twisted_pypi.web.guard import Guard
from twisted_pypi.web.hot import HotAnswers
from twisted_pypi.web.pages import FinishedPages
from twisted_pypi.web.people.errors import ErrorPages
from twisted_pypi.web.people.templates import Templates
from twisted_pypi.web.proxies import TrustedProxies
from twisted_pypi.web.simple import Simple
from twisted_pypi.web.site import IndexSite
from twisted_pypi.web.tree import Handlers, Tree

P = ParamSpec("P")
T = TypeVar("T")

JSON = "application/vnd.pypi.simple.v1+json"
PIP = (
    b"GET /simple/foo/ HTTP/1.1\r\nHost: index.example.com\r\nUser-Agent: pip/26.3\r\n"
    b"Accept-Encoding: gzip, deflate\r\nAccept: application/vnd.pypi.simple.v1+json, "
    b"application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01\r\nConnection: keep-alive\r\n\r\n"
)


class Somebody:
    """Accounts in which anyone is somebody while ``open``."""

    def __init__(self) -> None:
        self.generation = 1
        self.open = True

    def current_generation(self) -> int:
        return self.generation

    def remembered(self, authorization: bytes) -> User | None:
        return User("somebody") if self.open and authorization == b"Basic right" else None

    async def log_in(self, authorization: bytes | None, address: str) -> User:
        raise LoginRequired(f"{address} is not somebody: {authorization!r}")


class NoBodies:
    async def receive(self, _request: IndexRequest, _length: int | None) -> Intake:
        raise AssertionError


def at_once(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
    return succeed(function(*args, **kwargs))


async def unused(_request: IndexRequest) -> None:
    raise AssertionError


class World:
    """One site over an index in memory, and what it wrote to its log."""

    def __init__(self, *, private: bool = False, fallback: str | None = None, prefix: str = "") -> None:
        self.clock = ClockWithDate()
        self.index = MemoryIndex()
        self.pages = FinishedPages()
        self.accounts = Somebody()
        self.log: list[str] = []
        proxies = TrustedProxies(["127.0.0.0/8"])
        guard = Guard(self.accounts, frozenset({Action.LIST} if private else ()), proxies)
        self.records = MemoryRecords()
        owners = Owners(
            NamePatterns(["acme-*"]), self.records, self.index, run_in_thread=at_once, clock=self.clock.seconds
        )
        simple = Simple(
            self.index,
            self.pages,
            NoFallback() if fallback is None else Redirect(fallback, at_once, owners),
            private=private,
            run_in_thread=at_once,
        )
        handlers = Handlers(
            welcome=unused, health=unused, simple=simple.get, simple_shortcut=simple.shortcut, all_files=unused,
            file=unused, file_shortcut=lambda _: False, project_json=unused, provenance=unused, rpc=unused, upload=unused, marks=unused, mark=unused,
            upstream_file=None, why=unused, own={},
        )  # fmt: skip
        self.access_log = AccessLog(self.log.append, guard.address, self.clock)
        self.site = IndexSite(
            Tree(guard, handlers, prefix=prefix, health="/health"),
            NoBodies(),
            access_log=self.access_log,
            error_pages=ErrorPages(Templates()),
            addresses=Addresses(prefix, None, proxies),
            hot=HotAnswers(self.accounts, b"secret"),
            reactor=self.clock,
        )
        self.wires: list[Wire] = []

    def wire(self) -> Wire:
        wire = Wire(self.site)
        self.wires.append(wire)
        return wire

    def get(self, path: str, **headers: str) -> bytes:
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        return self.wire().send(f"GET {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())

    def put(self, path: str) -> None:
        known = self.index.put(path)
        self.pages.drop(frozenset({known.project}))


@pytest.fixture
def make() -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def one(**options: object) -> World:
        made.append(World(**options))  # type: ignore[arg-type]  # handed on as they are
        return made[-1]

    yield one
    for world in made:
        for wire in world.wires:
            wire.hang_up()
        world.access_log.flush()


@pytest.fixture
def world(make: Callable[..., World]) -> World:
    world = make()
    world.put("foo-1.0.tar.gz")
    return world


def test_a_page_as_html_and_as_json(world: World) -> None:
    html = world.get("/simple/foo/")
    assert (status(html), head(html)[b"content-type"]) == (200, b"text/html; charset=utf-8")
    assert b'href="../../packages/foo-1.0.tar.gz#sha256=' in body(html)
    answer = world.get("/simple/foo/", Accept=JSON)
    assert head(answer)[b"content-type"] == JSON.encode()
    assert [file["filename"] for file in json.loads(body(answer))["files"]] == ["foo-1.0.tar.gz"]
    assert head(answer)[b"cache-control"] == b"no-cache"
    assert head(answer)[b"vary"] == b"Accept, Accept-Encoding"


def test_a_page_compressed(world: World) -> None:
    plain = world.get("/simple/foo/")
    packed = world.get("/simple/foo/", Accept_Encoding="gzip")
    assert head(packed)[b"content-encoding"] == b"gzip"
    assert gzip.decompress(body(packed)) == body(plain)
    assert head(packed)[b"etag"] != head(plain)[b"etag"]


def test_the_list_of_projects(world: World) -> None:
    world.put("Bar-1.zip")
    assert json.loads(body(world.get("/simple/", Accept=JSON)))["projects"] == [{"name": "bar"}, {"name": "foo"}]


@pytest.mark.parametrize("path", ["/+simple/foo/", "/%2Bsimple/foo/", "/%2bsimple/foo/"])
def test_the_aliases(world: World, path: str) -> None:
    assert body(world.get(path)) == body(world.get("/simple/foo/"))


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/simple", "/simple/"),
        ("/simple/foo", "/simple/foo/"),
        ("/simple/Foo/", "/simple/foo/"),
        ("/simple/F_o.o", "/simple/f-o-o/"),
        ("/simple/Foo/?format=x", "/simple/foo/?format=x"),
        ("/+simple/Foo/", "/simple/foo/"),
    ],
)
def test_the_one_form_of_an_address(world: World, path: str, location: str) -> None:
    answer = world.get(path)
    assert (status(answer), head(answer)[b"location"].decode()) == (301, location)


def test_a_prefix_is_in_the_way_to_it(make: Callable[..., World]) -> None:
    world = make(prefix="/pre/fix")
    world.put("foo-1.0.tar.gz")
    assert head(world.get("/pre/fix/simple/Foo"))[b"location"] == b"/pre/fix/simple/foo/"
    assert status(world.get("/pre/fix/simple/foo/")) == 200
    assert status(world.get("/simple/foo/")) == 404


@pytest.mark.parametrize(
    "path", ["/simple/nothing/", "/simple/foo/more", "/simple/foo//", "/simple/%ff/", "/simple/a%2Fb/"]
)
def test_what_is_not_there(world: World, path: str) -> None:
    assert status(world.get(path)) in {301, 404}


def test_what_is_not_there_may_be_elsewhere(make: Callable[..., World]) -> None:
    world = make(fallback="https://index.example.com/simple/")
    answer = world.get("/simple/nothing/")
    assert (status(answer), head(answer)[b"location"]) == (303, b"https://index.example.com/simple/nothing/")
    old = world.wire().send(b"GET /simple/nothing/ HTTP/1.0\r\n\r\n")
    assert status(old) == 302
    assert status(world.get("/simple/" + "-" * 3 + "/")) in {301, 404}


def test_nobody_is_sent_elsewhere_for_what_is_ours(make: Callable[..., World]) -> None:
    world = make(fallback="https://index.example.com/simple/")
    world.records.change_origin(ProjectName("nothing"), Origin(Whose.OURS, "nothing was uploaded here", 0))
    for name, because in (("acme-core", "its name matches --private acme-*"), ("nothing", "nothing was uploaded here")):
        answer = world.get(f"/simple/{name}/")
        assert status(answer) == 404
        assert b"location" not in head(answer)
        assert because in body(answer).decode()
    assert status(world.get("/simple/acme/")) == 303


def test_nothing_acceptable(world: World) -> None:
    answer = world.get("/simple/foo/", Accept="image/png")
    assert (status(answer), head(answer)[b"vary"]) == (406, b"Accept")
    assert body(answer)


def test_a_client_that_has_the_page(world: World) -> None:
    etag = head(world.get("/simple/foo/"))[b"etag"].decode()
    answer = world.get("/simple/foo/", If_None_Match=etag)
    assert (status(answer), body(answer)) == (304, b"")
    assert head(answer)[b"etag"].decode() == etag
    assert head(answer)[b"cache-control"] == b"no-cache"
    assert status(world.get("/simple/foo/", If_None_Match=etag, Accept=JSON)) == 200


def test_head_is_get_without_the_body(world: World) -> None:
    got = world.get("/simple/foo/")
    answer = world.wire().send(b"HEAD /simple/foo/ HTTP/1.1\r\nHost: x\r\n\r\n")
    assert body(answer) == b""
    assert {name: value for name, value in head(answer).items() if name != b"date"} == {
        name: value for name, value in head(got).items() if name != b"date"
    }


def test_a_change_is_in_the_next_answer_also_the_fast_way(world: World) -> None:
    wire = world.wire()
    for _ in range(3):
        assert b"foo-2.0" not in gzip.decompress(body(wire.send(PIP)))
    world.put("foo-2.0.tar.gz")
    assert b"foo-2.0" in gzip.decompress(body(wire.send(PIP)))


def test_the_fast_way_is_the_strict_way(world: World) -> None:
    strict = [world.wire().send(PIP[:40]) + world.wires[-1].send(PIP[40:]) for _ in range(2)]
    wire = world.wire()
    fast = [wire.send(PIP) for _ in range(3)]
    assert {*strict, *fast} == {strict[0]}
    world.access_log.flush()
    lines = "".join(world.log).splitlines()
    assert len(lines) == 5
    assert len(set(lines)) == 1
    assert lines[0].startswith('192.168.1.1 - - [14/Nov/2023:22:13:20 +0000] "GET /simple/foo/ HTTP/1.1" 200 ')


def test_pipelined_heads_are_answered_one_by_one(world: World) -> None:
    wire = world.wire()
    one = wire.send(PIP)
    assert wire.send(PIP + PIP) == one + one
    assert wire.send(PIP[:-1]) == b""
    assert wire.send(PIP[-1:]) == one


def test_a_login_that_is_taken_away_is_out_at_once_on_a_kept_connection(make: Callable[..., World]) -> None:
    world = make(private=True)
    world.put("foo-1.0.tar.gz")
    wire = world.wire()
    right = PIP[:-2] + b"Authorization: Basic right\r\n\r\n"
    answers = [wire.send(right) for _ in range(3)]
    assert [status(each) for each in answers] == [200] * 3
    assert head(answers[0])[b"cache-control"] == b"private, no-cache"
    world.accounts.open, world.accounts.generation = False, 2
    refused = wire.send(right)
    assert (status(refused), head(refused)[b"www-authenticate"]) == (401, b'Basic realm="pypi"')
    assert status(wire.send(PIP)) == 401


def test_a_client_behind_a_trusted_proxy_is_logged_as_itself(world: World) -> None:
    world.index.put("foo-3.0.tar.gz")
    wire = world.wire()
    wire.channel.trusted, wire.channel.peer_host = True, "127.0.0.1"
    forwarded = PIP[:-2] + b"X-Forwarded-For: 203.0.113.9\r\n\r\n"
    answers = [wire.send(forwarded) for _ in range(2)]
    assert answers[0] == answers[1]
    world.access_log.flush()
    assert len({line.split(" ", 1)[0] for line in world.log}) == 1


@pytest.mark.parametrize(
    "line",
    [
        b"Range: bytes=0-1\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"Upgrade: h2c\r\n",
        b"Content-Length: 0\r\n",
    ],
)
def test_heads_that_are_never_remembered(world: World, line: bytes) -> None:
    wire = world.wire()
    wire.send(PIP.replace(b"Connection: keep-alive\r\n", line))
    assert not any(each for group in (vars(world.site.hot)["_plain"]) for each in group)


def test_methods_that_are_not_possible(world: World) -> None:
    answer = world.wire().send(b"DELETE /simple/foo/ HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status(answer), head(answer)[b"allow"]) == (405, b"GET, HEAD, POST")
