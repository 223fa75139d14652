"""Answers that go straight to the socket, and what it does not take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.web.test_simple import World
from twisted_pypi.testing.wire import Wire, status
from twisted_pypi.web.straight_sending import AT_ONCE, MOST_WAITING

VARIED = b"GET /simple/foo/ HTTP/1.1\r\nHost: x\r\nX-Request-Id: %d\r\n\r\n"
HEAD, BODY = b"head" * 5, b"body" * 10


class Socket:
    """Takes so many bytes at a time; ``None``: it is full."""

    def __init__(self, most: int | None) -> None:
        self.data = b""
        self._most = most

    def sendmsg(self, pieces: Sequence[bytes]) -> int:
        return self.send(b"".join(pieces))

    def send(self, data: bytes) -> int:
        if self._most is None:
            raise BlockingIOError
        taken = data[: self._most]
        self.data += taken
        return len(taken)


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire(World().site)
    yield wire
    wire.hang_up()


@pytest.mark.parametrize("most", [None, 0, 3, len(HEAD), len(HEAD) + 3, 1000])
@pytest.mark.parametrize("pieces", [(HEAD, BODY), (HEAD + BODY, b""), (HEAD,)])
def test_what_the_socket_does_not_take_waits_in_the_transport(
    wire: Wire, most: int | None, pieces: tuple[bytes, ...]
) -> None:
    channel: Any = wire.channel
    channel._socket = taking = Socket(most)  # noqa: SLF001  # a transport without a socket has none
    channel.send_whole(*pieces)
    assert len(taking.data) == min(most or 0, len(b"".join(pieces)))
    assert taking.data + wire.received() == b"".join(pieces)


def test_nothing_overtakes_what_waits_in_the_transport(wire: Wire) -> None:
    channel: Any = wire.channel
    channel._socket = taking = Socket(1000)  # noqa: SLF001  # as above
    channel.transport.dataBuffer = b"before"
    channel.send_whole(HEAD, BODY)
    assert (taking.data, wire.received()) == (b"", HEAD + BODY)


class Together:
    """Connections of one site, each with a socket."""

    def __init__(self) -> None:
        self.world = World()
        self.world.put("foo-1.0.tar.gz")
        self.wires = [self.world.wire() for _ in range(MOST_WAITING + 3)]
        self.sockets = [Socket(10_000) for _ in self.wires]
        for wire, taking in zip(self.wires, self.sockets, strict=True):
            channel: Any = wire.channel
            channel._socket = taking  # noqa: SLF001  # as above
        # Several at once, after which answers wait for each other.
        for wire in self.wires[:3]:
            wire.channel.dataReceived(VARIED % 0)
        self.world.clock.advance(0)
        for taking in self.sockets:
            taking.data = b""

    @property
    def answered(self) -> list[bool]:
        return [taking.data.startswith(b"HTTP/1.1 200") for taking in self.sockets]

    def hang_up(self) -> None:
        for wire in self.wires:
            wire.hang_up()
        self.world.access_log.flush()


@pytest.fixture
def together() -> Iterator[Together]:
    together = Together()
    yield together
    together.hang_up()


def test_answers_of_one_turn_are_sent_together_at_its_end(together: Together) -> None:
    for wire in together.wires[:3]:
        wire.channel.dataReceived(VARIED % id(wire))
    assert not any(together.answered)
    together.world.clock.advance(0)
    assert sum(together.answered) == 3


def test_an_answer_alone_is_sent_at_once(together: Together) -> None:
    together.world.clock.advance(1)
    together.wires[0].channel.dataReceived(VARIED % 1)
    together.world.clock.advance(0)  # the first that waits in vain ends the waiting
    for number in (1, 2):
        together.world.clock.advance(2 * AT_ONCE)
        together.wires[number].channel.dataReceived(VARIED % number)
        assert together.answered[number]


def test_many_answers_do_not_wait_for_each_other(together: Together) -> None:
    for wire in together.wires:
        wire.channel.dataReceived(VARIED % id(wire))
    assert sum(together.answered) == MOST_WAITING
    together.world.clock.advance(0)
    assert all(together.answered)


def test_what_follows_an_answer_that_waits_is_behind_it(together: Together) -> None:
    wire, taking = together.wires[0], together.sockets[0]
    wire.channel.dataReceived(VARIED % 1)
    wire.channel.dataReceived(b"GET /simple/nothing/ HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status(taking.data) == 200
    assert status(wire.received()) == 404
    together.world.clock.advance(0)
    assert wire.received() == b""


@pytest.mark.parametrize("pipelined", [2, 3])
def test_pipelined_requests_are_answered_in_their_order(together: Together, pipelined: int) -> None:
    wire, taking = together.wires[0], together.sockets[0]
    wire.channel.dataReceived(b"".join(VARIED % number for number in range(pipelined)))
    together.world.clock.advance(0)
    assert (taking.data + wire.received()).count(b"HTTP/1.1 200") == pipelined


def test_an_answer_that_waits_is_sent_before_its_connection_is_closed(together: Together) -> None:
    wire, taking = together.wires[0], together.sockets[0]
    wire.channel.dataReceived(VARIED % 1)
    together.world.site.close_idle()
    assert status(taking.data) == 200
    assert wire.transport.closed


def test_an_answer_whose_client_is_gone_is_forgotten(together: Together) -> None:
    taking = together.sockets.pop()
    wire = together.wires.pop()
    wire.channel.dataReceived(VARIED % 1)
    wire.hang_up()
    together.world.clock.advance(0)
    assert (taking.data, wire.received()) == (b"", b"")
