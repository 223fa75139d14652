"""A small body of an upstream index, in memory."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred

from twisted_pypi.boundaries import Flow, Upstream
from twisted_pypi.errors import UpstreamFailed


class SmallFetch:
    """Fetches one body that may have so many bytes; a ``Sink``."""

    def __init__(self, url: str, index: str, limit: int) -> None:
        """Be ready to fetch ``url``, which a page of ``index`` names."""
        self._url = url
        self._index = index
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0
        self._fetching: Deferred[None] | None = None
        self._failure: UpstreamFailed | None = None

    async def run(self, upstream: Upstream) -> bytes:
        """Return the body.  Raises ``UpstreamFailed``."""
        self._fetching = Deferred.fromCoroutine(upstream.fetch(self._url, self._index, self))
        if self._failure is not None:  # found out before there was anything to cancel
            self._fetching.cancel()
        try:
            await self._fetching
        except CancelledError:
            if self._failure is None:
                raise
        if self._failure is not None:
            raise self._failure
        return b"".join(self._pieces)

    def begun(self, flow: Flow, length: int | None) -> None:
        """The upstream sends it."""
        del flow
        self._count(length or 0)

    def received(self, data: bytes) -> None:
        """More of it came."""
        self._size += len(data)
        self._count(self._size)
        if self._failure is None:
            self._pieces.append(data)

    def stop(self) -> None:
        """Let it not come any more."""
        self._break_off(UpstreamFailed(f"{self._url} is not fetched any more; ask again"))

    def _count(self, size: int) -> None:
        if size > self._limit:
            self._break_off(UpstreamFailed(f"{self._url} has more than the {self._limit} bytes that are taken of it"))

    def _break_off(self, error: UpstreamFailed) -> None:
        if self._failure is None:
            self._failure = error
            if self._fetching is not None:
                self._fetching.cancel()
