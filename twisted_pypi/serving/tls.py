"""TLS on a port of our own."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import (
    IListeningPort,
    IOpenSSLContextFactory,
    IOpenSSLServerConnectionCreator,
    IReactorTime,
)
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory

SomeCertificate = IOpenSSLServerConnectionCreator | IOpenSSLContextFactory
"""What makes the TLS half of a connection, or the context of it."""

_HANDSHAKE = b"\x16"
"""The first byte of every connection of TLS (RFC 8446 section 5.1)."""

_SENTENCE = b"this port speaks HTTPS, and the request came in plain HTTP; ask for the same address with https://\n"

_PLAIN = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"
    b"Connection: close\r\n\r\n%s" % (len(_SENTENCE), _SENTENCE)
)


class TLSConnection(BufferingTLSTransport):
    """One connection.

    It is closed when everything is sent.  Its base would wait for the client
    to agree, which a client that keeps it for later never does.
    """

    _began = False

    def dataReceived(self, data: bytes) -> None:
        """Bytes came: decrypt them, unless they are plain HTTP, to which the answer is a sentence in plain HTTP."""
        if not self._began:
            self._began = True
            if data[:1] != _HANDSHAKE and data[:1].isalpha():
                lower: Any = self.transport
                lower.write(_PLAIN)
                lower.loseConnection()
                return
        super().dataReceived(data)

    def _shutdownTLS(self) -> None:
        super()._shutdownTLS()
        lower: Any = self.transport
        # RFC 8446 section 6.1: whoever has said its goodbye need not wait for the other's.
        if lower is not None:
            lower.loseConnection()


class TLSFactory(TLSMemoryBIOFactory):
    """A protocol factory with TLS around the connections of another one."""

    protocol = TLSConnection

    def __init__(self, certificate: SomeCertificate, factory: Any, clock: IReactorTime) -> None:
        """Show ``certificate`` to clients."""
        super().__init__(certificate, isClient=False, wrappedFactory=factory, clock=clock)


class ListensByTLS:
    """A reactor whose endpoints for TLS make our connections."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def __getattr__(self, name: str) -> Any:
        """Everything else is the reactor's."""
        return getattr(self._reactor, name)

    def listenSSL(
        self, port: int, factory: Any, contextFactory: SomeCertificate, backlog: int = 50, interface: str = ""
    ) -> IListeningPort:
        """Listen for TLS, on TCP."""
        made: IListeningPort = self._reactor.listenTCP(
            port, TLSFactory(contextFactory, factory, self._reactor), backlog, interface
        )
        return made
