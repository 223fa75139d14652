"""Where the server listens."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.python.failure import Failure

from twisted_pypi.config import Config
from twisted_pypi.serving.starting import CannotStart

BACKLOG = 1024
"""Connections that wait to be accepted: one client alone opens a hundred at once."""


class Speaks(Enum):
    """What is spoken with those who connect."""

    PLAIN = auto()
    """HTTP, or whatever the endpoint wraps around it."""
    TLS = auto()
    """HTTP inside TLS, with the certificate of the settings."""
    REDIRECT = auto()
    """HTTP, by which everybody is sent on to the https address."""
    FIGURES = auto()
    """HTTP, by which the figures are shown."""


@dataclass(frozen=True, slots=True)
class Place:
    """An endpoint, and its name in a sentence."""

    endpoint: IStreamServerEndpoint
    name: str
    option: str
    """The option that chooses another."""
    speaks: Speaks = Speaks.PLAIN


def places(config: Config, reactor: object) -> Sequence[Place]:
    """Where the settings say that the server listens.  Opens nothing."""
    speaks = Speaks.PLAIN if config.tls_cert is None else Speaks.TLS
    if config.listen:
        chosen = [
            Place(_endpoint(each, reactor), each, "--listen", Speaks.PLAIN if _is_apart(each) else speaks)
            for each in config.listen
        ]
    else:
        chosen = [_port(config, config.port, reactor, "--port or --interface", speaks)]
    if config.redirect_http is not None:
        chosen.append(_port(config, config.redirect_http, reactor, "--redirect-http", Speaks.REDIRECT))
    if config.metrics_listen is not None:
        figures = config.metrics_listen
        chosen.append(Place(_endpoint(figures, reactor), figures, "--metrics-listen", Speaks.FIGURES))
    return chosen


def _port(config: Config, port: int, reactor: object, option: str, speaks: Speaks) -> Place:
    kind = TCP6ServerEndpoint if ":" in config.interface else TCP4ServerEndpoint
    name = f"Port {port}" + (f" of {config.interface}" if config.interface else "")
    return Place(kind(reactor, port, BACKLOG, config.interface), name, option, speaks)


def _endpoint(text: str, reactor: object) -> IStreamServerEndpoint:
    if text.startswith("ssl:"):
        from twisted_pypi.serving.tls import ListensByTLS  # noqa: PLC0415  # OpenSSL takes a while to import

        reactor = ListensByTLS(reactor)
    made: IStreamServerEndpoint = serverFromString(reactor, text)
    return made


def _is_apart(endpoint: str) -> bool:
    """Has an endpoint string a certificate of its own, or is it for this machine alone?"""
    return endpoint.startswith(("ssl:", "unix:")) or "domain=UNIX" in endpoint


def listen(place: Place, factory: Any) -> IListeningPort:
    """Open one place, now.  Raises ``CannotStart``."""
    opened: list[IListeningPort] = []
    failed: list[Failure] = []
    place.endpoint.listen(factory).addCallbacks(opened.append, failed.append)
    if failed:
        raise CannotStart(_sentence(place, failed[0].value)) from None
    if not opened:
        raise CannotStart(f"{place.name} did not open at once: expected an endpoint that does, with {place.option}.")
    return opened[0]


def take_turns(port: Any) -> None:
    """Accept one connection at a time, where other processes accept from the same socket.

    A port takes all that wait, and adapts to how many those were: the process
    that is fastest when a client opens a hundred would serve them all.
    """
    read = port.doRead

    def read_one() -> None:
        port.numberAccepts = 1
        read()

    port.doRead = read_one


def _sentence(place: Place, error: BaseException | None) -> str:
    cause = error.socketError if isinstance(error, CannotListenError) else error
    number = cause.errno if isinstance(cause, OSError) else None
    if number == errno.EADDRINUSE:
        return f"{place.name} is in use by another program: end that one, or choose another with {place.option}."
    if number in {errno.EACCES, errno.EPERM}:
        return f"{place.name} is not for this user: expected root, or a port above 1023, with {place.option}."
    if number == errno.EADDRNOTAVAIL or isinstance(cause, socket.gaierror):
        return f"{place.name} is no address of this machine: expected one that is, with {place.option}."
    return f"{place.name} cannot be listened on ({cause}): choose another with {place.option}."


def address(place: Place, port: IListeningPort, prefix: str) -> str:
    """The address of an open port as a person writes it."""
    host = port.getHost()
    if isinstance(host, UNIXAddress):
        return f"unix:{host.name.decode(errors='backslashreplace') if host.name else ''}"
    if not isinstance(host, IPv4Address | IPv6Address):
        return str(host)
    name = f"[{host.host}]" if ":" in host.host else host.host
    scheme = "https" if place.name.startswith("ssl:") or place.speaks is Speaks.TLS else "http"
    return f"{scheme}://{name}:{host.port}{'/metrics' if place.speaks is Speaks.FIGURES else f'{prefix}/'}"
