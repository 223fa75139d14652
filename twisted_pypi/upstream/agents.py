"""Connections to other indexes: kept open, few to a host, through proxies where there are any."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, cast

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.web.client import (
    URI,
    Agent,
    HTTPConnectionPool,
    ProxyAgent,
    _HTTP11ClientFactory,  # there is no other way to keep its lines out of the log
)
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer

from twisted_pypi.upstream.addresses import Address, Origin
from twisted_pypi.upstream.large_reads import LargeReads
from twisted_pypi.upstream.patience import Patience, Watched
from twisted_pypi.upstream.places import Places
from twisted_pypi.upstream.proxies import Proxies, Proxy
from twisted_pypi.upstream.trust import Trust
from twisted_pypi.upstream.tunnels import Tunnel

PER_HOST = 8
"""Connections to one host at a time; who comes later waits, first come first served."""
FOR_PAGES = 2
"""How many of them are never taken by files, however many large or slow ones are on their way."""
_IDLE = 60
"""How long a connection is kept that nobody uses, seconds."""
_CLOSING = 2
"""How long an upstream has to close its side, seconds."""
_FOREVER = 3600.0
"""A limit that is never reached: ``Patience`` watches over connecting."""


class _QuietFactory(_HTTP11ClientFactory):
    noisy = False


class _QuietPool(HTTPConnectionPool):
    """A pool that does not write a line of the log for each connection."""

    _factory = _QuietFactory


class Agents:
    """Sends requests, each over a connection that is kept afterwards where that is wanted."""

    def __init__(
        self, reactor: Any, proxies: Proxies, trust: Trust, per_host: int = PER_HOST, *, keeps: bool = True
    ) -> None:
        """Open sockets with ``reactor``; without ``keeps``, each request has a connection of its own."""
        self._reactor = reactor
        self._proxies = proxies
        self._trust = trust
        self._pool = _QuietPool(reactor, keeps)
        self._pool.maxPersistentPerHost = per_host
        self._pool.cachedConnectionTimeout = _IDLE
        self._places = Places(per_host)
        self._for_files = Places(per_host - FOR_PAGES)
        self._closed = False

    @asynccontextmanager
    async def place(self, address: Address, *, for_page: bool) -> AsyncIterator[None]:
        """One of the places for connections to a host and port, until the block ends."""
        try:
            async with AsyncExitStack() as taken:
                if not for_page:
                    await taken.enter_async_context(self._for_files.one(address))
                await taken.enter_async_context(self._places.one(address))
                yield
        finally:
            if self._closed:
                self._pool.closeCachedConnections()

    def request(
        self,
        address: Address,
        headers: Headers,
        patience: Patience,
        method: bytes = b"GET",
        body: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        """Send a request; ``patience`` hears of the connection.  To be called with a place taken, where it is kept."""
        patience.answering()
        uri = str(address).encode()
        proxy = self._proxies.for_address(address)
        if proxy is None or address.scheme == "https":
            agent = Agent.usingEndpointFactory(self._reactor, _Ways(self, proxy, patience), self._pool)
            return cast("Deferred[IResponse]", agent.request(method, uri, headers, body))
        if proxy.login is not None:
            headers = headers.copy()
            headers.setRawHeaders("Proxy-Authorization", [proxy.login.header()])
        way = _ToProxy(proxy.origin, Watched(self.endpoint(proxy.origin), patience))
        through = ProxyAgent(way, self._reactor, self._pool)
        return cast("Deferred[IResponse]", through.request(method, uri, headers, body))

    def endpoint(self, origin: Origin, proxy: Proxy | None = None) -> IStreamClientEndpoint:
        """The way to a scheme, host and port, TLS included; through a proxy by CONNECT."""
        way: IStreamClientEndpoint
        if proxy is None:
            way = LargeReads(HostnameEndpoint(self._reactor, origin.host, origin.port, timeout=_FOREVER))
        else:
            way = Tunnel(self.endpoint(proxy.origin), origin.host, origin.port, proxy.login)
        return way if origin.scheme == "http" else wrapClientTLS(self._trust.creator(origin.host), way)

    async def close(self) -> None:
        """Close the connections that nobody uses; those in use are closed when they are done."""
        self._closed = True
        closing = self._pool.closeCachedConnections().addTimeout(_CLOSING, self._reactor)
        with suppress(defer.TimeoutError):
            await closing


@implementer(IAgentEndpointFactory)
class _Ways:
    """How one request gets to its host."""

    def __init__(self, agents: Agents, proxy: Proxy | None, patience: Patience) -> None:
        self._agents = agents
        self._proxy = proxy
        self._patience = patience

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        origin = Origin(uri.scheme.decode(), uri.host.decode(), uri.port)
        return Watched(self._agents.endpoint(origin, self._proxy), self._patience)


@implementer(IStreamClientEndpoint)
class _ToProxy:
    """The way to a proxy.  The pool keeps connections by it, so it equals all others to the same proxy."""

    def __init__(self, origin: Origin, way: IStreamClientEndpoint) -> None:
        self._origin = origin
        self._way = way

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        return self._way.connect(protocolFactory)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ToProxy) and other._origin == self._origin

    def __hash__(self) -> int:
        return hash(self._origin)
