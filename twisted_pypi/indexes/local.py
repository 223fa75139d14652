"""The index of the roots: what is in the folders, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol
from urllib.parse import quote

from twisted_pypi.boundaries import Addition, KnownFile, LocatedFile, RunInThread
from twisted_pypi.catalog import Catalog, Place, Sighting, State
from twisted_pypi.distributions import Distribution, Kind, ProjectName
from twisted_pypi.errors import NoSuchFile, NoSuchProject, Unreadable
from twisted_pypi.sidecars import Source
from twisted_pypi.simple.model import File, ProjectList, ProjectPage
from twisted_pypi.simple.versions import spelled_versions, version_key


class Enquiries(Protocol):
    """Who keeps the catalog in step with the files, as far as an index needs it.

    Everything here may raise ``Busy`` and ``Unreadable``.
    """

    async def opened(self) -> None:
        """Return when what was known from before can be read."""

    async def all_read(self) -> None:
        """Return when every file that was seen is known."""

    async def named(self) -> None:
        """Return when all names of all roots were read once."""

    async def settled(self, project: ProjectName) -> None:
        """Return when every file that there is of a project is known."""

    async def look_again(self, place: Place) -> None:
        """Bring what is known of one file up to date."""

    async def remember(self, known: KnownFile, metadata: bytes | None) -> None:
        """A file was published, and this is known of it."""

    async def publish(self, publish: Callable[[], Addition]) -> KnownFile:
        """Call ``publish`` in a thread, and remember what is known of the file."""

    async def forget(self, place: Place) -> None:
        """A file was removed."""


class LocalIndex:
    """What is in the roots, by the facts that the catalog has of each file."""

    def __init__(self, catalog: Catalog, enquiries: Enquiries) -> None:
        """``enquiries`` sees to it that the catalog knows what is asked for."""
        self._catalog = catalog
        self._enquiries = enquiries
        self._list = -1, ProjectList(())

    async def projects(self) -> ProjectList:
        """All projects, once all names are known."""
        await self._enquiries.named()
        if self._list[0] != self._catalog.generation:
            self._list = self._catalog.generation, ProjectList(tuple(sorted(self._catalog.projects)))
        return self._list[1]

    async def project(self, name: ProjectName) -> ProjectPage:
        """One project's files but for those that were taken back, sorted by version and then by file name.

        Raises ``NoSuchProject`` (only when all names are known) and ``Unreadable``.
        """
        files = [known for known in await self.files_of(name) if known.recall is None or not known.recall.hidden]
        spelled = spelled_versions(known.distribution.version for known in files)
        return ProjectPage(name, tuple([_file(known) for known in files]), spelled)

    async def file(self, project: ProjectName, filename: str) -> LocatedFile:
        """One file of a project.  Raises ``NoSuchFile`` and ``Unreadable``."""
        await self._enquiries.settled(project)
        for known in self._catalog.read.files_of(project):
            if known.filename == filename:
                return await self._located(Place.of(known))
        raise NoSuchFile(f"the project {project} has no file {filename}")

    async def file_at(self, path: str) -> LocatedFile:
        """The file at a path below a root (the first root that has it), with the facts of its present bytes.

        Raises ``NoSuchFile`` and ``Unreadable``.
        """
        if not path.isprintable() or any(not part or part.startswith(".") for part in path.split("/")):
            raise NoSuchFile(f"there is no file at {path}")
        await self._enquiries.opened()
        place = self._place(path)
        if place is None:
            await self._enquiries.named()
            place = self._place(path)
        if place is None:
            raise NoSuchFile(f"there is no file at {path}")
        return await self._located(place)

    async def files_of(self, name: ProjectName) -> list[KnownFile]:
        """Every listed file of a project, one a file name, sorted by version.

        Raises ``NoSuchProject`` and ``Unreadable``.
        """
        await self._enquiries.settled(name)
        files = self._catalog.read.files_of(name)
        if not files:
            self._see_why_none(name)
        return _by_version(files)

    async def distributions_of(self, name: ProjectName) -> list[Distribution]:
        """What the names of a project's listed files say, in no order.

        Raises ``NoSuchProject`` and ``Unreadable``.
        """
        await self._enquiries.settled(name)
        distributions = self._catalog.read.distributions(name)
        if not distributions:
            self._see_why_none(name)
        return distributions

    async def all_files(self) -> Iterable[KnownFile]:
        """Every listed file, sorted by file name, without holding them all in memory.

        It waits for the first scan: a list that lacks some would be taken for whole.
        """
        await self._enquiries.all_read()
        return self._catalog.read.all_files()

    async def metadata(self, known: KnownFile) -> bytes | None:
        """Its core metadata, byte for byte; ``None`` when it has none that can be read."""
        if known.metadata_sha256 is None:
            return None
        await self._enquiries.opened()
        return self._catalog.read.metadata(known.sha256)

    async def holding(self, filename: str) -> KnownFile | None:
        """The listed file of that name in any folder of any root, if there is one."""
        await self._enquiries.named()
        return self._catalog.read.holding(filename)

    async def added(self, known: KnownFile, metadata: bytes | None) -> None:
        """A file was published: when this returns, the next page has it."""
        await self._enquiries.remember(known, metadata)

    async def add(self, publish: Callable[[], Addition]) -> KnownFile:
        """Have a file published in a thread: when this returns what is known of it, the next page has it."""
        return await self._enquiries.publish(publish)

    async def removed(self, known: KnownFile) -> None:
        """A file was removed: when this returns, no page has it."""
        await self._enquiries.forget(Place.of(known))

    async def sources(self, run_in_thread: RunInThread) -> Mapping[ProjectName, frozenset[Source | None]]:
        """How the listed files of each project came here, once all files are read.  Raises ``Busy``, ``Unreadable``."""
        await self._enquiries.all_read()
        return await run_in_thread(self._sources)

    async def recalled(self) -> list[KnownFile]:
        """The listed files that the index they were fetched from did something to, by file name.  Raises ``Busy``."""
        await self._enquiries.opened()
        return self._catalog.read.recalled()

    def counts(self) -> tuple[int, int]:
        """How many projects and how many files are known."""
        return len(self._catalog.projects), self._catalog.files

    def _see_why_none(self, name: ProjectName) -> None:
        states = self._catalog.read.states(name)
        if any(state is State.UNREADABLE for _, state in states):
            raise Unreadable(f"the files of {name} cannot be read at the moment; the log says why")
        if not states:
            raise NoSuchProject(f"there is no project {name} here")

    def _sources(self) -> Mapping[ProjectName, frozenset[Source | None]]:
        with self._catalog.reading() as read:
            return read.sources()

    def _place(self, path: str) -> Place | None:
        """The place in the first root where a file was seen at a path."""
        places = (Place.at(root, path) for root in range(len(self._catalog.roots)))
        return next((place for place in places if self._catalog.read.state(place) is not None), None)

    async def _located(self, place: Place) -> LocatedFile:
        found = self._unchanged(place)
        if found is None:
            # Replaced, removed or not read yet: then its facts are those of other bytes, or none.
            await self._enquiries.look_again(place)
            found = self._unchanged(place)
        if found is not None:
            return found
        if self._catalog.read.state(place) is None:
            raise NoSuchFile(f"there is no file at {place.path}")
        raise Unreadable(f"{place.path} cannot be read at the moment; ask again")

    def _unchanged(self, place: Place) -> LocatedFile | None:
        known = self._catalog.read.known(place)
        if known is None:
            return None
        location = f"{self._catalog.roots[place.root]}/{place.path}"
        try:
            now = Sighting.of(os.stat(location))  # noqa: PTH116  # on the way of every download
        except OSError:
            return None
        same = now.same_bytes_as(Sighting(known.size, known.mtime_ns, known.inode))
        return LocatedFile(known, location) if same else None


def _file(known: KnownFile) -> File:
    """A file as a page shows it; its URL is relative to the page of its project."""
    # Of other kinds of distribution, the metadata inside is not what an installer would come to.
    shown = known.metadata_sha256 is not None and known.distribution.kind is Kind.WHEEL
    return File(
        known.filename,
        f"../../packages/{quote(known.path)}",
        {"sha256": known.sha256},
        size=known.size,
        upload_time_ns=known.uploaded_ns,
        requires_python=known.requires_python,
        core_metadata={"sha256": known.metadata_sha256} if shown and known.metadata_sha256 else None,
        gpg_sig=known.signed or None,
        yanked=False if known.yanked is None else known.yanked or True,
    )


def _by_version(files: Sequence[KnownFile]) -> list[KnownFile]:
    """Sorted by version (PEP 440), those that break PEP 440 first, and then by file name."""
    return sorted(files, key=lambda known: (*version_key(known.distribution.version), known.filename))
