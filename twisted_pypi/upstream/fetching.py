"""Pages and files of other indexes, brought here by HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from twisted.internet.interfaces import IReactorTime

from twisted_pypi.boundaries import Sink
from twisted_pypi.upstream.agents import Agents
from twisted_pypi.upstream.asking import Asking
from twisted_pypi.upstream.bodies import TooMuch
from twisted_pypi.upstream.logins import Logins
from twisted_pypi.upstream.page_answers import PageAnswer, PageBody
from twisted_pypi.upstream.patience import Limits
from twisted_pypi.upstream.resuming import Resumption
from twisted_pypi.upstream.retrying import BrokenOff, Retrying

__all__ = ["BACKGROUND", "PAGE_LIMIT", "WAITING", "Fetcher", "PageAnswer"]

WAITING = 2
"""Tries for somebody who waits."""
BACKGROUND = 4
"""Tries for work in the background."""
PAGE_LIMIT = 200_000_000
"""The largest page that is read, in bytes, unpacked."""


class Fetcher:
    """Asks upstream indexes for pages and files."""

    def __init__(
        self,
        agents: Agents,
        clock: IReactorTime,
        random: Callable[[], float],
        logins: Logins | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Measure time with ``clock``; ``random`` returns numbers from 0 to 1."""
        self._agents = agents
        self._asking = Asking(agents, clock, logins or Logins(), limits or Limits())
        self._retrying = Retrying(clock, random)

    async def get_page(
        self, url: str, headers: Mapping[str, str], *, limit: int = PAGE_LIMIT, tries: int = WAITING
    ) -> PageAnswer:
        """Ask for a page.

        ``headers`` are those to send (Accept, If-None-Match, If-Modified-Since);
        ``limit`` is the number of bytes, unpacked, beyond which a page is refused.
        A login in ``url`` is ignored: logins are given to the constructor.
        Raises ``UpstreamFailed``.
        """
        return await self._retrying.run(lambda: self._get_page(url, headers, limit), tries)

    async def fetch(self, url: str, sink: Sink, *, tries: int = WAITING) -> None:
        """Bring a body, as it is, to a sink; returns when all of it was received.

        What breaks off is taken up again where it stopped (RFC 9110 section 14),
        so ``sink`` sees each byte once.  What it raises ends the fetch and is
        raised here.  Cancelling closes the connection.  Raises ``UpstreamFailed``.
        """
        so_far = Resumption(sink)
        await self._retrying.run(lambda: self._fetch(url, so_far), tries)

    async def close(self) -> None:
        """Close the connections that are idle, and each other when it becomes so."""
        await self._agents.close()

    async def _get_page(self, url: str, headers: Mapping[str, str], limit: int) -> PageAnswer:
        page = PageBody(limit)
        whole = True
        # Raised only for what is longer than anybody needs to know, of an answer without a page.
        with suppress(TooMuch):
            _, whole = await self._asking.ask(url, {**headers, "Accept-Encoding": "gzip"}, page.receive, for_page=True)
        return page.answer(whole=whole)

    async def _fetch(self, url: str, so_far: Resumption) -> None:
        try:
            head, _ = await self._asking.ask(url, so_far.headers(), so_far.receive, for_page=False)
            so_far.check_end(head)
        except BrokenOff as error:
            error.progress = so_far.progressed()
            if not so_far.possible():
                raise error.final() from None
            raise
