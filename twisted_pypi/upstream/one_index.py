"""One upstream index: asking it for a page, and understanding what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from twisted.logger import Logger

from twisted_pypi.boundaries import RunInThread, Sink, UpstreamPage
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import UpstreamFailed
from twisted_pypi.simple.model import ProjectPage
from twisted_pypi.simple.read import ACCEPT, read_page
from twisted_pypi.upstream import page_facts
from twisted_pypi.upstream.fetching import PageAnswer
from twisted_pypi.upstream.health import Health
from twisted_pypi.upstream.page_facts import PageFacts
from twisted_pypi.upstream.pages import KeptPages
from twisted_pypi.upstream.retrying import BrokenOff

LARGEST_PAGE = 100_000_000
"""Bytes of a page, unpacked, beyond which it is refused."""

_LAG_NS = 24 * 3600 * 10**9
"""After so long lower numbers are those of an index that counts anew."""


class Fetches(Protocol):
    """Who speaks HTTP."""

    async def get_page(self, url: str, headers: Mapping[str, str], *, limit: int, tries: int) -> PageAnswer:
        """Ask for a page.  Raises ``UpstreamFailed``."""

    async def fetch(self, url: str, sink: Sink) -> None:
        """Bring a body to a sink.  Raises ``UpstreamFailed``."""


@dataclass(frozen=True, slots=True)
class KnownPage:
    """A page, ready for use, and what is known of it."""

    facts: PageFacts
    said: ProjectPage
    page: UpstreamPage
    """Both, as others see it."""


def known_page(facts: PageFacts, said: ProjectPage) -> KnownPage:
    """Put together what is known of a page and what it says."""
    page = UpstreamPage(said, facts.index, facts.serial, facts.confirmed_ns, facts.fresh_until_ns, facts.digest)
    return KnownPage(facts, said, page)


class OneIndex:
    """An upstream index, and the pages that are kept of it."""

    log = Logger()

    def __init__(
        self, address: str, fetcher: Fetches, pages: KeptPages, now_ns: Callable[[], int], run_in_thread: RunInThread
    ) -> None:
        """Ask the index at ``address``, which has no login and no slash at its end."""
        self.address = address
        self.health = Health(address, now_ns)
        self._fetcher = fetcher
        self._pages = pages
        self._now_ns = now_ns
        self._run_in_thread = run_in_thread

    def load(self, name: ProjectName) -> KnownPage | None:
        """What is kept of a project, also when the index says by now that it has none.  Blocking."""
        found = self._pages.load(self.address, name)
        if found is None:
            return None
        facts, body = found
        try:
            return known_page(facts, read_page(body, facts.content_type, facts.url, name).page)
        except UpstreamFailed:
            # Kept by another version of this program, which understood it.
            return None

    async def ask(self, name: ProjectName, known: KnownPage | None, tries: int) -> KnownPage | None:
        """What the index says of a project; ``None``: it has none.

        ``known`` is what is kept.  Raises ``UpstreamFailed``.
        """
        if self.health.paused is not None:
            raise UpstreamFailed(self.health.paused)
        headers = {"Accept": ACCEPT, **page_facts.conditions(None if known is None else known.facts)}
        try:
            answer = await self._fetcher.get_page(f"{self.address}/{name}/", headers, limit=LARGEST_PAGE, tries=tries)
            found = await self._understood(answer, name, known)
        except UpstreamFailed as error:
            self.health.failed(name, str(error), down=isinstance(error, BrokenOff))
            raise
        self.health.succeeded()
        return found

    async def _understood(self, answer: PageAnswer, name: ProjectName, known: KnownPage | None) -> KnownPage | None:
        if answer.status in {404, 410}:
            if known is not None and known.facts.gone_ns is None:
                # Kept all the same: what the index took back can only be told by what it said before.
                await self._renewed(name, known, replace(known.facts, gone_ns=self._now_ns()))
            return None
        if answer.status == 304:
            if known is None:
                raise UpstreamFailed(f"{answer.url} answered 304, as if it had been asked for what is new")
            return await self._renewed(name, known, self._confirmed(known.facts, answer))
        if known is not None and self._lags(known.facts, answer):
            facts = self._confirmed(known.facts, answer)
            soon = facts.confirmed_ns + page_facts.SHORTEST_LIFETIME * 10**9
            since = known.facts.lagging_since_ns
            since = facts.confirmed_ns if since is None else since
            return await self._renewed(name, known, replace(facts, fresh_until_ns=soon, lagging_since_ns=since))
        return await self._run_in_thread(self._read, answer, name, known)

    def _lags(self, known: PageFacts, answer: PageAnswer) -> bool:
        """Is this what the index said before what is known, out of some cache?"""
        serial = page_facts.serial(answer.headers)
        if serial is None or known.serial is None or serial >= known.serial:
            return False
        return known.lagging_since_ns is None or self._now_ns() - known.lagging_since_ns < _LAG_NS

    def _confirmed(self, facts: PageFacts, answer: PageAnswer) -> PageFacts:
        """What is known of a page that the index just said again."""
        now_ns, serial = self._now_ns(), page_facts.serial(answer.headers)
        return replace(
            facts,
            confirmed_ns=now_ns,
            fresh_until_ns=page_facts.fresh_until(answer.headers, now_ns),
            serial=facts.serial if serial is None else max(serial, facts.serial or 0),
            lagging_since_ns=None,
            gone_ns=None,
        )

    async def _renewed(self, name: ProjectName, known: KnownPage, facts: PageFacts) -> KnownPage:
        await self._run_in_thread(self._pages.renew, name, facts)
        return known_page(facts, known.said)

    def _read(self, answer: PageAnswer, name: ProjectName, known: KnownPage | None) -> KnownPage:
        """Read a page and keep it.  Blocking.  Raises ``UpstreamFailed``."""
        content_type = answer.headers.get("content-type", "")
        if not answer.whole and "html" in content_type.lower() and b"</html>" not in answer.body[-200:].lower():
            # JSON that broke off cannot be read; HTML can, and would seem to have lost files.
            raise UpstreamFailed(f"{answer.url} does not say how long its page is, and the page has no end")
        now_ns = self._now_ns()
        facts = PageFacts(
            self.address,
            answer.url,
            content_type,
            page_facts.page_digest(answer.url, content_type, answer.body),
            now_ns,
            page_facts.fresh_until(answer.headers, now_ns),
            page_facts.validator(answer.headers, "etag"),
            page_facts.validator(answer.headers, "last-modified"),
            page_facts.serial(answer.headers),
        )
        if known is not None and known.facts.digest == facts.digest:
            self._pages.renew(name, facts)
            return known_page(facts, known.said)
        read = read_page(answer.body, content_type, answer.url, name)
        if read.left_out:
            self.log.debug(
                "{count} files of {project} at {index} are left out; the first: {reason}",
                count=read.left_out,
                project=name,
                index=self.address,
                reason=read.reasons[0],
            )
        self._pages.store(name, facts, answer.body)
        return known_page(facts, read.page)
