"""Bodies are decided by their head; this pins the names of twisted.web's that are used for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from twisted_pypi.errors import BadForm, LoginRequired, TooLarge
from twisted_pypi.testing.wire import ClockWithDate, Wire, body, head, status
from twisted_pypi.web.bodies import LINGER, IndexRequest, Intake
from twisted_pypi.web.site import AccessLog, IndexSite


class Sink:
    """Takes a body and remembers it."""

    def __init__(self, most: int = 1 << 30) -> None:
        self.data = b""
        self.abandoned = False
        self._most = most

    def write(self, data: bytes) -> None:
        self.data += data
        if len(self.data) > self._most:
            raise TooLarge("that is too much")

    def abandon(self) -> None:
        self.abandoned = True


class Says(Resource):
    """Answers with what it got."""

    isLeaf = True

    def render(self, request: IRequest) -> bytes:
        assert isinstance(request, IndexRequest)
        intake = request.intake
        return b"got " + (intake.data if isinstance(intake, Sink) else b"nothing")


class Decides:
    def __init__(self, decide: Callable[[IndexRequest, int | None], Awaitable[Intake]]) -> None:
        self._decide = decide

    async def receive(self, request: IndexRequest, length: int | None) -> Intake:
        return await self._decide(request, length)


class Errors:
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def page(self, status: int, sentence: str) -> bytes:
        return f"<p>{status} {sentence}".encode()


class Addresses:
    prefix = ""

    def base_url(self, _request: IndexRequest) -> str:
        return "http://index.example.com"

    def is_trusted(self, _host: str) -> bool:
        return False


class Noted:
    """An access log."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.bytes: list[int] = []

    def add(self, request: IndexRequest) -> None:
        self.lines.append(f"{request.path.decode()} {request.code}")
        self.bytes.append(request.sentLength)

    def parts(self, _request: IndexRequest) -> tuple[str, str, str]:
        raise AssertionError("no answer is remembered here")

    def add_parts(self, address: str, user: str, rest: str) -> None:
        raise AssertionError((address, user, rest))


def site_with(
    decide: Callable[[IndexRequest, int | None], Awaitable[Intake]], access_log: AccessLog | None = None
) -> tuple[IndexSite, ClockWithDate]:
    clock = ClockWithDate()
    site = IndexSite(
        Says(),
        Decides(decide),
        access_log=access_log,
        error_pages=Errors(),
        addresses=Addresses(),
        reactor=clock,
    )
    return site, clock


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def taking(sink: Sink) -> IndexSite:
    async def take(_request: IndexRequest, _length: int | None) -> Intake:
        return sink

    return site_with(take)[0]


@pytest.fixture
def refusing() -> tuple[IndexSite, ClockWithDate]:
    async def refuse(_request: IndexRequest, _length: int | None) -> Intake:
        raise LoginRequired("who are you?")

    return site_with(refuse)


POST = b"POST /a/path?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"


def is_open(wire: Wire) -> bool:
    return not wire.transport.closed


def closing(wire: Wire) -> None:
    wire.hang_up()


def test_a_body_reaches_its_intake_piece_by_piece(taking: IndexSite, sink: Sink) -> None:
    wire = Wire(taking)
    assert wire.send(POST + b"0123") == b""
    assert sink.data == b"0123"
    assert body(wire.send(b"456789")) == b"got 0123456789"
    assert not wire.transport.closed
    closing(wire)


def test_a_chunked_body_has_no_length(sink: Sink) -> None:
    lengths: list[int | None] = []

    async def take(_request: IndexRequest, length: int | None) -> Intake:
        lengths.append(length)
        return sink

    wire = Wire(site_with(take)[0])
    answer = wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert (lengths, body(answer)) == ([None], b"got abc")
    closing(wire)


def test_the_head_is_known_when_it_is_decided() -> None:
    seen: list[tuple[bytes, bytes, bytes | None]] = []

    async def look(request: IndexRequest, _length: int | None) -> Intake:
        seen.append((request.method, request.path, request.getHeader(b"host")))
        return Sink()

    wire = Wire(site_with(look)[0])
    wire.send(POST)
    assert seen == [(b"POST", b"/a/path", b"x")]
    closing(wire)


def test_a_get_asks_nobody(refusing: tuple[IndexSite, ClockWithDate]) -> None:
    wire = Wire(refusing[0])
    assert body(wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")) == b"got nothing"
    closing(wire)


def test_a_refusal_is_answered_before_the_body_and_the_rest_thrown_away(
    refusing: tuple[IndexSite, ClockWithDate],
) -> None:
    wire = Wire(refusing[0])
    answer = wire.send(POST + b"01")
    assert status(answer) == 401
    assert head(answer)[b"connection"] == b"close"
    assert head(answer)[b"www-authenticate"] == b'Basic realm="pypi"'
    assert wire.send(b"23") == b""
    assert is_open(wire)
    assert wire.send(b"456789") == b""
    assert not is_open(wire)
    closing(wire)


def test_a_refused_body_is_read_no_longer_than_it_takes_to_see_the_answer(
    refusing: tuple[IndexSite, ClockWithDate],
) -> None:
    site, clock = refusing
    wire = Wire(site)
    wire.send(POST)
    clock.advance(LINGER - 0.1)
    assert is_open(wire)
    clock.advance(0.2)
    assert not is_open(wire)
    closing(wire)


def test_a_client_that_leaves_after_a_refusal_leaves_no_timer(refusing: tuple[IndexSite, ClockWithDate]) -> None:
    site, clock = refusing
    wire = Wire(site)
    wire.send(POST)
    wire.hang_up()
    assert [call for call in clock.getDelayedCalls() if call.active()] == []


@pytest.mark.parametrize("then", ["it leaves", "it sends on", "it waits"])
def test_a_refusal_is_in_the_access_log_once_whatever_its_client_does_then(then: str) -> None:
    async def refuse(_request: IndexRequest, _length: int | None) -> Intake:
        raise LoginRequired("who are you?")

    noted = Noted()
    site, clock = site_with(refuse, noted)
    wire = Wire(site)
    wire.send(POST)
    if then == "it sends on":
        wire.send(b"0123456789")
    elif then == "it waits":
        clock.advance(LINGER)
    closing(wire)
    assert noted.lines == ["/a/path 401"]


def test_an_answer_that_its_client_did_not_wait_for_is_in_the_access_log() -> None:
    class Begins(Resource):
        isLeaf = True

        def render(self, request: IRequest) -> int:
            assert isinstance(request, IndexRequest)
            request.notifyFinish().addErrback(lambda _: setattr(request, "sentLength", 5))
            request.write(b"begin")
            return NOT_DONE_YET

    async def take(_request: IndexRequest, _length: int | None) -> Intake:
        return Sink()

    noted = Noted()
    site, _ = site_with(take, noted)
    site.resource = Begins()
    wire = Wire(site)
    wire.send(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
    assert noted.lines == []
    closing(wire)
    assert noted.lines == ["/a 200"]
    assert noted.bytes == [5]


EXPECTING = POST[:-2] + b"Expect: 100-continue\r\n\r\n"


def test_continue_is_said_when_the_body_is_wanted(taking: IndexSite) -> None:
    wire = Wire(taking)
    assert wire.send(EXPECTING) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert status(wire.send(b"0123456789")) == 200
    closing(wire)


def test_continue_is_not_said_after_a_refusal(refusing: tuple[IndexSite, ClockWithDate]) -> None:
    wire = Wire(refusing[0])
    answer = wire.send(EXPECTING)
    assert status(answer) == 401
    assert b"100 Continue" not in answer
    closing(wire)


def test_nothing_is_read_while_it_is_decided_and_what_came_is_kept(sink: Sink) -> None:
    decision: Deferred[Intake] = Deferred()

    async def wait(_request: IndexRequest, _length: int | None) -> Intake:
        return await decision

    wire = Wire(site_with(wait)[0])
    assert wire.send(EXPECTING + b"0123456789") == b""
    assert wire.transport.producerState == "paused"
    decision.callback(sink)
    answer = wire.received()
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"got 0123456789")
    assert wire.transport.producerState == "producing"
    closing(wire)


def test_a_late_refusal_of_a_body_that_came_with_the_head() -> None:
    decision: Deferred[Intake] = Deferred()

    async def wait(_request: IndexRequest, _length: int | None) -> Intake:
        return await decision

    wire = Wire(site_with(wait)[0])
    wire.send(POST + b"0123456789")
    decision.errback(BadForm("that is no form"))
    assert status(wire.received()) == 400
    assert wire.transport.closed
    closing(wire)


def test_an_intake_may_refuse_in_the_middle() -> None:
    sink = Sink(most=3)

    async def take(_request: IndexRequest, _length: int | None) -> Intake:
        return sink

    wire = Wire(site_with(take)[0])
    answer = wire.send(POST + b"0123")
    assert (status(answer), sink.abandoned) == (413, True)
    wire.send(b"456789")
    assert wire.transport.closed
    closing(wire)


def test_a_client_that_goes_away_abandons_its_body(taking: IndexSite, sink: Sink) -> None:
    wire = Wire(taking)
    wire.send(POST + b"01")
    wire.hang_up()
    assert sink.abandoned


def test_a_client_that_goes_away_while_it_is_decided_abandons_its_body(sink: Sink) -> None:
    decision: Deferred[Intake] = Deferred()

    async def wait(_request: IndexRequest, _length: int | None) -> Intake:
        return await decision

    wire = Wire(site_with(wait)[0])
    wire.send(POST + b"01")
    wire.hang_up()
    decision.callback(sink)
    assert sink.abandoned


def test_requests_in_one_piece_are_answered_in_turn(taking: IndexSite) -> None:
    wire = Wire(taking)
    answers = wire.send(
        b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n" + POST + b"0123456789" + b"GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    assert answers.count(b"HTTP/1.1 200 OK") == 3
    closing(wire)


def test_http_2_is_not_offered(taking: IndexSite) -> None:
    assert taking.acceptableProtocols() == [b"http/1.1"]


def test_the_site_knows_its_connections(taking: IndexSite) -> None:
    idle, busy = Wire(taking), Wire(taking)
    busy.send(POST + b"01")
    assert taking.open_requests == 1
    taking.close_idle()
    assert (idle.transport.closed, busy.transport.closed) == (True, False)
    busy.send(b"23456789")
    assert busy.transport.closed
    closing(idle)
    closing(busy)
    assert taking.open_requests == 0


def test_an_error_of_ours_is_a_500_that_shows_nothing(logged_failures: list[Failure]) -> None:
    async def fail(_request: IndexRequest, _length: int | None) -> Intake:
        raise RuntimeError("secret")

    wire = Wire(site_with(fail)[0])
    answer = wire.send(POST)
    assert status(answer) == 500
    assert b"secret" not in answer
    assert logged_failures.pop().type is RuntimeError
    closing(wire)


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        (b"GET http://elsewhere/x HTTP/1.1", 200),
        (b"GET HTTPS://elsewhere HTTP/1.1", 200),
        (b"GET foo HTTP/1.1", 400),
        (b"GET ftp://x/ HTTP/1.1", 400),
        (b"GET  HTTP/1.1", 400),
        (b"GET /x", 400),
        (b"OPTIONS * HTTP/1.1", 405),
    ],
)
def test_targets(taking: IndexSite, request_line: bytes, expected: int) -> None:
    wire = Wire(taking)
    assert status(wire.send(request_line + b"\r\nHost: x\r\n\r\n")) == expected
    closing(wire)


@pytest.mark.parametrize("hosts", [b"", b"Host: a\r\nHost: b\r\n"])
def test_a_request_has_one_host(taking: IndexSite, hosts: bytes) -> None:
    wire = Wire(taking)
    assert status(wire.send(b"GET / HTTP/1.1\r\n" + hosts + b"\r\n")) == 400
    assert status(wire.send(b"GET / HTTP/1.0\r\n\r\n")) == 200
    closing(wire)


@pytest.mark.parametrize(
    ("head", "expected"),
    [(b"X: " + b"x" * 20_000, 431), (b"no header", 400), (b"Content-Length: 1\r\nTransfer-Encoding: chunked", 400)],
)
def test_what_is_no_request_is_told_so(taking: IndexSite, head: bytes, expected: int) -> None:
    wire = Wire(taking)
    answer = wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
    assert (status(answer), body(answer)) == (expected, b"")
    assert wire.transport.closed
    closing(wire)


def test_a_client_that_does_not_read_is_answered_no_further(taking: IndexSite) -> None:
    wire = Wire(taking)
    wire.channel.pauseProducing()
    many = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100
    assert wire.send(many) == b""
    wire.channel.resumeProducing()
    assert wire.received().count(b"HTTP/1.1 200 OK") == 100
    closing(wire)


def test_a_client_that_stops_reading_in_between_waits_for_the_rest(taking: IndexSite) -> None:
    wire = Wire(taking)
    write, written = wire.transport.write, []

    def write_and_fill(data: bytes) -> None:
        written.append(data)
        write(data)
        if len(written) == 3:
            wire.channel.pauseProducing()

    wire.transport.write = wire.transport.writeSequence = lambda data: write_and_fill(  # type: ignore[method-assign]
        data if isinstance(data, bytes) else b"".join(data)
    )
    answers = wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
    assert answers.count(b"HTTP/1.1 200 OK") <= 3
    assert wire.transport.producerState == "paused"
    wire.channel.resumeProducing()
    assert answers.count(b"HTTP/1.1 200 OK") + wire.received().count(b"HTTP/1.1 200 OK") == 100
    closing(wire)
