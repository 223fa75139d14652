"""Finishing what is being sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

TICK = 0.05
"""Seconds between two looks at what is still open."""


class Drainable(Protocol):
    """A protocol factory that knows its connections."""

    @property
    def open_requests(self) -> int:
        """How many requests are being received or answered."""

    @property
    def open_connections(self) -> int:
        """How many connections there are; one that is closing counts until all its bytes are sent."""

    def close_idle(self) -> None:
        """Close every connection that has no request on it; the others after their answer."""

    def abort(self) -> None:
        """Close every connection at once."""


async def drain(sites: Sequence[Drainable], clock: IReactorTime, limit: float) -> bool:
    """Wait at most ``limit`` seconds until every connection has ended by itself.

    True when all have; else what is left is aborted.
    """
    end = clock.seconds() + limit
    while True:
        # A request that has arrived but was not read yet is read before its connection is taken for idle.
        await deferLater(clock, TICK)
        for site in sites:
            site.close_idle()
        if not any(site.open_connections for site in sites):
            return True
        if clock.seconds() >= end:
            for site in sites:
                site.abort()
            return False
