"""One message on its way to one address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, cast

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IConsumer, IPushProducer
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseFailed
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer, IResponse
from zope.interface import implementer


class Send(Protocol):
    """Sends a POST request to an address that it knows."""

    def __call__(self, headers: Headers, body: IBodyProducer, /) -> Deferred[IResponse]:
        """Return the answer, whatever its status; fails when there is none.  Cancelling gives it up."""


class Posting:
    """Posts to one address and tells the status of the answer, of which nothing else counts."""

    def __init__(self, send: Send, agent: str) -> None:
        """``agent`` is what this server says it is."""
        self._send = send
        self._agent = agent

    def __call__(self, body: bytes, headers: Mapping[str, str]) -> Deferred[int]:
        """Post once."""
        sent = Headers({name: [value] for name, value in headers.items()})
        sent.setRawHeaders("User-Agent", [self._agent])
        return self._send(sent, _Body(body)).addCallbacks(_status, _without_answer)


@implementer(IBodyProducer)
class _Body:
    def __init__(self, data: bytes) -> None:
        self.length = len(data)
        self._data = data

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._data)
        return succeed(None)

    def stopProducing(self) -> None:
        """All was written at once."""

    def pauseProducing(self) -> None:
        """All was written at once."""

    def resumeProducing(self) -> None:
        """All was written at once."""


def _without_answer(failure: Failure) -> Failure:
    """Tell a request that was given up from one that failed: twisted.web fails with both in the same way."""
    problem = failure.value
    if isinstance(problem, ResponseFailed) and any(each.check(CancelledError) for each in problem.reasons):
        raise CancelledError
    return failure


def _status(response: IResponse) -> Deferred[int]:
    """Close the connection: nobody reads what a receiver has to say."""

    def known(failure: Failure) -> None:
        failure.trap(CancelledError)

    closed: Deferred[None] = Deferred()
    response.deliverBody(_Unread(lambda: None if closed.called else closed.callback(None)))
    status = int(response.code)
    return closed.addErrback(known).addCallback(lambda _: status)


class _Unread(TwistedProtocol):
    def __init__(self, closed: Callable[[], None]) -> None:
        self._closed = closed

    def connectionMade(self) -> None:
        cast("IPushProducer", self.transport).stopProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002  # the transport gives it
        self._closed()
