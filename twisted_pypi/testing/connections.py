"""The connections of a server that a test started."""

from __future__ import annotations

from typing import cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure


class _Connection(ProtocolWrapper):
    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        cast("CountedConnections", self.factory).lost()


class CountedConnections(WrappingFactory[ProtocolWrapper]):
    """A factory around another, which counts connections."""

    noisy = False
    protocol = _Connection

    def __init__(self, factory: IProtocolFactory) -> None:
        super().__init__(factory)
        self.made = 0
        """How many there were."""
        self.most = 0
        """How many there were at a time, at most."""
        self._closed: Deferred[None] | None = None

    @property
    def open(self) -> int:
        """How many there are."""
        return len(self.protocols)

    def registerProtocol(self, p: ProtocolWrapper) -> None:
        """Count one more."""
        super().registerProtocol(p)
        self.made += 1
        self.most = max(self.most, self.open)

    def lost(self) -> None:
        """One was lost, and its protocol knows."""
        if self._closed is not None and not self.protocols:
            closed, self._closed = self._closed, None
            closed.callback(None)

    def close(self) -> Deferred[None]:
        """Close all; fires when they are closed."""
        if not self.protocols:
            return succeed(None)
        closed: Deferred[None] = Deferred()
        self._closed = closed
        for each in list(self.protocols):
            each.abortConnection()
        return closed
