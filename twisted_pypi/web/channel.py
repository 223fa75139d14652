"""The HTTP channel of the index: twisted.web's own, with the say over ``100 Continue`` and idle connections."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from twisted.internet.interfaces import IAddress, IPushProducer, ITCPTransport
from twisted.python.failure import Failure
from twisted.web.http import Request

from twisted_pypi.web.patience import Patience
from twisted_pypi.web.straight_sending import StraightSending

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest
    from twisted_pypi.web.hot import HotAnswer
    from twisted_pypi.web.site import IndexSite


MOST_AT_ONCE = 4096
"""Bytes of a head that is taken apart at once: no line of it is too long, nor all of them."""

MOST_LINES = 100
"""Lines of such a head: they are not too many."""


_BLANKS = frozenset({b" ", b"\t"})
"""With one of these begins a line that goes on with the line before."""


class IndexChannel(Patience, StraightSending):
    """One connection of a client.

    twisted.web's parser decides what is a request.  It would send ``100
    Continue`` whatever was decided about the body, so that part is left to the
    request, which sends it when the body is wanted (RFC 9110 section 10.1.1).
    """

    site: IndexSite
    head: bytes | None = None
    """The bytes that the request under way consists of, when they came alone and in one piece."""
    trusted = False
    """Is the other end a trusted proxy?"""
    peer_host = ""
    """The address of the other end; empty for a Unix socket."""
    _peer: IAddress
    _host: IAddress
    _secret = False  # had the last head that was known a login?

    def connectionMade(self) -> None:
        """A client is there."""
        super().connectionMade()
        # Each request asks for both, and neither changes.
        self._peer, self._host = super().getPeer(), super().getHost()
        self.peer_host = getattr(self._peer, "host", "") or ""
        self.trusted = self.site.trusts(self.peer_host)
        self.site.connected(self)

    def dataReceived(self, data: bytes) -> None:
        """Bytes came: answer a head that is known at once, and everything else by the parser."""
        # Nothing is under way, nothing half read, nothing half sent.
        if not self.requests and self.persistent and not self._buffer and self.site.hot is not None:
            answer = self.site.hot.find(data, trusted=self.trusted, plain=self._socket is not None, secret=self._secret)
            self._secret = answer is not None and answer.users is not None
            if answer is not None and self.at_rest():
                self.resetTimeout()
                self._answer(answer)
                return
            lines = data.split(b"\r\n") if len(data) <= MOST_AT_ONCE else []
            # What ends with an empty line, and has no other, is one head and nothing else.
            if len(lines) > 2 and not lines[-1] and lines.index(b"") == len(lines) - 2:
                self.head = data
                if self._take_head(lines):
                    return
            else:
                self.head = None
        else:
            self.head = None
        super().dataReceived(data)

    def _take_head(self, lines: list[bytes]) -> bool:
        """Give a whole head to the parser line by line, as the base does, but for lines that are known.

        The base would copy the rest of the head for each line, and take each
        apart that came a thousand times.  Return False, with nothing done,
        where that is left to it: headers of several lines, or many of them.
        """
        known = self.site.lines.known
        if not self.line_mode or self.paused or len(lines) > MOST_LINES:
            return False
        for line in lines:
            if line not in known and line[:1] in _BLANKS:
                return False
        self.resetTimeout()
        self._busyReceiving = True
        try:
            self.lineReceived(lines[0])
            if cast("Any", self.transport).disconnecting:
                return True
            headers = self.requests[-1].requestHeaders._rawHeaders  # noqa: SLF001  # where they would be put, too
            for line in lines[1:-2]:
                said = known.get(line)
                if said is not None:
                    headers.setdefault(said[0], []).append(said[1])
                elif not self.headerReceived(line):
                    return True
            self.lineReceived(b"")
        finally:
            self._busyReceiving = False
        return True

    def headerReceived(self, line: bytes) -> bool:
        """Take a header line, and remember what it says if it is one that will come again."""
        right: bool = super().headerReceived(line)
        lines = self.site.lines
        if right and (name := lines.name_worth_remembering(line)) is not None:
            lines.remember(line, name, self.requests[-1].requestHeaders.getRawHeaders(name, [b""])[-1])
        return right

    def getPeer(self) -> IAddress:
        """Return the address of the other end."""
        return self._peer

    def getHost(self) -> IAddress:
        """Return the address of this end."""
        return self._host

    def _answer(self, answer: HotAnswer) -> None:
        began = perf_counter()
        page, date = answer.page, self.site.date()
        data, body = (page.not_modified(date), b"") if answer.unchanged else page.answer(date)
        self.site.note(answer.address or self.peer_host or "-", answer.user, answer.log_rest)
        self.send_whole(data, body)
        if answer.series is not None:
            answer.series.add(perf_counter() - began, 0 if answer.unchanged else len(page.body))

    def pauseProducing(self) -> None:
        """The client does not read: take no further request from it until it does.

        The base would go on answering what it has read already, and keep all
        those answers.
        """
        super().pauseProducing()
        self.paused = True

    def resumeProducing(self) -> None:
        """The client reads again: go on with what it has sent meanwhile."""
        super().resumeProducing()
        self.paused = False
        if self._buffer and not self._handlingRequest:
            super().dataReceived(b"")

    def requestDone(self, request: Request) -> None:
        """A request is answered: the next one may wait for the client to read."""
        super().requestDone(request)
        if self._waitingForTransport:
            self._networkProducer.pauseProducing()

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: ARG002  # the base gives it
        """A line of a head is too long (RFC 6585 section 5)."""
        self._refuse(b"431 Request Header Fields Too Large")

    def _respondToBadRequestAndDisconnect(self) -> None:
        self._refuse(b"400 Bad Request")

    def _refuse(self, status: bytes) -> None:
        """Answer what is no request, and close: nothing that follows could be understood."""
        self.write(b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % status)
        self.loseConnection()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # the base has a default
        """The client is gone."""
        self.site.disconnected(self)
        super().connectionLost(reason)
        self.forget_timeout()

    def allHeadersReceived(self) -> None:
        """The head is complete: the request decides what becomes of its body."""
        request = cast("IndexRequest", self.requests[-1])
        request.began = perf_counter()
        self.persistent = self.checkPersistence(request, self._version)
        request.gotLength(self.length)

    def send_continue(self) -> None:
        """Tell a client that waits for it to send the body."""
        self._send100Continue()

    def close_after_this(self) -> None:
        """Take no further request on this connection."""
        self.persistent = False

    @property
    def idle(self) -> bool:
        """Is no request being received or answered?"""
        return not self.requests

    @property
    def command(self) -> bytes:
        """The method of the request whose body is being received."""
        return self._command

    @property
    def target(self) -> bytes:
        """The target of the request whose body is being received."""
        return self._path

    @property
    def version(self) -> bytes:
        """The protocol version of the request whose body is being received."""
        return self._version

    def pause_reading(self) -> None:
        """Read nothing more from this client for now."""
        cast("IPushProducer", self.transport).pauseProducing()

    def read_on(self) -> None:
        """Read again."""
        cast("IPushProducer", self.transport).resumeProducing()

    def abort(self) -> None:
        """Close the connection, and drop what was not sent yet."""
        cast("ITCPTransport", self.transport).abortConnection()


class FollowingChannel(IndexChannel):
    """One connection of a client of one process of several: what the others changed counts before anything is read."""

    def dataReceived(self, data: bytes) -> None:
        """Bytes came: see what was changed, and go on."""
        self.site.catch_up()
        super().dataReceived(data)
