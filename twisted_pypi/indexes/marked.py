"""An index whose projects have a status (PEP 792): what is quarantined, here or upstream, is not given out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from twisted_pypi.boundaries import Addition, KnownFile, LocalFiles, LocatedFile
from twisted_pypi.distributions import Distribution, ProjectName
from twisted_pypi.errors import NotAllowed, Recalled
from twisted_pypi.policy.moments import iso
from twisted_pypi.project_records import ProjectRecord, Status
from twisted_pypi.simple.model import ProjectList, ProjectPage


class Marked:
    """What is in another index, a ``LocalFiles`` itself, under the status of each project."""

    def __init__(self, index: LocalFiles, record_of: Callable[[ProjectName], ProjectRecord]) -> None:
        """``record_of`` is what is kept of a project."""
        self._index = index
        self._record_of = record_of

    async def projects(self) -> ProjectList:
        """All projects, those that are quarantined as well: their names are taken."""
        return await self._index.projects()

    async def project(self, name: ProjectName) -> ProjectPage:
        """One project's files and status.  Raises ``NoSuchProject`` and ``Unreadable``."""
        page = await self._index.project(name)
        record = self._record_of(name)
        # Whose it is, and what else is kept of it, is not for its page.
        if record.status is Status.ACTIVE and record.reason is None:
            return page
        page = replace(page, status=record.status.value, status_reason=record.reason)
        return replace(page, files=(), versions=()) if record.status is Status.QUARANTINED else page

    async def file(self, project: ProjectName, filename: str) -> LocatedFile:
        """One file of a project.  Raises ``NoSuchFile``, ``NotAllowed`` and ``Unreadable``."""
        return self._given(await self._index.file(project, filename))

    async def file_at(self, path: str) -> LocatedFile:
        """The file at a path below a root.  Raises ``NoSuchFile``, ``NotAllowed`` and ``Unreadable``."""
        return self._given(await self._index.file_at(path))

    async def files_of(self, name: ProjectName) -> list[KnownFile]:
        """Every file of a project that is given out.  Raises ``NoSuchProject``, ``Unreadable``."""
        files = await self._index.files_of(name)
        return [] if self._is_quarantined(name) else [known for known in files if not _is_hidden(known)]

    async def distributions_of(self, name: ProjectName) -> list[Distribution]:
        """What the names of those files say.  Raises ``NoSuchProject``, ``Unreadable``."""
        distributions = await self._index.distributions_of(name)
        return [] if self._is_quarantined(name) else distributions

    async def all_files(self) -> Iterable[KnownFile]:
        """Every file that is given out, sorted by file name."""
        return self._without_quarantined(await self._index.all_files())

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

    def _is_quarantined(self, name: ProjectName) -> bool:
        return self._record_of(name).status is Status.QUARANTINED

    def _given(self, located: LocatedFile) -> LocatedFile:
        known = located.known
        if self._is_quarantined(known.project):
            sentence = self._record_of(known.project).sentence
            raise NotAllowed(f"{known.filename} is not given out: the project {known.project} {sentence}")
        if known.recall is not None and known.recall.hidden:
            reason = f": {known.recall.reason}" if known.recall.reason else ""
            raise Recalled(
                f"{known.filename} is recalled: its index has {known.recall.how} it,"
                f" as was first seen at {iso(known.recall.since_ns)}{reason}"
            )
        return located

    def _without_quarantined(self, files: Iterable[KnownFile]) -> Iterator[KnownFile]:
        return (known for known in files if not self._is_quarantined(known.project) and not _is_hidden(known))


def _is_hidden(known: KnownFile) -> bool:
    return known.recall is not None and known.recall.hidden
