"""How many connections to one host there may be: whoever comes later waits, first come first served."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from twisted.internet.defer import DeferredSemaphore

from twisted_pypi.upstream.addresses import Address


class Places:
    """So many places for each host and port."""

    def __init__(self, most: int) -> None:
        """Have ``most`` of them, but at least one."""
        self._most = max(1, most)
        self._taken: dict[tuple[str, int], DeferredSemaphore] = {}

    @asynccontextmanager
    async def one(self, address: Address) -> AsyncIterator[None]:
        """One of those for the host of an address, until the block ends."""
        key = address.host, address.port
        places = self._taken.setdefault(key, DeferredSemaphore(self._most))
        await places.acquire()
        try:
            yield
        finally:
            places.release()
            # The pages of strangers name many hosts.
            if places.tokens == places.limit:
                del self._taken[key]
