"""Bodies on their way here: handed on, told to wait, given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IResponse

from twisted_pypi.upstream.patience import Patience

Take = Callable[[bytes], None]

_LARGEST_WASTE = 65_536


class TooMuch(Exception):
    """More bytes than are wanted."""


class Reception(Protocol):
    """Receives one body, and is the ``Flow`` of it."""

    def __init__(self, patience: Patience) -> None:
        """Be told by ``patience`` when nothing comes."""
        self.done: Deferred[bool] = Deferred(lambda _: self._stop())
        """Fires at the end: did the answer say where that is?  Cancelling it closes the connection."""
        self.refused: Exception | None = None
        """What the taker raised."""
        self._patience = patience
        self._take: Take = _drop
        self._why: Failure | None = None
        self._paused = False
        self._over = False

    def deliver(self, response: IResponse, take: Take) -> Deferred[bool]:
        """Have the body of a response; what ``take`` raises ends it.  Returns ``done``."""
        self._take = take
        self._patience.give_up = self.abandon
        self._patience.receiving()
        response.deliverBody(self)
        if self._paused and not self._over:
            # Delivering begins by resuming the transport, whatever was said before.
            self._hold()
        return self.done

    def dataReceived(self, data: bytes) -> None:
        """Hand it on."""
        if self._over:
            return
        self._patience.received()
        try:
            self._take(data)
        except Exception as error:  # noqa: BLE001 - whatever the taker raises is told to who waits for the end
            self.refused = error
            self._end(Failure())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell who waits: with ``ResponseDone`` all of it came, with ``PotentialDataLoss`` perhaps."""
        self._over = True
        self._patience.stop()
        if self.done.called:
            return
        if self._why is not None:
            self.done.errback(self._why)
        elif reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(reason.check(ResponseDone) is not None)
        else:
            self.done.errback(reason)

    def pause(self) -> None:
        """Send no more for now."""
        if not self._paused:
            self._paused = True
            if self.transport is not None and not self._over:
                self._hold()

    def resume(self) -> None:
        """Go on."""
        if self._paused:
            self._paused = False
            if self.transport is not None and not self._over:
                self._patience.receiving()
                self._producer().resumeProducing()

    def abandon(self) -> None:
        """Want no more of it: the connection is closed, and ``done`` fails."""
        self._end(Failure(ConnectionAborted()))

    def _hold(self) -> None:
        self._patience.stop()
        self._producer().pauseProducing()

    def _end(self, reason: Failure) -> None:
        # Who waits is told when the connection is closed: until then it counts as one to its host.
        if not self._over:
            self._why = reason
            self._stop()

    def _stop(self) -> None:
        self._over = True
        self._patience.stop()
        if self.transport is not None:
            self._producer().stopProducing()

    def _producer(self) -> IPushProducer:
        return cast("IPushProducer", self.transport)


class Waste:
    """Takes a body that nobody wants, so that its connection can be used again, unless it is long."""

    def __init__(self) -> None:
        self._left = _LARGEST_WASTE

    def take(self, data: bytes) -> None:
        """Forget it.  Raises ``TooMuch``."""
        self._left -= len(data)
        if self._left < 0:
            raise TooMuch


def _drop(_data: bytes) -> None:
    """Nothing was asked for."""
