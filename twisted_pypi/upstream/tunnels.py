"""A way through an HTTP proxy to a host and port (CONNECT, RFC 9110 section 9.3.6)."""

from __future__ import annotations

import re
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint, ITCPTransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_pypi.upstream.logins import Login

_STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] ([1-9][0-9]{2})(?: |\r?\n)")
_LARGEST_HEAD = 16_384


class TunnelRefused(Exception):
    """The proxy did not open the tunnel."""

    def __init__(self, status: int | None) -> None:
        super().__init__(f"the proxy answered {status or 'what is no HTTP'}")
        self.status = status
        """What it answered; ``None``: nothing that can be read."""


@implementer(IStreamClientEndpoint)
class Tunnel:
    """An endpoint behind a proxy.  What is connected to it may begin TLS with the host at once."""

    def __init__(self, proxy: IStreamClientEndpoint, host: str, port: int, login: Login | None) -> None:
        """Reach ``host`` and ``port`` through ``proxy``, with a login for the proxy."""
        self._proxy = proxy
        name = f"[{host}]" if ":" in host else host
        lines = [f"CONNECT {name}:{port} HTTP/1.1", f"Host: {name}:{port}"]
        if login is not None:
            lines.append(f"Proxy-Authorization: {login.header()}")
        self._head = "\r\n".join([*lines, "", ""]).encode()

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect.  Fails with ``TunnelRefused`` when the proxy will not."""
        connected = self._proxy.connect(Factory.forProtocol(lambda: _Through(self._head, protocolFactory)))
        return connected.addCallback(_opened)


def _opened(through: object) -> Deferred[IProtocol]:
    if not isinstance(through, _Through):
        raise TypeError("an endpoint connects the protocol that it was given")
    return through.opened


class _Through(Protocol):
    """Asks the proxy, then hands everything on to the protocol that wanted to be connected."""

    def __init__(self, head: bytes, factory: IProtocolFactory) -> None:
        self.opened: Deferred[IProtocol] = Deferred(lambda _: self._abort())
        self._question = head
        self._factory = factory
        self._received = b""
        self._inner: IProtocol | None = None

    def connectionMade(self) -> None:
        self._wire().write(self._question)

    def dataReceived(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.dataReceived(data)
            return
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if end:
            self._answered(head + end, rest)
        elif len(self._received) > _LARGEST_HEAD:
            self._refused(None)

    def _answered(self, head: bytes, rest: bytes) -> None:
        match = _STATUS_LINE.match(head)
        status = None if match is None else int(match[1])
        if status is not None and status < 200:
            self._received = b""
            self.dataReceived(rest)
        elif status is None or status >= 300:
            self._refused(status)
        else:
            self._open(rest)

    def _open(self, rest: bytes) -> None:
        self._received = b""
        inner = self._factory.buildProtocol(self._wire().getPeer())
        if inner is None:
            self._refused(None)
            return
        self._inner = inner
        inner.makeConnection(self._wire())
        self.opened.callback(inner)
        if rest:
            inner.dataReceived(rest)

    def _wire(self) -> ITCPTransport:
        # TLS over TCP has the same methods, though it does not say so.
        return cast("ITCPTransport", self.transport)

    def _refused(self, status: int | None) -> None:
        if not self.opened.called:
            self.opened.errback(TunnelRefused(status))
        self._abort()

    def _abort(self) -> None:
        self._wire().abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._inner is not None:
            self._inner.connectionLost(reason)
        elif not self.opened.called:
            self.opened.errback(reason)
