"""An HTTP proxy on loopback, which leads every host name to loopback too."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, cast
from urllib.parse import urlsplit

from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, wrapServerTLS
from twisted.internet.interfaces import IAddress, IListeningPort, IOpenSSLServerConnectionCreator, ITCPTransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from twisted_pypi.testing.connections import CountedConnections


class ScriptedProxy:
    """A proxy that tunnels (CONNECT) and forwards requests in absolute form."""

    def __init__(self, reactor: Any) -> None:
        self.login: tuple[str, str] | None = None
        """The login without which everything is 407."""
        self.status: int | None = None
        """What is answered instead of leading anywhere."""
        self.silent = False
        """Is nothing answered at all?"""
        self.asked: list[str] = []
        """The first line of each request, without its version."""
        self._reactor = reactor
        self._port: IListeningPort | None = None
        self.connections = CountedConnections(_Proxies(self))
        """Connections of clients."""

    async def start(self, tls: IOpenSSLServerConnectionCreator | None = None) -> None:
        """Listen on a port of loopback."""
        endpoint: Any = TCP4ServerEndpoint(self._reactor, 0, interface="127.0.0.1")
        self._port = await (endpoint if tls is None else wrapServerTLS(tls, endpoint)).listen(self.connections)

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
            await self.connections.close()

    @property
    def netloc(self) -> str:
        """Its host and port."""
        return f"127.0.0.1:{cast('Any', self._port).getHost().port}"

    def refusal(self, head: list[str]) -> int | None:
        """The status for a request that is led nowhere."""
        self.asked.append(head[0].rpartition(" ")[0])
        if self.login is not None:
            expected = b64encode(":".join(self.login).encode()).decode()
            if f"Proxy-Authorization: Basic {expected}" not in head:
                return 407
        return self.status

    def lead(self, client: _Client, port: int) -> None:
        """Connect a client to a port of loopback."""
        endpoint = TCP4ClientEndpoint(self._reactor, "127.0.0.1", port)
        endpoint.connect(Factory.forProtocol(lambda: _Server(client))).addErrback(lambda _: client.answer(502))


class _Proxies(Factory):
    noisy = False

    def __init__(self, proxy: ScriptedProxy) -> None:
        self._proxy = proxy

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        del addr
        return _Client(self._proxy)


class _Client(Protocol):
    """The side of the client."""

    def __init__(self, proxy: ScriptedProxy) -> None:
        self._proxy = proxy
        self._received = b""
        self._waiting = b""
        self._tunnel = False
        self._body = False
        self._closed = False
        self._led_to: int | None = None
        self.server: ITCPTransport | None = None

    def dataReceived(self, data: bytes) -> None:
        if self._tunnel and self.server is not None:
            self.server.write(data)
            return
        if self._body:
            self._go_on(data)
            return
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if end and not self._proxy.silent:
            self._received = rest
            self._ask(head.decode().split("\r\n"))

    def _ask(self, head: list[str]) -> None:
        status = self._proxy.refusal(head)
        if status is not None:
            self.answer(status)
            return
        method, target, version = head[0].split(" ")
        self._tunnel = method == "CONNECT"
        parts = urlsplit(f"//{target}" if self._tunnel else target)
        if not self._tunnel:
            kept = [line for line in head[1:] if not line.lower().startswith(("proxy-", "connection:"))]
            self._waiting = "\r\n".join([f"{method} {parts.path} {version}", *kept, "", ""]).encode()
            # What comes after the head of such a request is its body, and all there is on this connection.
            self._body = method == "POST"
            self._waiting += self._received if self._body else b""
        if self.server is None or parts.port != self._led_to:
            self._led_to = parts.port
            self._proxy.lead(self, parts.port or 80)
        else:
            self.led(self.server)

    def _go_on(self, data: bytes) -> None:
        if self.server is None:
            self._waiting += data
        else:
            self.server.write(data)

    def answer(self, status: int) -> None:
        """Answer without leading anywhere."""
        cast("ITCPTransport", self.transport).write(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)

    def led(self, server: ITCPTransport) -> None:
        """The other side is there."""
        if self._closed:
            server.abortConnection()
            return
        self.server = server
        if self._tunnel:
            cast("ITCPTransport", self.transport).write(b"HTTP/1.1 200 Connected\r\nVia: proxy\r\n\r\n")
        else:
            server.write(self._waiting)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        del reason
        self._closed = True
        if self.server is not None:
            self.server.abortConnection()


class _Server(Protocol):
    """The side of the server."""

    def __init__(self, client: _Client) -> None:
        self._client = client

    def connectionMade(self) -> None:
        self._client.led(cast("ITCPTransport", self.transport))

    def dataReceived(self, data: bytes) -> None:
        cast("ITCPTransport", self._client.transport).write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        del reason
        cast("ITCPTransport", self._client.transport).loseConnection()
