"""Lines of heads that were understood before mean what they meant."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from tests.web.test_files import Plain
from twisted_pypi.testing.wire import ClockWithDate, Wire, status
from twisted_pypi.web.bodies import WRITTEN, IndexRequest
from twisted_pypi.web.forwarded import FORWARDING
from twisted_pypi.web.hot import _LOGINS, _NEVER
from twisted_pypi.web.known_lines import LONGEST_LINE, MOST_LINES, KnownLines
from twisted_pypi.web.replies import Reply
from twisted_pypi.web.sending import send
from twisted_pypi.web.site import IndexSite


class Headed(Resource):
    """Notes the headers of each request."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[tuple[bytes, list[bytes]]]] = []

    def render(self, request: IRequest) -> int:
        assert isinstance(request, IndexRequest)
        self.seen.append([(name, list(values)) for name, values in request.requestHeaders.getAllRawHeaders()])
        send(request, Reply(200))
        return NOT_DONE_YET


def site_of(leaf: Headed) -> IndexSite:
    return IndexSite(leaf, Plain(), access_log=None, error_pages=Plain(), addresses=Plain(), reactor=ClockWithDate())


def said(site: IndexSite, head: bytes, *, whole: bool) -> bytes:
    wire = Wire(site)
    try:
        if whole:
            return wire.send(head)
        data = b""
        for each in head:
            data += wire.send(bytes([each]))
            if wire.transport.closed:  # nothing comes any more
                break
        return data
    finally:
        wire.hang_up()


LINE = st.builds(
    lambda name, colon, value: name + colon + value,
    st.sampled_from(
        [
            b"Host",
            b"host",
            b"HOST",
            b"User-Agent",
            b"Accept",
            b"Accept ",
            b"Connection",
            b"Content-Length",
            b"X",
            b" ",
            b"",
        ]
    ),
    st.sampled_from([b":", b": ", b":\t", b" :", b"", b"\r"]),
    st.text("a0 \t:,\0\x80\n\r", max_size=6).map(lambda text: text.encode("latin-1")),
)


@given(st.lists(LINE, max_size=6))
@example([b"Host: x", b"Host: x"])
@example([b"Host: x", b" y", b"Accept: z"])
@example([b"Host: x", b"Accept : z"])
def test_a_head_means_the_same_whole_and_in_pieces_the_first_time_and_again(lines: Sequence[bytes]) -> None:
    head = b"\r\n".join([b"GET / HTTP/1.1", *lines, b"", b""])
    first, leaf = Headed(), Headed()
    expected = said(site_of(first), head, whole=False)
    site = site_of(leaf)
    for whole in (True, True, False):
        leaf.seen.clear()
        assert said(site, head, whole=whole) == expected
        assert leaf.seen == first.seen


def test_too_many_headers_are_too_many_also_when_they_are_known() -> None:
    leaf = Headed()
    site = site_of(leaf)
    most = Wire(site).channel.maxHeaders
    head = b"GET / HTTP/1.1\r\nHost: x\r\n%b\r\n"
    assert status(said(site, head % (b"Accept: y\r\n" * (most - 1)), whole=True)) == 200
    assert status(said(site, head % (b"Accept: y\r\n" * most), whole=True)) == 400


@pytest.mark.parametrize(
    "line",
    [
        b"Authorization: Basic x", b"Cookie: x", b"Content-Length: 0", b"Transfer-Encoding: chunked", b"X-Request-Id: 1",
        b"User-Agent: " + b"x" * LONGEST_LINE,
    ],
)  # fmt: skip
def test_what_is_secret_or_of_a_body_or_long_is_not_kept(line: bytes) -> None:
    assert KnownLines().name_worth_remembering(line) is None


def test_lines_are_bounded() -> None:
    lines = KnownLines()
    for number in range(MOST_LINES + 1):
        lines.remember(b"Accept: %d" % number, b"Accept", b"%d" % number)
    assert lines.known.get(b"Accept: 0") is None
    assert lines.known.get(b"Accept: %d" % MOST_LINES) == (b"Accept", b"%d" % MOST_LINES)


def test_names_are_written_as_twisted_web_writes_them() -> None:
    for name in (*FORWARDING, *_NEVER, *_LOGINS, *WRITTEN.values()):
        headers = Headers()
        headers.addRawHeader(name.lower(), b"")
        assert [each for each, _ in headers.getAllRawHeaders()] == [name]


def test_what_comes_behind_a_broken_line_is_not_looked_at() -> None:
    leaf = Headed()
    wire = Wire(site_of(leaf))
    assert status(wire.send(b"GET / HTTP/1.1\r\nHost\r\nAccept: x\r\n\r\n")) == 400
    assert wire.transport.closed
    assert leaf.seen == []
    wire.channel.connectionLost(Failure(ConnectionError()))
