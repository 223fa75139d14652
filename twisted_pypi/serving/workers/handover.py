"""What the keeper hands to a worker, through a pipe: nothing of it is on a command line."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twisted_pypi.config import Config
from twisted_pypi.serving.endpoints import Speaks

if TYPE_CHECKING:
    from twisted_pypi.serving.certificates import Pem

_LENGTH = 8

MEMORY = 3
"""The descriptor of the shared memory in a worker; those of the sockets follow."""


@dataclass(frozen=True, slots=True)
class Socket:
    """A listening socket that a worker inherits."""

    descriptor: int
    """Its number in the worker."""
    family: int
    """Its address family, as ``socket`` numbers them."""
    endpoint: str | None
    """The Twisted endpoint string that opened it; ``None`` for a port by its number."""
    speaks: Speaks


@dataclass(frozen=True, slots=True)
class Handover:
    """Everything that a worker has to know."""

    config: Config
    number: int
    """Which of the processes it is; the keeper is number 0."""
    catalog: str
    """The file of the catalog."""
    sockets: tuple[Socket, ...]
    reactor: str
    """The module of the reactor that the keeper runs."""
    logs_access: bool
    """Do lines of the access log go to the log?"""
    pem: Pem | None = None
    """The certificate, which only root may be able to read; ``None``: without TLS."""


def pack(handover: Handover) -> bytes:
    """Return what is written to the pipe."""
    body = pickle.dumps(handover)
    return len(body).to_bytes(_LENGTH, "big") + body


def receive(descriptor: int) -> Handover:
    """Read it from the pipe; blocking.  Raises ``EOFError`` when the keeper is gone."""
    length = int.from_bytes(_exactly(descriptor, _LENGTH), "big")
    # It comes from the process that started this one, and from nobody else.
    handover = pickle.loads(_exactly(descriptor, length))  # noqa: S301  # as above
    if not isinstance(handover, Handover):
        raise TypeError("a worker is started by its server, and not by hand")
    return handover


def _exactly(descriptor: int, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = os.read(descriptor, count - len(data))
        if not more:
            raise EOFError
        data += more
    return data
