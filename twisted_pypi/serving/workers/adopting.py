"""Listening on sockets that another process opened."""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress
from typing import Any

from twisted.internet import defer, tcp, unix
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_pypi.serving.endpoints import BACKLOG, Place
from twisted_pypi.serving.tls import TLSFactory
from twisted_pypi.serving.workers.handover import Socket

_INHERITED = "systemd:"


class _UnixPort(unix.Port):
    """A Unix socket whose name belongs to another process, which removes it."""

    def connectionLost(self, reason: Failure) -> None:
        """Leave the name where it is."""
        tcp.Port.connectionLost(self, reason)


class _Adopting:
    """A reactor that listens on a socket that is there, whatever an endpoint asks it for."""

    def __init__(self, reactor: Any, inherited: Socket) -> None:
        self._reactor = reactor
        self._inherited = inherited

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def listenTCP(self, _port: int, factory: Any, *_more: Any, **_named: Any) -> IListeningPort:
        return self.adopt(factory)

    def listenSSL(self, _port: int, factory: Any, contextFactory: Any, *_more: Any, **_named: Any) -> IListeningPort:
        return self.adopt(TLSFactory(contextFactory, factory, self._reactor))

    def listenUNIX(self, _address: str, factory: Any, *_more: Any, **_named: Any) -> IListeningPort:
        return self.adopt(factory)

    def adopt(self, factory: Any) -> IListeningPort:
        descriptor, family = self._inherited.descriptor, self._inherited.family
        if family != socket.AF_UNIX:
            adopted: IListeningPort = self._reactor.adoptStreamPort(descriptor, family, factory)
            os.close(descriptor)
            return adopted
        port: Any = _UnixPort._fromListeningDescriptor(self._reactor, descriptor, factory)  # noqa: SLF001  # what adoptStreamPort does
        port.backlog = BACKLOG
        with suppress(OSError):
            port.mode = stat.S_IMODE(os.stat(port._bindPath).st_mode)  # noqa: SLF001, PTH116  # it would be set to the default
        port.startListening()
        os.close(descriptor)
        made: IListeningPort = port
        return made


@implementer(IStreamServerEndpoint)
class _Endpoint:
    def __init__(self, reactor: Any, inherited: Socket) -> None:
        self._reactor = _Adopting(reactor, inherited)
        self._named = inherited.endpoint

    def listen(self, protocolFactory: IProtocolFactory) -> defer.Deferred[IListeningPort]:
        if self._named is None or self._named.startswith(_INHERITED):
            return defer.execute(self._reactor.adopt, protocolFactory)
        endpoint: IStreamServerEndpoint = serverFromString(self._reactor, self._named)
        listening: defer.Deferred[IListeningPort] = endpoint.listen(protocolFactory)
        return listening


def adopted(reactor: Any, inherited: Socket) -> Place:
    """A place that is open already."""
    return Place(_Endpoint(reactor, inherited), inherited.endpoint or "A port", "--listen", inherited.speaks)
