"""An index of the folders in which files that were fetched from an upstream stay under the rules for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from twisted_pypi.boundaries import Addition, KnownFile, LocalFiles, LocatedFile
from twisted_pypi.distributions import Distribution, ProjectName
from twisted_pypi.errors import HeldBack
from twisted_pypi.policy.rules import HeldBackFile, Rules
from twisted_pypi.sidecars import Source
from twisted_pypi.simple.model import File, ProjectList, ProjectPage
from twisted_pypi.simple.versions import spelled_versions

_ANYTHING_GOES = Rules()


class Ruled:
    """What is in another index, a ``LocalFiles`` itself, but for fetched files that a rule holds back.

    Uploads, and what was put there by hand, are no business of the rules.
    """

    def __init__(
        self,
        index: LocalFiles,
        rules: Callable[[], Rules],
        *,
        clock: Callable[[], float],
        expect_end: Callable[[ProjectName, int], None],
    ) -> None:
        """``rules`` are those in force, ``clock`` tells seconds since the epoch.

        ``expect_end`` is told until when a page that was built is right, or a
        file may be given out, in nanoseconds since the epoch.
        """
        self._index = index
        self._rules = rules
        self._clock = clock
        self._expect_end = expect_end

    async def projects(self) -> ProjectList:
        """All projects, those as well of which everything is held back."""
        return await self._index.projects()

    async def project(self, name: ProjectName) -> ProjectPage:
        """One project's files.  Raises ``NoSuchProject`` and ``Unreadable``."""
        page, rules = await self._index.project(name), self._rules()
        if rules == _ANYTHING_GOES:
            return page
        files = await self._index.files_of(name)
        fetched = ProjectPage(name, tuple(facts_of(known) for known in files if known.source is Source.UPSTREAM))
        change = rules.next_change(fetched, self._now_ns())
        if change is not None:
            self._expect_end(name, change)
        given = {known.filename: known.distribution.version for known in files if self.judge(known) is None}
        if len(given) == len(files):
            return page
        shown = tuple(file for file in page.files if file.filename in given)
        return replace(page, files=shown, versions=spelled_versions(given[file.filename] for file in shown))

    async def file(self, project: ProjectName, filename: str) -> LocatedFile:
        """One file of a project.  Raises ``NoSuchFile``, ``NotAllowed`` and ``Unreadable``."""
        return self._given(await self._index.file(project, filename))

    async def file_at(self, path: str) -> LocatedFile:
        """The file at a path below a root.  Raises ``NoSuchFile``, ``NotAllowed`` and ``Unreadable``."""
        return self._given(await self._index.file_at(path))

    async def files_of(self, name: ProjectName) -> list[KnownFile]:
        """Every file of a project that is given out.  Raises ``NoSuchProject``, ``Unreadable``."""
        return [known for known in await self._index.files_of(name) if self.judge(known) is None]

    async def distributions_of(self, name: ProjectName) -> list[Distribution]:
        """What the names of those files say.  Raises ``NoSuchProject``, ``Unreadable``."""
        if self._rules() == _ANYTHING_GOES:
            return await self._index.distributions_of(name)
        return [known.distribution for known in await self.files_of(name)]

    async def all_files(self) -> Iterable[KnownFile]:
        """Every file that is given out, sorted by file name."""
        return self._without_held_back(await self._index.all_files())

    async def metadata(self, known: KnownFile) -> bytes | None:
        """Its core metadata, byte for byte; ``None`` when it has none that can be read."""
        return await self._index.metadata(known)

    async def holding(self, filename: str) -> KnownFile | None:
        """The file of that name, whether it is given out or not."""
        return await self._index.holding(filename)

    async def added(self, known: KnownFile, metadata: bytes | None) -> None:
        """A file was published: when this returns, the next page has it."""
        await self._index.added(known, metadata)

    async def add(self, publish: Callable[[], Addition]) -> KnownFile:
        """Have a file published: when this returns, the next page has it."""
        return await self._index.add(publish)

    async def removed(self, known: KnownFile) -> None:
        """A file was removed: when this returns, no page has it."""
        await self._index.removed(known)

    def counts(self) -> tuple[int, int]:
        """How many projects and how many files are known."""
        return self._index.counts()

    def judge(self, known: KnownFile) -> HeldBackFile | None:
        """Return what holds a file of the folders back; ``None``: nothing does."""
        if known.source is not Source.UPSTREAM:
            return None
        return self._rules().judge(known.project, facts_of(known), self._now_ns())

    def _given(self, located: LocatedFile) -> LocatedFile:
        held = self.judge(located.known)
        if held is not None:
            raise HeldBack(f"{located.known.filename} is {held.sentence}")
        if located.known.source is Source.UPSTREAM and (rules := self._rules()) != _ANYTHING_GOES:
            # Small files and metadata are kept ready to be sent, like pages.
            name = located.known.project
            change = rules.next_change(ProjectPage(name, (facts_of(located.known),)), self._now_ns())
            if change is not None:
                self._expect_end(name, change)
        return located

    def _without_held_back(self, files: Iterable[KnownFile]) -> Iterator[KnownFile]:
        return (known for known in files if self.judge(known) is None)

    def _now_ns(self) -> int:
        return int(self._clock() * 1_000_000_000)


def facts_of(known: KnownFile) -> File:
    """Return what rules judge a file of the folders by; one that was fetched has the upstream's time of upload."""
    return File(known.filename, "", {"sha256": known.sha256}, size=known.size, upload_time_ns=known.uploaded_ns)
