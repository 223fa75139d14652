"""A server with a page that takes its time, for tests of the process around it.

Run as a script it serves like ``pypi-server``; as a ``twistd -y`` file, like ``twistd pypi``.
"""

import os
import sys
from typing import Any, cast

from twisted.application.service import Application
from twisted.internet import reactor
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_pypi.command.foreground import serve
from twisted_pypi.options import Options
from twisted_pypi.serving.server import Server

BODY = b"x" * 1_000_000


class Page(Protocol):
    """Answers ``slow`` after a second, ``never`` never, and all else at once."""

    factory: "Pages"
    busy = False

    def connectionMade(self) -> None:
        self.factory.open.add(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002  # as in the base
        self.factory.open.discard(self)

    def dataReceived(self, data: bytes) -> None:
        self.busy = True
        Logger("page").info("A request is there")
        if b"never" not in data:
            reactor.callLater(1 if b"slow" in data else 0, self.answer)

    def answer(self) -> None:
        self.busy = False
        assert self.transport is not None
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)


class Pages(Factory):
    def __init__(self) -> None:
        self.protocol = cast("Any", Page)
        self.open: set[Page] = set()

    @property
    def open_requests(self) -> int:
        return sum(page.busy for page in self.open)

    @property
    def open_connections(self) -> int:
        return len(self.open)

    def close_idle(self) -> None:
        for page in self.open:
            if not page.busy and page.transport is not None:
                page.transport.loseConnection()

    def abort(self) -> None:
        for page in self.open:
            assert ITCPTransport.providedBy(page.transport)
            page.transport.abortConnection()


def make_service(options: Options) -> Server:
    return Server(options.config, Pages(), reactor=reactor)


def options_of(argv: list[str]) -> Options:
    options = Options({})
    options.parseOptions(argv)
    return options


if __name__ == "__main__":
    serve(options_of(sys.argv[1:]).config, make_service, reactor)
elif "SUBJECT_ARGV" in os.environ:
    application = Application("subject")
    make_service(options_of(os.environ["SUBJECT_ARGV"].split())).setServiceParent(application)
