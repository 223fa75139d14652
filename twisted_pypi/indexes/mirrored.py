"""The index of what another index has: its pages under our rules, and the files of them that are kept here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote

from twisted.logger import Logger

from twisted_pypi.boundaries import Cache, CachedFile, Offered, RunInThread, Upstream, UpstreamPage
from twisted_pypi.distributions import ProjectName, is_package_name
from twisted_pypi.errors import NoSuchFile, NoSuchProject, UpstreamFailed
from twisted_pypi.indexes.standing import Bar, Refusal, Standing, quarantine, stand, stand_one
from twisted_pypi.policy.moments import SECOND_NS, iso
from twisted_pypi.policy.rules import Rules
from twisted_pypi.simple.json import upload_time
from twisted_pypi.simple.model import File, ProjectList, ProjectPage
from twisted_pypi.simple.versions import spelled_versions

LONG = 200
"""A page with more files than this is judged and put together in a thread."""

RETRY = 30
"""Seconds that a page holds while the upstream cannot be asked."""

REMIND = 600
"""Seconds between two lines of the log about an upstream that cannot be asked."""

STALE_SINCE = "_stale-since"
"""The key of a page's ``meta`` that says when the upstream last said so, where it cannot be asked."""


@dataclass(frozen=True, slots=True)
class Look:
    """What there is of an upstream project now."""

    name: ProjectName
    page: UpstreamPage | None
    """The upstream's page; ``None``: it has none any more, or could not be asked and nothing is kept."""
    standings: tuple[Standing, ...]
    """Its files, and those that are kept of it, by version."""
    stale_since_ns: int | None
    """When the upstream last said so, where it cannot be asked."""
    trouble: str | None
    """Why it cannot be asked."""
    holds_until_ns: int
    """Until when this is right, if nothing changes but the time."""

    @property
    def quarantined(self) -> bool:
        """Does the upstream keep all of it from clients (PEP 792)?"""
        return quarantine(self.page) is not None


class Mirrored:
    """What an upstream has of projects that are not ours; it does not ask whose a project is."""

    log = Logger()

    def __init__(
        self,
        upstream: Upstream,
        cache: Cache,
        rules: Callable[[], Rules],
        *,
        clock: Callable[[], float],
        run_in_thread: RunInThread,
        expect_end: Callable[[ProjectName, int], None],
        offline: bool = False,
        saw: Callable[[ProjectName, UpstreamPage | None], object] = lambda _name, _page: None,
    ) -> None:
        """``rules`` are those in force, ``clock`` tells seconds since the epoch.

        ``expect_end`` is told until when a page that was built is right, in
        nanoseconds since the epoch.  That an upstream is not asked is no news
        for the log where it is ``offline`` on purpose.  ``saw`` is told of
        each page that the upstream said, ``None`` if it has no such project.
        """
        self._upstream = upstream
        self._cache = cache
        self._rules = rules
        self._clock = clock
        self._run_in_thread = run_in_thread
        self._expect_end = expect_end
        self._offline = offline
        self._saw = saw
        self._quarantined: dict[ProjectName, Refusal] = {}
        self._reminded: dict[str, float] = {}
        self.kept_back: dict[ProjectName, Counter[Bar]] | None = None
        """How many files the last page of each project left out, and why; ``None``: nobody counts."""

    async def projects(self) -> ProjectList:
        """The projects of which a file is kept."""
        return ProjectList(tuple(sorted(self._cache.projects())))

    async def project(self, name: ProjectName) -> ProjectPage:
        """The upstream's page as it is shown here.  Raises ``NoSuchProject`` and ``UpstreamFailed``."""
        look = await self.look(name)
        self._expect_end(name, look.holds_until_ns)
        if self.kept_back is not None:
            self.kept_back[name] = Counter(each.refusal.bar for each in look.standings if each.refusal is not None)
            if not self.kept_back[name]:
                del self.kept_back[name]
        return await self._run_in_thread(shown, look) if len(look.standings) > LONG else shown(look)

    async def look(self, name: ProjectName) -> Look:
        """How every file of a project stands.

        While the upstream cannot be asked and nothing is kept of its page, and
        when it has the project no more, those are left that are kept here.
        Raises ``NoSuchProject``, and ``UpstreamFailed`` where there are none.
        """
        page, error = None, None
        try:
            page = await self._upstream.page(name)
        except (NoSuchProject, UpstreamFailed) as problem:
            error = problem
        cached = await self._run_in_thread(self._cache.files_of, name)
        if error is not None and not cached:
            raise error
        stale_because = str(error) if isinstance(error, UpstreamFailed) else page.stale_because if page else None
        since = page.confirmed_ns if page else max((each.fetched_ns for each in cached), default=0)
        self._note(name, page, stale_because)
        now_ns = self._now_ns()
        count = len(cached) + (len(page.page.files) if page else 0)
        work = name, page, cached, self._rules(), now_ns
        standings, change = await self._run_in_thread(_judged, *work) if count > LONG else _judged(*work)
        end = now_ns + RETRY * SECOND_NS if page is None or stale_because is not None else page.fresh_until_ns
        return Look(
            name,
            page,
            standings,
            None if stale_because is None else since,
            stale_because,
            end if change is None else min(end, change),
        )

    async def offered(self, project: ProjectName, filename: str) -> Offered:
        """A file that may be given out: what is kept of it, without asking anybody, or what the upstream has.

        Raises ``NoSuchProject``, ``NoSuchFile``, ``HeldBack``, ``Recalled`` and ``UpstreamFailed``.
        """
        if not is_package_name(filename) or "/" in filename:
            raise NoSuchFile(f"there is no file {filename!r} of {project}")
        cached = self._cache.find(project, filename)
        if cached is not None:
            verdict = self._quarantined.get(project)
            return self._given(project, None, cached.index, cached, verdict)
        page = await self._upstream.page(project)
        self._note(project, page, page.stale_because)
        listed = next((file for file in page.page.files if file.filename == filename), None)
        # Somebody else's request may have brought it in the meantime.
        cached = self._cache.find(project, filename)
        if listed is None and cached is None:
            raise NoSuchFile(f"the project {project} has no file {filename} at {page.index}")
        return self._given(project, listed, page.index, cached, quarantine(page))

    def _given(
        self,
        project: ProjectName,
        listed: File | None,
        index: str,
        cached: CachedFile | None,
        verdict: Refusal | None,
    ) -> Offered:
        standing = stand_one(
            project, listed, index, cached, rules=self._rules(), now_ns=self._now_ns(), verdict=verdict
        )
        if standing.refusal is not None:
            raise standing.refusal.error(standing.file.filename)
        return Offered(project, standing.file, standing.index, cached)

    def _now_ns(self) -> int:
        return int(self._clock() * SECOND_NS)

    def _note(self, name: ProjectName, page: UpstreamPage | None, stale_because: str | None) -> None:
        """Remember what holds for all of a project, and say in the log that an upstream cannot be asked."""
        verdict = quarantine(page)
        if verdict is not None:
            self._quarantined[name] = verdict
        elif page is not None:
            self._quarantined.pop(name, None)
        if stale_because is None and not self._offline:
            self._saw(name, page)
        if stale_because is None or self._offline:
            return
        now, where = self._clock(), page.index if page else ""
        if now - self._reminded.get(where, -REMIND) >= REMIND:
            self._reminded[where] = now
            self.log.warn(
                "an upstream index cannot be asked, so what is kept of it is served as it was, {name} {since}: {because}",
                name=name,
                since=f"at {iso(page.confirmed_ns)}" if page else "by its files that are here",
                because=stale_because,
            )


def _judged(
    name: ProjectName, page: UpstreamPage | None, cached: list[CachedFile], rules: Rules, now_ns: int
) -> tuple[tuple[Standing, ...], int | None]:
    """How each file stands, and when the rules say something else of one of them."""
    standings = tuple(stand(name, page, cached, rules, now_ns))
    return standings, rules.next_change(ProjectPage(name, tuple(each.file for each in standings)), now_ns)


def shown(look: Look) -> ProjectPage:
    """Return the page that clients get."""
    given = [each for each in look.standings if each.refusal is None]
    page = look.page.page if look.page is not None else None
    meta = {}
    if look.stale_since_ns is not None and (since := upload_time(look.stale_since_ns)) is not None:
        meta[STALE_SINCE] = since
    return ProjectPage(
        look.name,
        tuple(_shown_file(look.name, each.file) for each in given),
        spelled_versions(each.version for each in given),
        page.status if page else None,
        page.status_reason if page else None,
        meta,
    )


def _shown_file(name: ProjectName, file: File) -> File:
    """A file as our page shows it; its URL is relative to the page of its project."""
    known = file.core_metadata
    # What has no digest cannot be verified when it is fetched, so it is not offered.
    digest = known.get("sha256") if known is not None and not isinstance(known, bool) else None
    return replace(
        file,
        url=f"../../files/{name}/{quote(file.filename)}",
        core_metadata={"sha256": digest} if digest else None,
        gpg_sig=None,
    )
