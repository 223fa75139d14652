"""A connection to a site, byte by byte, without a socket."""

from __future__ import annotations

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from twisted_pypi.web.channel import IndexChannel
from twisted_pypi.web.site import IndexSite


class Transport(StringTransport):
    """Remembers what is asked of it."""

    closed = False
    aborted = False

    def loseConnection(self) -> None:
        """Note that the server closes in order."""
        super().loseConnection()
        self.closed = True

    def abortConnection(self) -> None:
        """Note that the server closes at once."""
        super().abortConnection()
        self.closed = self.aborted = True

    def setTcpNoDelay(self, _on: object) -> None:
        """Do nothing: there is no socket."""


class Wire:
    """One client's connection."""

    def __init__(self, site: IndexSite) -> None:
        self.transport = Transport()
        self.channel: IndexChannel = site.buildProtocol(None)
        self.channel.makeConnection(self.transport)

    def send(self, data: bytes) -> bytes:
        """Send bytes, and return what came back since the last time."""
        self.channel.dataReceived(data)
        return self.received()

    def received(self) -> bytes:
        """Return what came since the last time."""
        data: bytes = self.transport.value()
        self.transport.clear()
        return data

    def hang_up(self) -> None:
        """Go away, as a client does."""
        self.channel.connectionLost(Failure(ConnectionDone()))


def status(answer: bytes) -> int:
    """The status of an answer."""
    return int(answer.split(b" ", 2)[1])


def head(answer: bytes) -> dict[bytes, bytes]:
    """The headers of an answer, names in lower case."""
    lines = answer.split(b"\r\n\r\n", 1)[0].split(b"\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(b": ") for line in lines)}


def body(answer: bytes) -> bytes:
    """The body of an answer."""
    return answer.split(b"\r\n\r\n", 1)[1]


class ClockWithDate(Clock):
    """A clock that starts at a moment with a date."""

    def __init__(self) -> None:
        super().__init__()
        self.rightNow = 1_700_000_000.0
