"""Upstreams, proxies and certificates on loopback, and who fetches from them."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL, crypto
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IReactorTime
from twisted.internet.task import Clock, deferLater
from zope.interface import implementer

from twisted_pypi.boundaries import Flow
from twisted_pypi.testing.scripted_upstream import ScriptedUpstream
from twisted_pypi.upstream.agents import Agents
from twisted_pypi.upstream.fetching import Fetcher
from twisted_pypi.upstream.logins import Logins
from twisted_pypi.upstream.patience import Limits
from twisted_pypi.upstream.proxies import proxies_of
from twisted_pypi.upstream.trust import Trust


class Certificate:
    """A certificate that its own key signed."""

    def __init__(self, *names: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        now = dt.datetime.now(dt.UTC)
        found = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
            .sign(key, hashes.SHA256())
        )
        self.pem = found.public_bytes(serialization.Encoding.PEM)
        self._found = found
        self._key = key

    def authority(self) -> crypto.X509:
        return crypto.load_certificate(crypto.FILETYPE_PEM, self.pem)

    def server(self, newest: int | None = None) -> TLSServer:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.use_certificate(self._found)
        context.use_privatekey(self._key)
        if newest is not None:
            context.set_min_proto_version(newest)
            context.set_max_proto_version(newest)
            # Else OpenSSL refuses the old versions on this side already.
            context.set_cipher_list(b"ALL:@SECLEVEL=0")
        return TLSServer(context)


@implementer(IOpenSSLServerConnectionCreator)
class TLSServer:
    """Makes the server's side of TLS."""

    def __init__(self, context: SSL.Context) -> None:
        self._context = context

    def serverConnectionForTLS(self, _protocol: object) -> SSL.Connection:
        return SSL.Connection(self._context, None)


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@asynccontextmanager
async def running(server: Any, tls: Any = None) -> AsyncIterator[Any]:
    await server.start(tls)
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def an_upstream(certificate: Certificate | None = None) -> AsyncIterator[ScriptedUpstream]:
    async with running(ScriptedUpstream(reactor), certificate and certificate.server()) as upstream:
        yield upstream


@asynccontextmanager
async def a_fetcher(
    clock: IReactorTime | None = None,
    *,
    logins: Logins | None = None,
    limits: Limits | None = None,
    environment: Mapping[str, str] | None = None,
    trusted: Certificate | None = None,
) -> AsyncIterator[Fetcher]:
    trust = Trust(() if trusted is None else (trusted.authority(),))
    agents = Agents(reactor, proxies_of(environment or {}), trust)
    # The second try comes at once: half a second of waiting times no.
    fetcher = Fetcher(agents, clock or reactor, lambda: 0.0, logins, limits)
    try:
        yield fetcher
    finally:
        await fetcher.close()
        # A connection that was given up because of what it sent is closed in the reactor's next turn.
        await turns(1)


class Collector:
    """A sink in memory."""

    def __init__(self, pause_at: int | None = None, refuse_at: int | None = None) -> None:
        self.data = b""
        self.lengths: list[int | None] = []
        self.flow: Flow | None = None
        self.first: Deferred[None] = Deferred()
        self._pause_at = pause_at
        self._refuse_at = refuse_at

    def begun(self, flow: Flow, length: int | None) -> None:
        self.flow = flow
        self.lengths.append(length)

    def received(self, data: bytes) -> None:
        self.data += data
        if not self.first.called:
            self.first.callback(None)
        if self._refuse_at is not None and len(self.data) >= self._refuse_at:
            raise MemoryError("no more room")
        if self._pause_at is not None and len(self.data) >= self._pause_at and self.flow is not None:
            self._pause_at = None
            self.flow.pause()


async def turns(number: int = 20) -> None:
    """Let the reactor look at its sockets a few times."""
    for _ in range(number):
        await deferLater(reactor, 0.002)


async def until(true: Any) -> None:
    """Wait until something holds, for as long as a test may take."""
    for _ in range(2500):
        if true():
            return
        await deferLater(reactor, 0.002)
    raise AssertionError("it never came")


async def over(clock: Clock, seconds: float) -> None:
    """Let time pass, and sockets be looked at."""
    await turns()
    clock.advance(seconds)
    await turns()
