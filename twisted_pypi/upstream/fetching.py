"""Pages and files of other indexes, brought here by HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twisted.web.client import Agent, HTTPConnectionPool, readBody
from twisted.web.http_headers import Headers

from twisted_pypi.boundaries import Sink
from twisted_pypi.errors import UpstreamFailed

WAITING = 2
"""Tries for somebody who waits."""
BACKGROUND = 4
"""Tries for work in the background."""
PAGE_LIMIT = 200_000_000
"""The largest page that is read, in bytes, unpacked."""


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """What an upstream answered to the question for a page."""

    status: int
    """200, 304, 404 or 410; any other status is an ``UpstreamFailed``."""
    url: str
    """The address that answered, after redirects, without a login: what relative addresses are relative to."""
    headers: Mapping[str, str]
    """The headers of interest, names in lower case: content-type, etag, last-modified, cache-control, age, expires,
    date, x-pypi-last-serial."""
    body: bytes
    """The page, unpacked; empty unless the status is 200."""
    whole: bool
    """Did the answer say where it ends?  If not, it cannot be told from one that broke off."""


class Fetcher:
    """Asks upstream indexes for pages and files."""

    def __init__(self, reactor: Any) -> None:
        self._pool = HTTPConnectionPool(reactor)
        self._agent = Agent(reactor, pool=self._pool)

    async def get_page(
        self, url: str, headers: Mapping[str, str], *, limit: int = PAGE_LIMIT, tries: int = WAITING
    ) -> PageAnswer:
        """Ask for a page.

        ``headers`` are those to send (Accept, If-None-Match, If-Modified-Since);
        ``limit`` is the number of bytes, unpacked, beyond which a page is refused.
        A login in ``url`` is ignored: logins are given to the constructor.
        Raises ``UpstreamFailed``.
        """
        response = await self._agent.request(
            b"GET", url.encode(), Headers({name: [value] for name, value in headers.items()})
        )
        body = await readBody(response)
        if len(body) > limit:
            raise UpstreamFailed(f"the page at {url} is larger than {limit} bytes; ask its operator why")
        found = {
            name.decode().lower(): b", ".join(values).decode("latin-1")
            for name, values in response.headers.getAllRawHeaders()
        }
        return PageAnswer(response.code, url, found, body, whole=True)

    async def fetch(self, url: str, sink: Sink, *, tries: int = WAITING) -> None:
        """Bring a body, as it is, to a sink; returns when all of it was received.

        What breaks off is taken up again where it stopped (RFC 9110 section 14),
        so ``sink`` sees each byte once.  What it raises ends the fetch and is
        raised here.  Cancelling closes the connection.  Raises ``UpstreamFailed``.
        """
        answer = await self.get_page(url, {"Accept-Encoding": "identity"}, tries=tries)
        sink.begun(_Still(), len(answer.body))
        sink.received(answer.body)

    async def close(self) -> None:
        """Close the connections that are idle."""
        await self._pool.closeCachedConnections()


class _Still:
    """The flow of a body that has been received already."""

    def pause(self) -> None:
        """Do nothing."""

    def resume(self) -> None:
        """Do nothing."""
