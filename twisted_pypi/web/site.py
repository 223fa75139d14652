"""The site: connections, their access log, and the answer to every error."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, cast
from urllib.parse import unquote_to_bytes, urlsplit

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import IResource
from twisted.web.server import Site

from twisted_pypi.errors import TwistedPyPIError
from twisted_pypi.web.bodies import IndexRequest, Intake
from twisted_pypi.web.channel import FollowingChannel, IndexChannel
from twisted_pypi.web.conditions import http_date
from twisted_pypi.web.hot import HotAnswers
from twisted_pypi.web.known_lines import KnownLines
from twisted_pypi.web.measuring import Measurements, Series
from twisted_pypi.web.replies import ErrorPages, Reply, error_headers, error_reply, status_of
from twisted_pypi.web.straight_sending import Outbox

IDLE_TIMEOUT = 75.0
"""Seconds after which an idle connection, or one that sends nothing of its request, is closed."""


class Reception(Protocol):
    """Decides, from its head alone, who takes the body of a request."""

    async def receive(self, request: IndexRequest, length: int | None) -> Intake:
        """Return who takes the body.  Any ``TwistedPyPIError`` refuses it."""


class AccessLog(Protocol):
    """Is told of every request that was answered."""

    def add(self, request: IndexRequest) -> None:
        """Note one request."""

    def parts(self, request: IndexRequest) -> tuple[str, str, str]:
        """Return address, user, and what comes after the moment, in the line of a request."""

    def add_parts(self, address: str, user: str, rest: str) -> None:
        """Note one request by the parts of its line."""


class Addresses(Protocol):
    """Knows the addresses of this server as its clients see them."""

    prefix: str
    """The path under which everything is served: empty, or ``/prefix``."""

    def base_url(self, request: IndexRequest) -> str:
        """Return the absolute URL of the root for this client, without a slash at its end."""

    def is_trusted(self, host: str) -> bool:
        """Are the forwarding headers of this peer believed?"""


class IndexSite(Site):
    """The HTTP factory of the index."""

    log_ = Logger()
    noisy = False

    def __init__(
        self,
        root: IResource,
        reception: Reception,
        *,
        access_log: AccessLog | None,
        error_pages: ErrorPages,
        addresses: Addresses,
        hot: HotAnswers | None = None,
        measurements: Measurements | None = None,
        catch_up: Callable[[], None] | None = None,
        reactor: IReactorTime,
    ) -> None:
        """``catch_up`` sees what other processes changed, and is called before anything that a client sent is read."""
        super().__init__(
            root,
            requestFactory=IndexRequest,
            parsePOSTFormSubmission=False,
            timeout=IDLE_TIMEOUT,
            reactor=reactor,
        )
        self.reception = reception
        self._access_log = access_log
        self._error_pages = error_pages
        self._addresses = addresses
        self.hot = hot
        self.lines = KnownLines()
        self.outbox = Outbox(reactor)
        self.measurements = measurements
        self._channel_class = IndexChannel if catch_up is None else FollowingChannel
        self.catch_up = catch_up or (lambda: None)
        self._channels: set[IndexChannel] = set()
        self._second = -1
        self._date = b""

    def startFactory(self) -> None:
        """Start.  The access log is our own, so the base's is left off, with its timer."""

    def stopFactory(self) -> None:
        """Stop."""

    def buildProtocol(self, _addr: IAddress | None) -> IndexChannel:  # type: ignore[override]  # the base hides the channel behind a proxy that can change to HTTP/2
        """Make the channel of a new connection."""
        channel: Any = self._channel_class()
        channel.site = channel.factory = self
        channel.requestFactory = self.requestFactory
        channel.outbox = self.outbox
        channel.callLater = self.reactor.callLater
        channel.seconds = self.reactor.seconds
        channel.timeOut = self.timeOut
        made: IndexChannel = channel
        return made

    def acceptableProtocols(self) -> list[bytes]:
        """Offer HTTP/1.1 alone: HTTP/2 would go past our channel, with its limits and its log."""
        return [b"http/1.1"]

    def log(self, request: IndexRequest) -> None:  # type: ignore[override]  # requests here are of our class
        """Note an answered request in the access log, and count it."""
        if self.measurements is not None:
            self.measurements.add(request)
        if self._access_log is not None:
            self._access_log.add(request)

    @property
    def prefix(self) -> str:
        """The path under which everything is served."""
        return self._addresses.prefix

    def base_url(self, request: IndexRequest) -> str:
        """Return the absolute URL of the root as this client sees it."""
        return self._addresses.base_url(request)

    def external_prefix(self, request: IndexRequest) -> str:
        """Return the path of the root as this client sees it: empty, or ``/prefix``."""
        return urlsplit(self._addresses.base_url(request)).path.rstrip("/")

    def date(self) -> bytes:
        """Return the value of the ``Date`` header, made anew once a second (RFC 9110 section 6.6.1)."""
        second = int(self.reactor.seconds())
        if second != self._second:
            self._second = second
            self._date = http_date(second).encode()
        return self._date

    def note(self, address: str, user: str, rest: str) -> None:
        """Note a request that was answered the fast way."""
        if self._access_log is not None:
            self._access_log.add_parts(address, user, rest)

    def log_parts(self, request: IndexRequest) -> tuple[str, str, str]:
        """Return what ``note`` will be given for the same request."""
        return ("", "", "") if self._access_log is None else self._access_log.parts(request)

    def series(self, request: IndexRequest) -> Series | None:
        """Return where requests with the same answer are counted."""
        return None if self.measurements is None else self.measurements.series_of_head(request)

    def place_of(self, request: IndexRequest) -> IResource:
        """Return what answers a request, and say in ``request.postpath`` what follows the place it was found at."""
        root: Any = self.resource
        if root.isLeaf:
            request.postpath = [unquote_to_bytes(each) for each in request.path[1:].split(b"/")]
            return cast("IResource", root)
        # The tree finds places however deep they are, and says what follows itself.
        return cast("IResource", root.getChildWithDefault(b"", request))

    def trusts(self, host: str) -> bool:
        """Are the forwarding headers of this peer believed?"""
        return self._addresses.is_trusted(host)

    def connected(self, channel: IndexChannel) -> None:
        """Note a new connection."""
        self._channels.add(channel)

    def disconnected(self, channel: IndexChannel) -> None:
        """Note the end of a connection."""
        self._channels.discard(channel)

    def reply_to(self, failure: Failure, request: IndexRequest) -> Reply:
        """Return what a client is told of an error; one that is not ours is logged and told as 500."""
        error = failure.value
        accept = b",".join(request.headers_named(b"accept")).decode("latin-1")
        read = partial(error_reply, method=request.method, accept=accept, pages=self._error_pages)
        if isinstance(error, TwistedPyPIError):
            return read(int(status_of(error)), str(error), error_headers(error))
        self.log_.failure(
            "answering {method} {uri} failed",
            failure,
            method=request.method.decode("latin-1"),
            uri=request.uri.decode("latin-1"),
        )
        return read(500, "the server failed to answer this; its log says why")

    @property
    def open_requests(self) -> int:
        """How many requests are being received or answered."""
        return sum(not channel.idle for channel in self._channels)

    @property
    def open_connections(self) -> int:
        """How many connections there are; one that is closing counts until all its bytes are sent."""
        return len(self._channels)

    def close_idle(self) -> None:
        """Close every connection that has no request on it; the others after their answer."""
        for channel in list(self._channels):
            channel.close_after_this()
            if channel.idle:
                channel.loseConnection()

    def abort(self) -> None:
        """Close every connection at once."""
        for channel in list(self._channels):
            channel.abort()
