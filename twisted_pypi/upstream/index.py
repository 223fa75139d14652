"""The upstream indexes as one: the first that has a project has all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from twisted_pypi.boundaries import RunInThread, Sink, UpstreamPage
from twisted_pypi.distributions import ProjectName, is_project_name, normalize
from twisted_pypi.errors import NoSuchProject, UpstreamFailed
from twisted_pypi.inflight import InFlight
from twisted_pypi.upstream.addresses import without_login
from twisted_pypi.upstream.expiring import Expiring
from twisted_pypi.upstream.fetching import BACKGROUND, WAITING
from twisted_pypi.upstream.health import PAUSE, IndexHealth
from twisted_pypi.upstream.one_index import Fetches, KnownPage, OneIndex
from twisted_pypi.upstream.pages import LONGEST_NAME, KeptPages
from twisted_pypi.upstream.public_index import public_index
from twisted_pypi.upstream.recent import Recent

RECENT_FILES = 10_000
"""Files of the pages that are held ready for use; each takes about 1.4 KB."""
ABSENT = 60
"""Seconds for which it is remembered that no index has a project."""
PATIENCE = 5
"""Seconds after which what is kept is given to whoever waits for an answer."""
_NAMES = 50_000


class Indexes:
    """An ``Upstream`` of one or several indexes.

    A project that one index had stays with it until that says that it has no
    such project.  An index that fails is never passed over: whoever could make
    it fail could have another's files taken for its own (dependency confusion).
    """

    def __init__(
        self,
        addresses: Sequence[str],
        fetcher: Fetches,
        pages: KeptPages,
        clock: IReactorTime,
        run_in_thread: RunInThread,
        *,
        offline: bool = False,
        default: Callable[[], str] = public_index,
    ) -> None:
        """Ask the indexes at ``addresses``, in this order; with none the one that ``default`` (blocking) names."""
        self._fetcher = fetcher
        self._pages = pages
        self._clock = clock
        self._run_in_thread = run_in_thread
        self._offline = offline
        self._default = default
        self._indexes = self._made(addresses)
        self._recent: Recent[ProjectName, KnownPage] = Recent(RECENT_FILES, lambda known: len(known.said.files) + 1)
        self._absent: Expiring[ProjectName, str] = Expiring(ABSENT, _NAMES, clock.seconds)
        self._failing: Expiring[ProjectName, str] = Expiring(PAUSE, _NAMES, clock.seconds)
        self._asking: InFlight[UpstreamPage] = InFlight()
        self._loading: InFlight[KnownPage | None] = InFlight()

    async def page(self, name: ProjectName, *, confirm: bool = False) -> UpstreamPage:
        """What the first index that has the project says of it.  Raises ``NoSuchProject`` and ``UpstreamFailed``."""
        known = self._recent.get(name)
        if known is not None and not confirm and known.facts.fresh_at(self._now_ns()):
            return known.page
        if not _is_askable(name):
            raise NoSuchProject(f"there is no project {name[:LONGEST_NAME]!r}: expected the normalised name of one")
        absent = self._absent.get(name)
        if absent is not None and not confirm:
            raise NoSuchProject(absent)
        known = await self._load(name)
        usable = known if known is not None and known.facts.gone_ns is None else None
        if usable is not None and not confirm and usable.facts.fresh_at(self._now_ns()):
            return usable.page
        if self._offline:
            if known is not None and usable is None:
                raise NoSuchProject(f"there is no project {name!r} at {known.facts.index}")
            if usable is None:
                raise UpstreamFailed(f"{name!r} is not kept, and no index is asked: the server is offline")
            return _stale(usable, "no index is asked: the server is offline")
        if confirm:
            # A question that is under way is as good.
            return await self._asking.run(name, lambda: self._ask(name, BACKGROUND))
        failing = self._failing.get(name)
        if failing is not None:
            return _stale(usable, failing)
        return await self._asked(name, usable)

    async def kept(self, name: ProjectName) -> UpstreamPage | None:
        """What is kept of a project, and what was kept when the index began to say that it has none."""
        known = await self._load(name) if _is_askable(name) else None
        if known is None:
            return None
        if known.facts.gone_ns is not None:
            return replace(known.page, stale_because=f"{known.facts.index} says that it has no such project any more")
        return replace(known.page, stale_because=self._failing.get(name))

    async def fetch(self, url: str, index: str, sink: Sink) -> None:
        """Bring a body to a sink.  Raises ``UpstreamFailed``."""
        if self._offline:
            raise UpstreamFailed(f"a file of {index} is not here, and no index is asked: the server is offline")
        await self._fetcher.fetch(url, sink)

    def health(self) -> tuple[IndexHealth, ...]:
        """How each index has been answering; empty until the default's address was needed."""
        return tuple(each.health.now for each in self._indexes)

    def _now_ns(self) -> int:
        return int(self._clock.seconds() * 10**9)

    def _made(self, addresses: Sequence[str]) -> tuple[OneIndex, ...]:
        shown = dict.fromkeys(without_login(each).rstrip("/") for each in addresses)
        return tuple(OneIndex(each, self._fetcher, self._pages, self._now_ns, self._run_in_thread) for each in shown)

    async def _all(self) -> tuple[OneIndex, ...]:
        if not self._indexes:
            default = await self._run_in_thread(self._default)
            # Somebody else may have waited for it too.
            self._indexes = self._indexes or self._made([default])
        return self._indexes

    def _load(self, name: ProjectName) -> Deferred[KnownPage | None]:
        return self._loading.run(name, lambda: self._loaded(name))

    async def _loaded(self, name: ProjectName) -> KnownPage | None:
        known = self._recent.get(name)
        if known is not None:
            return known
        indexes = await self._all()
        known = await self._run_in_thread(lambda: _first_usable(each.load(name) for each in indexes))
        # What was asked for meanwhile is newer.
        newer = self._recent.get(name)
        if newer is not None:
            return newer
        if known is not None and known.facts.gone_ns is None:
            self._recent.put(name, known)
        return known

    async def _asked(self, name: ProjectName, usable: KnownPage | None) -> UpstreamPage:
        """The answer, or what is kept when that takes too long; the answer is kept all the same when it comes."""
        waiting = self._asking.run(name, lambda: self._ask(name, WAITING))
        if usable is None:
            return await waiting
        try:
            return await waiting.addTimeout(PATIENCE, self._clock)
        except defer.TimeoutError:
            late = f"{usable.facts.index} has not answered within {PATIENCE} seconds"
            self._failing.put(name, late)
            return _stale(usable, late)

    async def _ask(self, name: ProjectName, tries: int) -> UpstreamPage:
        known = await self._load(name)
        usable = known if known is not None and known.facts.gone_ns is None else None
        for index in _in_order(await self._all(), None if usable is None else usable.facts.index):
            mine = known if known is not None and known.facts.index == index.address else None
            try:
                found = await index.ask(name, mine, tries)
            except UpstreamFailed as error:
                if index.health.paused is None:
                    self._failing.put(name, str(error))
                return _stale(usable, str(error))
            if found is not None:
                self._failing.forget(name)
                self._absent.forget(name)
                self._recent.put(name, found)
                return found.page
            if mine is not None:
                self._recent.drop(name)
                usable = None
        self._failing.forget(name)
        absent = f"there is no project {name!r} at {' or '.join(each.address for each in self._indexes)}"
        self._absent.put(name, absent)
        raise NoSuchProject(absent)


def _is_askable(name: ProjectName) -> bool:
    return len(name) <= LONGEST_NAME and is_project_name(name) and normalize(name) == name


def _in_order(indexes: Sequence[OneIndex], first: str | None) -> list[OneIndex]:
    return sorted(indexes, key=lambda each: each.address != first)


def _first_usable(found: Iterator[KnownPage | None]) -> KnownPage | None:
    gone = None
    for known in found:
        if known is not None and known.facts.gone_ns is None:
            return known
        gone = gone or known
    return gone


def _stale(known: KnownPage | None, why: str) -> UpstreamPage:
    """What is kept, with why it is not newer.  Raises ``UpstreamFailed`` when nothing is."""
    if known is None:
        raise UpstreamFailed(why)
    return replace(known.page, stale_because=why)
