"""The whole server, assembled as the program does it, on real files and without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from twisted.application.service import IService
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock, deferLater

from tests.conformance.answers import Answer, read_answer
from twisted_pypi.serving.server import Server
from twisted_pypi.tap import Options, makeService
from twisted_pypi.testing.wire import Wire
from twisted_pypi.web.site import IndexSite

PATIENCE = 20.0
"""Seconds after which an answer that did not come counts as none."""


class ReactorWithoutSockets:
    """The real reactor's threads, a clock of its own, and ports that nobody can reach."""

    def __init__(self) -> None:
        self._real: Any = reactor
        self._clock = Clock()
        self.factories: list[IndexSite] = []
        """What was to be served, in the order of its listening."""
        self.turn()

    def __getattr__(self, name: str) -> Any:
        """Whatever is not here is the real reactor's."""
        return getattr(self._real, name)

    def seconds(self) -> float:
        """The time of the clock."""
        return self._clock.seconds()

    def callLater(self, delay: float, call: Callable[..., object], *args: object, **kwargs: object) -> IDelayedCall:
        """Call when the clock has gone on by ``delay`` seconds."""
        return self._clock.callLater(delay, call, *args, **kwargs)

    def listenTCP(self, _port: int, factory: IndexSite, *_more: object, **_options: object) -> object:
        """Note what is to be served."""
        self.factories.append(factory)
        return _NoPort()

    def turn(self) -> None:
        """Let the clock catch up with the time."""
        self._clock.advance(max(0.0, self._real.seconds() - self._clock.seconds()))

    def pass_over(self, seconds: float) -> None:
        """Let so much time go by at once."""
        self._clock.advance(seconds)


class _NoPort:
    def stopListening(self) -> None:
        """Stop what never began."""


class InMemory:
    """A server that is asked by bytes."""

    def __init__(self, without_sockets: ReactorWithoutSockets, root: Path) -> None:
        self.reactor = without_sockets
        self.root = root

    @property
    def site(self) -> IndexSite:
        """What it serves."""
        return self.reactor.factories[0]

    async def ask(self, request: bytes, method: str) -> Answer:
        """Send one request on a connection of its own, and return the whole answer."""
        return await self.ask_in_pieces([request], method)

    async def ask_in_pieces(self, pieces: Sequence[bytes], method: str) -> Answer:
        """Send one request in pieces, and let the server go on after each."""
        wire = Wire(self.site)
        try:
            data = wire.send(pieces[0])
            for piece in pieces[1:]:
                await self.turn()
                data += wire.send(piece)
            end = self.reactor.seconds() + PATIENCE
            while (answer := read_answer(data, method)) is None:
                assert self.reactor.seconds() < end, f"no whole answer to {pieces[0][:400]!r}, only {data[:400]!r}"
                await self.turn()
                data += wire.received()
            return answer
        finally:
            wire.hang_up()

    async def turn(self) -> None:
        """Let threads and timers go on."""
        await deferLater(cast("Any", reactor), 0.0005, lambda: None)
        self.reactor.turn()


@asynccontextmanager
async def assembled(root: Path, *options: str) -> AsyncIterator[InMemory]:
    """Return the server of these options, until the block ends."""
    wanted = Options(environ={"XDG_CACHE_HOME": str(root.parent / "cache")})
    wanted.parseOptions(["--root", str(root), "--access-log", "off", *options])
    here = ReactorWithoutSockets()
    server = cast("Server", makeService(wanted, here))
    server.privilegedStartService()
    # Not the server itself: it would change what this process does at a signal.
    services = [cast("IService", each) for each in server]
    for log in server.log_files:
        log.open()
    for each in services:
        each.startService()
    memory = InMemory(here, root)
    try:
        yield memory
    finally:
        for each in reversed(services):
            stopped = maybeDeferred(each.stopService)
            while not stopped.called:
                await memory.turn()
            await stopped
        for log in server.log_files:
            log.close()
