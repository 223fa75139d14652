"""Waiting for what only the kernel still has."""

import os
import socket
from collections.abc import Iterator

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from twisted_pypi.serving.last_bytes import TICK, all_sent, tables, unsent

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = "   0: {local} 0100007F:C350 {state} {queue:08X}:00000000 00:00000000 00000000  0  0 1 1 0 20 4 30 10 -1\n"
FOUR, SIX = "00000000:0050", "00000000000000000000000001000000:0050"
ESTABLISHED, FIN_WAIT, LISTEN = "01", "04", "0A"


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ([], 0),
        ([(FOUR, FIN_WAIT, 0)], 0),
        ([(FOUR, FIN_WAIT, 70_000), (SIX, ESTABLISHED, 5)], 70_005),
        ([("00000000:0051", FIN_WAIT, 9), (FOUR, LISTEN, 128)], 0),
    ],
)
def test_what_goes_out_from_our_ports(rows: list[tuple[str, str, int]], count: int) -> None:
    table = HEAD + "".join(ROW.format(local=local, state=state, queue=queue) for local, state, queue in rows)
    assert unsent(table, frozenset({80})) == count


def waiting(queues: list[int], clock: Clock, ports: frozenset[int] = frozenset({80})) -> list[bool]:
    """The outcome, when the kernel has these many bytes at each look."""
    results: list[bool] = []

    def read() -> Iterator[str]:
        yield HEAD + ROW.format(local=FOUR, state=FIN_WAIT, queue=queues.pop(0))

    Deferred.fromCoroutine(all_sent(ports, clock, 1.0, read)).addCallback(results.append)
    return results


def test_it_ends_when_all_is_sent() -> None:
    clock = Clock()
    results = waiting([3_000_000, 1, 0], clock)
    clock.advance(TICK)
    assert results == []
    clock.advance(TICK)
    assert results == [True]


def test_it_does_not_wait_for_ever() -> None:
    clock = Clock()
    results = waiting([1] * 30, clock)
    clock.pump([TICK] * 22)
    assert (results, clock.getDelayedCalls()) == ([False], [])


def test_nothing_is_looked_at_without_a_port() -> None:
    assert waiting([], Clock(), frozenset()) == [True]


@pytest.mark.skipif(not os.path.exists("/proc/net/tcp"), reason="only Linux says what is in its queues")  # noqa: PTH110  # a text
def test_a_client_that_takes_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        ports = frozenset({server.getsockname()[1]})
        connection, _ = server.accept()
        assert sum(unsent(table, ports) for table in tables()) == 0
        connection.setblocking(False)
        try:
            while True:
                connection.send(bytes(65536))
        except BlockingIOError:
            connection.close()
        assert sum(unsent(table, ports) for table in tables()) > 0
        while client.recv(1 << 20):
            """Take it all."""
        assert sum(unsent(table, ports) for table in tables()) <= 1  # the end of the connection counts as a byte
