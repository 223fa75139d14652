"""Requests that decide about their body before it comes.

twisted.web starts looking for a resource only when the whole body is there,
and lets it grow without a limit meanwhile.  Here the head alone decides who
takes the body, and it is handed on piece by piece; a refusal is answered at
once.  This module and ``web.channel`` are the only ones that touch the names
twisted.web keeps to itself; ``tests/web/test_bodies.py`` pins them.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Protocol, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request

from twisted_pypi.boundaries import User
from twisted_pypi.web.replies import BadRequest, Reply, text_reply
from twisted_pypi.web.sending import send
from twisted_pypi.web.targets import origin_form

if TYPE_CHECKING:
    from twisted_pypi.web.channel import IndexChannel
    from twisted_pypi.web.site import IndexSite

LINGER = 5.0
"""Seconds for which the body of a refused request is read and thrown away, so that its client sees the answer."""

WRITTEN = {
    each.lower(): each
    for each in (
        b"Accept", b"Accept-Encoding", b"Authorization", b"Connection", b"Content-Type", b"Expect", b"Host", b"If-Match",
        b"If-Modified-Since", b"If-None-Match", b"If-Range", b"If-Unmodified-Since", b"Range", b"Referer", b"User-Agent",
    )
}  # fmt: skip
"""Headers that many requests are asked for, as twisted.web writes all names."""


class Intake(Protocol):
    """Whoever takes the body of one request."""

    def write(self, data: bytes) -> None:
        """Take the next piece.  Any ``TwistedPyPIError`` raised here refuses the request."""

    def abandon(self) -> None:
        """Nothing more will come, and nothing of it is wanted."""


class IndexRequest(Request):
    """A request to the index."""

    channel: IndexChannel
    site: IndexSite
    login: User | None = None
    """Who sent it, once a login was needed and found right."""
    intake: Intake | None = None
    """Who took the body, for the resource that answers."""
    began = 0.0
    """When its head was there, by ``time.perf_counter``."""
    received = 0
    """Bytes of its body that were taken."""
    route = ""
    """What was asked for, in a word, to count it by; empty until that is known."""
    log = Logger()

    _waiting: list[bytes] | None = None  # what came while it is decided who takes the body
    _refused = False
    _linger: IDelayedCall | None = None
    _process_when_decided = False

    def gotLength(self, length: int | None) -> None:
        """Decide what becomes of the body; ``length`` is None for a chunked one."""
        self.content = BytesIO()
        if length == 0:
            return
        channel = self.channel
        self.method, self.uri, self.clientproto = channel.command, origin_form(channel.target), channel.version
        self.path = self.uri.split(b"?", 1)[0]
        self.site = channel.site
        self._waiting = []
        decision = Deferred.fromCoroutine(self.site.reception.receive(self, length))
        decision.addCallbacks(self._accepted, self._not_accepted)
        if self._waiting is not None:
            self.pause()

    def _accepted(self, intake: Intake) -> None:
        if self._disconnected or self._refused:
            intake.abandon()
            return
        self.intake = intake
        waiting, self._waiting = self._waiting or [], None
        if (self.getHeader(b"expect") or b"").lower() == b"100-continue" and self.clientproto == b"HTTP/1.1":
            self.channel.send_continue()
        for data in waiting:
            self.handleContentChunk(data)
        self.resume()
        self._go_on()

    def _not_accepted(self, failure: Failure) -> None:
        self._waiting = None
        if not self._disconnected:
            self.refuse(self.site.reply_to(failure, self))
            self.resume()
            self._go_on()

    def _go_on(self) -> None:
        if self._process_when_decided:
            self._process_when_decided = False
            self.process()

    def handleContentChunk(self, data: bytes) -> None:
        """Hand the next piece of the body on."""
        if self._waiting is not None and not self._refused:
            self._waiting.append(data)
            return
        self.received += len(data)
        if self._refused:
            return
        if self.intake is None:
            return
        try:
            self.intake.write(data)
        except Exception:  # noqa: BLE001  # whatever went wrong is said to the client, or logged, by reply_to
            self.refuse(self.site.reply_to(Failure(), self))

    def process(self) -> None:
        """Answer: the whole body was taken."""
        if self._waiting is not None:
            self._process_when_decided = True
        elif self._refused:
            self._end_of_refused()
        elif (problem := self._problem()) is not None:
            send(self, self.site.reply_to(Failure(problem), self))
        elif self.path == b"*":
            self._handleStar()
        else:
            # The base would set headers that are set anew behind it, and take the path apart for resources of its own.
            try:
                self.render(self.site.place_of(self))
            except Exception:  # noqa: BLE001  # whatever it is, the client is told of it
                self.processingFailed(Failure())

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """The whole request came.  Forms and queries are not taken apart here: whoever wants them does."""
        self.site = self.channel.site
        self.method, self.uri, self.clientproto = command, origin_form(path), version
        self.path = self.uri.partition(b"?")[0]
        self.process()

    def _problem(self) -> BadRequest | None:
        """What is wrong with the head, that twisted.web does not see (RFC 9112 section 3.2)."""
        if not self.path.startswith(b"/") and self.path != b"*":
            return BadRequest("the request asks for something that is no path; expected one that begins with a slash")
        if len(self.headers_named(b"host")) != 1 and self.clientproto == b"HTTP/1.1":
            return BadRequest("the request has no Host header, or several; expected one")
        return None

    def refuse(self, reply: Reply) -> None:
        """Answer now, although the body is still coming, and close when it has come or after ``LINGER`` seconds.

        Closing at once would reset the connection, and the client would see
        that instead of the answer (RFC 9112 section 9.6).
        """
        if self._refused or self._disconnected or self.startedWriting:
            return
        self._refused = True
        if self.intake is not None:
            self.intake.abandon()
            self.intake = None
        self.channel.close_after_this()
        self.setHeader(b"Connection", b"close")
        send(self, reply, finish=False)
        self._linger = self.site.reactor.callLater(LINGER, self._hang_up)

    def _end_of_refused(self) -> None:
        if self._linger is not None and self._linger.active():
            self._linger.cancel()
        self.finish()

    def _hang_up(self) -> None:
        if not self._disconnected:
            self.site.log(self)
            self.channel.loseConnection()

    def pause(self) -> None:
        """Read nothing more from this client for now."""
        self.channel.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if not self._disconnected and not self.finished:
            self.channel.read_on()

    def finish(self) -> None:
        """Everything is sent; a body that nobody took over is forgotten."""
        intake, self.intake = self.intake, None
        super().finish()
        if intake is not None:
            intake.abandon()

    def connectionLost(self, reason: Failure) -> None:
        """The client went away."""
        cut_off = self.startedWriting and not self._refused
        if self._linger is not None and self._linger.active():
            self._linger.cancel()
            cut_off = True
        if self.intake is not None:
            self.intake.abandon()
        self._waiting = None
        # Whoever is told by it says how much was sent.
        super().connectionLost(reason)
        if cut_off:
            self.site.log(self)

    def processingFailed(self, reason: Failure) -> Failure:
        """Say that this server did something wrong, without showing what."""
        if not self._disconnected and not self.finished:
            send(self, self.site.reply_to(reason, self))
        return reason

    @property
    def gone(self) -> bool:
        """Has the client gone away?"""
        return self._disconnected

    def headers_named(self, name: bytes) -> list[bytes]:
        """Every value of a request header."""
        written = WRITTEN.get(name)
        if written is None:
            return cast("list[bytes]", self.requestHeaders.getRawHeaders(name, []))
        return self.requestHeaders._rawHeaders.get(written) or []  # noqa: SLF001  # for each name its base looks up twice, and converts

    def getHeader(self, key: bytes) -> bytes | None:  # type: ignore[override]  # names are bytes here
        """Return the last value of a request header."""
        values = self.headers_named(key)
        return values[-1] if values else None

    def has_any(self, names: frozenset[bytes]) -> bool:
        """Has the request any of these headers?  Their names are in the form that twisted.web gives to all of them."""
        return not names.isdisjoint(self.requestHeaders._rawHeaders)  # noqa: SLF001  # to ask for one by one takes ten times as long

    def _handleStar(self) -> None:
        # The base sends no Date and no Server.
        send(self, text_reply(405, "ask for a path of this index", (b"Allow", b"GET, HEAD, POST")))
