"""The HTTP channel of the index: twisted.web's own, with the say over ``100 Continue`` and idle connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from twisted.internet.interfaces import IPushProducer, ITCPTransport
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest
    from twisted_pypi.web.site import IndexSite


class IndexChannel(HTTPChannel):
    """One connection of a client.

    twisted.web's parser decides what is a request.  It would send ``100
    Continue`` whatever was decided about the body, so that part is left to the
    request, which sends it when the body is wanted (RFC 9110 section 10.1.1).
    """

    site: IndexSite

    def connectionMade(self) -> None:
        """A client is there."""
        super().connectionMade()
        self.site.connected(self)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # the base has a default
        """The client is gone."""
        self.site.disconnected(self)
        super().connectionLost(reason)

    def allHeadersReceived(self) -> None:
        """The head is complete: the request decides what becomes of its body."""
        request = cast("IndexRequest", self.requests[-1])
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
