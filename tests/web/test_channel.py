"""Answers that go straight to the socket, and what it does not take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.web.test_simple import World
from twisted_pypi.testing.wire import Wire

HEAD, BODY = b"head" * 5, b"body" * 10


class Socket:
    """Takes so many bytes, once; ``None``: it is full."""

    def __init__(self, most: int | None) -> None:
        self.data = b""
        self._most = most

    def sendmsg(self, pieces: Sequence[bytes]) -> int:
        return self.send(b"".join(pieces))

    def send(self, data: bytes) -> int:
        if self._most is None:
            raise BlockingIOError
        self.data = data[: self._most]
        return len(self.data)


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
