"""Recalls files that an upstream index took back, and tells a recall from a glitch."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from twisted.internet.defer import Deferred, DeferredLock, succeed
from twisted.logger import Logger

from twisted_pypi.boundaries import KnownFile, Recall, UpstreamPage
from twisted_pypi.boundaries.happenings import TellOfHappenings
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import TwistedPyPIError
from twisted_pypi.inflight import InFlight
from twisted_pypi.policy.recalls import REMOVED, YANKED, is_glitch, recalls_of
from twisted_pypi.recalling.good_pages import GoodPages
from twisted_pypi.recalling.kept_files import Kept, KeptFiles
from twisted_pypi.recalling.report import RecalledFile
from twisted_pypi.recalling.sentences import sentence
from twisted_pypi.recalling.telling import happening_of
from twisted_pypi.simple.model import ProjectPage

REMEMBERED = 60
"""Seconds for which the list of recalls is remembered, unless one changes."""

MOST_DOUBTED = 1000
"""Files that are listed of those that a glitch seems to have removed."""


@dataclass(slots=True)
class _Found:
    """What one pass found so far."""

    held: int = 0
    """How many files of the upstream's were looked at."""
    removed: list[tuple[Kept, Recall, int]] = field(default_factory=list)
    """Those that are newly removed or would be hidden for that, and as of when their pages are."""


class Recaller:
    """Is told of upstream's pages, and applies what they say to what is kept here.

    What is quarantined is hidden at once, and a yank is passed on.  A removal
    is written down when it is first seen; it hides a file only at the end of a
    pass over many projects, in which not too much was gone.
    """

    log = Logger()

    def __init__(
        self,
        kept: KeptFiles,
        *,
        hide_removed: Callable[[], bool],
        clock: Callable[[], float],
        tell: TellOfHappenings | None = None,
    ) -> None:
        """``hide_removed``: do the rules in force hide what is removed?  ``clock`` tells seconds since the epoch.

        ``tell`` is told of each recall that is news.
        """
        self._kept = kept
        self._hide_removed = hide_removed
        self._clock = clock
        self._tell = tell
        self._pages = GoodPages()
        self._turns = DeferredLock()
        self._listing: InFlight[list[RecalledFile]] = InFlight()
        self._list: tuple[float, list[RecalledFile]] | None = None
        self._doubted: tuple[list[tuple[Kept, Recall]], str] | None = None

    def saw(self, name: ProjectName, page: UpstreamPage | None) -> Deferred[None]:
        """A page was seen, or (``None``) that there is no such project any more.  Fires when all is done; never fails."""
        if page is not None and self._pages.at_ns(name) == page.confirmed_ns:
            return succeed(None)
        return self._in_turn(lambda: self._look(name, page, None, None))

    def begin(self) -> Pass:
        """Begin a pass over many projects."""
        found = _Found()
        return Pass(
            lambda name, page, held: self._in_turn(lambda: self._look(name, page, held, found)),
            lambda: self._in_turn(lambda: self._end(found)),
        )

    async def recalls(self) -> list[RecalledFile]:
        """Return every file that was taken back, by project and name.  Raises ``Busy`` and ``Unreadable``."""
        now = self._clock()
        if self._list is not None and 0 <= now - self._list[0] < REMEMBERED:
            return self._list[1]
        return await self._listing.run("all", self._recalls)

    def troubles(self) -> list[str]:
        """Return what an operator should know, in sentences: a pass in which too much was gone."""
        return [] if self._doubted is None else [self._doubted[1]]

    async def settled(self) -> None:
        """Return when all is done of what was seen so far."""
        await self._in_turn(_nothing)

    def _in_turn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> Deferred[None]:
        done: Deferred[None] = self._turns.run(lambda: Deferred.fromCoroutine(work()))
        return done.addErrback(lambda failure: self.log.failure("a page could not be looked through", failure))

    async def _look(
        self,
        name: ProjectName,
        page: UpstreamPage | None,
        held: Sequence[KnownFile] | None,
        found: _Found | None,
    ) -> None:
        now_ns = int(self._clock() * 1_000_000_000)
        said = self._pages.take(name, page, now_ns)
        if said is None:
            return
        try:
            groups = await self._kept.of(name, held)
            if found is not None:
                # A file may be in the cache and in the folders.
                found.held += len({each.file.filename for group in groups for each in group})
            for group in groups:
                await self._apply(group, *said, found)
        except TwistedPyPIError as problem:
            self.log.warn("what is kept of {name} cannot be looked at: {problem}", name=name, problem=problem)

    async def _apply(self, group: Sequence[Kept], page: ProjectPage, at_ns: int, found: _Found | None) -> None:
        # Another process, or the one before, may have seen a newer page than this.
        known = [each for each in group if each.file.recall is None or each.file.recall.since_ns <= at_ns]
        by_name = {each.file.filename: each for each in known}
        held = [(each.file.filename, each.file.sha256, each.file.recall) for each in known]
        # A sidecar keeps microseconds, and a page that is the same shall change nothing.
        changes = recalls_of(held, page, at_ns // 1000 * 1000, hide_removed=self._hide_removed())
        for filename, change in changes.items():
            kept, recall = by_name[filename], change
            if recall is not None and recall.how == YANKED and kept.was_yanked:
                recall = None
            if recall is not None and recall.how == REMOVED:
                if found is not None:
                    found.removed.append((kept, recall, at_ns))
                    continue
                recall = replace(recall, hidden=recall.hidden and kept.is_hidden)
            await self._mark(kept, recall)

    async def _mark(self, kept: Kept, recall: Recall | None) -> None:
        before = kept.file.recall
        if recall == before:
            return
        try:
            told = await self._kept.mark(kept, recall)
        except TwistedPyPIError as problem:
            self.log.warn(
                "{filename} was taken back by its index, and that cannot be written down here: {problem}",
                filename=kept.file.filename,
                problem=problem,
            )
            return
        self._list = None
        if told is not None and _is_news(before, recall):
            log = self.log.info if recall is None or recall.how == YANKED else self.log.warn
            told = replace(told, recall=recall or told.recall)
            log("{sentence}", sentence=sentence(told, back=recall is None))
            if self._tell is not None:
                self._tell(happening_of(told, self._clock(), back=recall is None))

    async def _end(self, found: _Found) -> None:
        self._list = None
        gone = sorted({(each.file.project, each.file.filename) for each, _, _ in found.removed if not each.is_hidden})
        if is_glitch(len(gone), found.held):
            said = (
                f"{len(gone)} of {found.held} files that are kept of upstream indexes seem to be removed there,"
                f" {gone[0][1]} among them; that is taken for a glitch, and nothing is hidden for it"
            )
            if self._doubted is None:
                self.log.warn("{said}", said=said)
            doubted = [(kept, replace(recall, hidden=False)) for kept, recall, _ in found.removed[:MOST_DOUBTED]]
            self._doubted = doubted, said
            return
        self._doubted = None
        for kept, recall, at_ns in found.removed:
            # A newer page may have said otherwise since.
            if self._pages.at_ns(kept.file.project) == at_ns:
                await self._mark(kept, recall)

    async def _recalls(self) -> list[RecalledFile]:
        found = {(each.project, each.filename, each.cached): each for each in await self._kept.recalled()}
        for each in await self._kept.report([] if self._doubted is None else self._doubted[0]):
            found.setdefault((each.project, each.filename, each.cached), replace(each, doubted=True))
        listed = [found[key] for key in sorted(found)]
        self._list = self._clock(), listed
        return listed


class Pass:
    """A pass over many projects."""

    def __init__(
        self,
        look: Callable[[ProjectName, UpstreamPage | None, Sequence[KnownFile] | None], Deferred[None]],
        end: Callable[[], Deferred[None]],
    ) -> None:
        """``look`` looks through a page, and ``end`` does what was put off."""
        self._look = look
        self._end = end

    def saw(
        self, name: ProjectName, page: UpstreamPage | None, held: Sequence[KnownFile] | None = None
    ) -> Deferred[None]:
        """A page was seen, or (``None``) that there is no such project any more.

        ``held`` are the files of the folders, where they are at hand.  Fires
        when it was looked through; never fails.
        """
        return self._look(name, page, held)

    def end(self) -> Deferred[None]:
        """Hide what is to be hidden, unless too much was gone.  Fires when that is done; never fails."""
        return self._end()


def _is_news(before: Recall | None, now: Recall | None) -> bool:
    return _kind(before) != _kind(now)


def _kind(recall: Recall | None) -> tuple[str, bool] | None:
    return None if recall is None else (recall.how, recall.hidden)


async def _nothing() -> None:
    """Come after what came before."""
