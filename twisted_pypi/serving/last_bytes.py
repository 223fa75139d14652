"""What the kernel has yet to send when everything is closed.

On a machine it sends that after the process has ended.  In a container it is lost, with the network that ends
when the first process does: a client waits for the end of a file that the log says was sent whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

TICK = 0.05
"""Seconds between two looks."""

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENING = "0A"


def tables() -> Iterator[str]:
    """Yield the kernel's tables of TCP connections (proc(5)), where there are any."""
    for table in _TABLES:
        with suppress(OSError):
            yield table.read_text("utf-8")


def unsent(table: str, ports: frozenset[int]) -> int:
    """Count the bytes of such a table that go out from these ports, and that nobody has acknowledged."""
    count = 0
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] != _LISTENING and int(fields[1].rpartition(":")[2], 16) in ports:
            count += int(fields[4].partition(":")[0], 16)
    return count


async def all_sent(
    ports: frozenset[int], clock: IReactorTime, limit: float, read: Callable[[], Iterator[str]] = tables
) -> bool:
    """Wait at most ``limit`` seconds until others have all that went out from these ports.

    True when they have, as far as the kernel says.
    """
    end = clock.seconds() + limit
    while ports and any(unsent(table, ports) for table in read()):
        if clock.seconds() >= end:
            return False
        await deferLater(clock, TICK)
    return True
