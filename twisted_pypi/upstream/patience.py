"""How long a request may take: to connect, until the first byte, and between two bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from zope.interface import implementer


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds."""

    connect: float = 10.0
    """Until there is a connection, the way through a proxy included."""
    first_byte: float = 30.0
    """From there until the head of the answer; TLS is agreed upon within it."""
    stall: float = 30.0
    """Without a byte of a body that nobody told to wait."""


class Patience:
    """The limit that holds for a request now."""

    def __init__(self, clock: IReactorTime, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        self.give_up: Callable[[], None] = _nothing
        """Called once, when a limit is over."""
        self._timer: IDelayedCall | None = None
        self._seconds = 0.0
        self.over: str | None = None
        """What took too long, as the rest of a sentence about the upstream."""

    def connecting(self) -> None:
        """A connection is being made."""
        self._begin(self._limits.connect, "did not accept a connection")

    def answering(self) -> None:
        """The request was sent, or will be at once."""
        self._begin(self._limits.first_byte, "did not answer")

    def receiving(self) -> None:
        """The body is on its way."""
        self._begin(self._limits.stall, "sent nothing more")

    def received(self) -> None:
        """Some of the body came: its limit begins anew."""
        if self._timer is not None:
            self._timer.reset(self._seconds)

    def stop(self) -> None:
        """Nothing is waited for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin(self, seconds: float, what: str) -> None:
        self.stop()
        self._seconds = seconds
        self._timer = self._clock.callLater(seconds, self._end, f"{what} within {seconds:g} seconds")

    def _end(self, sentence: str) -> None:
        self._timer = None
        self.over = sentence
        self.give_up()


@implementer(IStreamClientEndpoint)
class Watched:
    """An endpoint that tells a ``Patience`` when it connects, and when it has."""

    def __init__(self, endpoint: IStreamClientEndpoint, patience: Patience) -> None:
        self._endpoint = endpoint
        self._patience = patience

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect."""
        self._patience.connecting()
        return self._endpoint.connect(protocolFactory).addCallback(self._connected)

    def _connected(self, protocol: IProtocol) -> IProtocol:
        self._patience.answering()
        return protocol


def _nothing() -> None:
    """Nothing was begun."""
