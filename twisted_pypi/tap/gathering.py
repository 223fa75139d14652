"""What is true now of the server: of its folders, its pages in memory, and the indexes that it asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable

from twisted_pypi.boundaries import RunInThread
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import TwistedPyPIError
from twisted_pypi.indexes.standing import Bar
from twisted_pypi.mirroring.outcomes import State
from twisted_pypi.mirroring.schedule import Updates
from twisted_pypi.policy.recalls import QUARANTINED, REMOVED, YANKED
from twisted_pypi.storage.scanner import Scanner
from twisted_pypi.tap.folders import Folders
from twisted_pypi.tap.showing import Showing
from twisted_pypi.web.figures import Values
from twisted_pypi.web.measuring import Measurements
from twisted_pypi.web.pages import FinishedPages

LOGINS = ("right", "wrong", "slowed", "busy")
"""What may come of a login."""

_NS = 1_000_000_000


class Gathering:
    """Finds out what is true now, of this process and what it keeps."""

    def __init__(
        self,
        measurements: Measurements,
        folders: Folders,
        showing: Showing,
        *,
        pages: FinishedPages,
        connections: Callable[[], int],
        run_in_thread: RunInThread,
        now: Callable[[], float],
    ) -> None:
        """Gather what is measured, and what all these know; ``now`` tells seconds since the epoch."""
        self._measurements = measurements
        self._folders = folders
        self._outside = showing.outside
        self._pages = pages
        self._connections = connections
        self._run_in_thread = run_in_thread
        self._now = now
        self._began = now()
        self._bytes: int | None = None
        self._counted = False  # ... since the last change
        self._recalled: Counter[str] | None = None
        self._kept_back: dict[ProjectName, Counter[Bar]] = {}
        folders.changes.subscribe(self._changed)
        if showing.outside is not None and showing.outside.pull_through is not None:
            showing.outside.pull_through.mirrored.kept_back = self._kept_back

    def _changed(self, _names: object) -> None:
        self._counted = False

    async def refresh(self) -> None:
        """Find out what takes a while."""
        # Before that the catalog may not be open, and nobody knows yet.
        if self._folders.scanner.enquiries.all_named and not self._counted:
            await self._try(self._count_bytes)
        if self._outside is not None:
            await self._try(self._count_recalls)

    @staticmethod
    async def _try(find_out: Callable[[], Awaitable[None]]) -> None:
        try:
            await find_out()
        except TwistedPyPIError:  # what is wrong is said elsewhere; the figure is as it was
            return

    async def _count_bytes(self) -> None:
        def size() -> int:
            with self._folders.catalog.reading() as reader:
                return reader.size()

        # In this order: what changes meanwhile is counted the next time.
        self._counted = True
        try:
            self._bytes = await self._run_in_thread(size)
        except BaseException:
            self._counted = False
            raise

    async def _count_recalls(self) -> None:
        if self._outside is not None:
            self._recalled = Counter(each.recall.how for each in await self._outside.recalls.recaller.recalls())

    def values(self) -> Values:
        """Return all figures but those of requests."""
        found: Values = {}

        def put(name: str, value: float, **labels: str) -> None:
            found[name, tuple(labels.items())] = value

        projects, files = self._folders.index.counts()
        put("projects", projects)
        put("files", files)
        put("troubles", len(self._folders.scanner.troubles()))
        put("connections", self._connections())
        if self._bytes is not None:
            put("index_bytes", self._bytes)
        for outcome in {*LOGINS, *self._measurements.logins}:
            put("logins", self._measurements.logins[outcome], outcome=outcome)
        self._of_pages(put)
        if isinstance(self._folders.scanner, Scanner):
            put("start_timestamp_seconds", self._began)
            self._of_scan(put, self._folders.scanner)
        if self._outside is not None:
            self._of_outside(put)
        return found

    def _of_pages(self, put: Callable[..., None]) -> None:
        pages = self._pages
        put("page_cache_bytes", pages.size)
        put("page_cache_hits", self._measurements.from_memory, by="head")
        put("page_cache_hits", pages.hits, by="page")
        put("page_cache_misses", pages.misses)
        put("page_cache_drops", pages.changed, reason="changed")
        put("page_cache_drops", pages.pushed_out, reason="room")

    def _of_scan(self, put: Callable[..., None], scanner: Scanner) -> None:
        last = scanner.last
        if last is not None:
            put("scan_end_timestamp_seconds", last.ended)
            put("scan_age_seconds", max(0.0, self._now() - last.ended))
            put("scan_duration_seconds", last.ended - last.began)
            for found in ("files", "new", "changed", "gone"):
                put("scan_files", getattr(last, found), found="seen" if found == "files" else found)

    def _of_outside(self, put: Callable[..., None]) -> None:
        outside = self._outside
        if outside is None:
            return
        for each in outside.upstream.health():
            put("upstream_failing", each.failing, index=each.index)
            if each.last_success_ns is not None:
                put("upstream_success_timestamp_seconds", each.last_success_ns / _NS, index=each.index)
            if each.last_failure_ns is not None:
                put("upstream_failure_timestamp_seconds", each.last_failure_ns / _NS, index=each.index)
        if self._recalled is not None:
            for how in {QUARANTINED, REMOVED, YANKED, *self._recalled}:
                put("recalled_files", self._recalled[how], how=how)
        if outside.pull_through is not None:
            files, size = outside.pull_through.cache.size()
            put("cache_files", files)
            put("cache_bytes", size)
            kept_back = sum(self._kept_back.values(), Counter[Bar]())
            for bar in Bar:
                put("kept_back_files", kept_back[bar], why=bar.replace(" ", "_"))
        if outside.updates is not None and self._folders.keeps:
            self._of_updates(put, outside.updates)

    def _of_updates(self, put: Callable[..., None], updates: Updates) -> None:
        last = updates.last
        put("update_under_way", updates.under_way)
        put("update_failed", updates.problem is not None)
        if last is None:
            return
        put("update_end_timestamp_seconds", last.ended_ns / _NS)
        put("update_age_seconds", max(0.0, self._now() - last.ended_ns / _NS))
        put("update_duration_seconds", (last.ended_ns - last.began_ns) / _NS)
        for state in State:
            put("update_projects", last.states.get(state, 0), state=state.replace(" ", "_"))
        put("update_files", last.fetched)
        put("update_bytes", last.size)
        put("update_held_back_files", sum(len(each.left) for each in last.notable))
