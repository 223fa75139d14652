"""An index of files that exist only in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from urllib.parse import quote

from twisted_pypi.boundaries import Addition, KnownFile, LocatedFile, RunInThread
from twisted_pypi.distributions import Distribution, ProjectName, canonical_version, parse_filename
from twisted_pypi.errors import NoSuchFile, NoSuchProject
from twisted_pypi.sidecars import Source
from twisted_pypi.simple.model import File, ProjectList, ProjectPage


def known_file(
    path: str,
    metadata: bytes | None = None,
    *,
    size: int = 0,
    uploaded_ns: int = 0,
    requires_python: str | None = None,
) -> KnownFile:
    """Return the facts of a file at ``path`` whose bytes are its path."""
    return KnownFile(
        root=0,
        path=path,
        distribution=parse_filename(path.rpartition("/")[2]),
        size=size,
        mtime_ns=uploaded_ns,
        inode=0,
        sha256=sha256(path.encode()).hexdigest(),
        uploaded_ns=uploaded_ns,
        requires_python=requires_python,
        metadata_sha256=None if metadata is None else sha256(metadata).hexdigest(),
    )


class MemoryIndex:
    """A ``LocalFiles`` that knows what it was told."""

    def __init__(self) -> None:
        """Know nothing."""
        self._files: dict[str, tuple[KnownFile, bytes | None]] = {}
        self.metadata_reads = 0
        """How often metadata was asked for."""

    def put(self, path: str, metadata: bytes | None = None, *, size: int = 0, uploaded_ns: int = 0) -> KnownFile:
        """Have a file at ``path``, and return its facts."""
        known = known_file(path, metadata, size=size, uploaded_ns=uploaded_ns)
        self._files[path] = known, metadata
        return known

    def _sorted(self) -> list[KnownFile]:
        return sorted((known for known, _ in self._files.values()), key=lambda known: known.filename)

    async def projects(self) -> ProjectList:
        """All projects."""
        return ProjectList(tuple(sorted({known.project for known in self._sorted()})))

    async def project(self, name: ProjectName) -> ProjectPage:
        """One project's files.  Raises ``NoSuchProject``."""
        files = [known for known in await self.files_of(name) if known.recall is None or not known.recall.hidden]
        versions = {canonical_version(known.distribution.version): None for known in files}
        return ProjectPage(name, tuple(_file(known) for known in files), tuple(versions))

    async def file(self, project: ProjectName, filename: str) -> LocatedFile:
        """One file of a project.  Raises ``NoSuchFile``."""
        for known in self._sorted():
            if (known.project, known.filename) == (project, filename):
                return LocatedFile(known, f"/{known.path}")
        raise NoSuchFile(f"there is no file {filename}")

    async def file_at(self, path: str) -> LocatedFile:
        """The file at a path.  Raises ``NoSuchFile``."""
        if path not in self._files:
            raise NoSuchFile(f"there is no file {path}")
        return LocatedFile(self._files[path][0], f"/{path}")

    async def files_of(self, name: ProjectName) -> list[KnownFile]:
        """Every file of a project.  Raises ``NoSuchProject``."""
        files = [known for known in self._sorted() if known.project == name]
        if not files:
            raise NoSuchProject(f"there is no project {name}")
        return files

    async def distributions_of(self, name: ProjectName) -> list[Distribution]:
        """What the names of a project's files say.  Raises ``NoSuchProject``."""
        return [known.distribution for known in await self.files_of(name)]

    async def all_files(self) -> Iterable[KnownFile]:
        """Every file, sorted by file name."""
        return _one_by_one(self._sorted())

    async def metadata(self, known: KnownFile) -> bytes | None:
        """Its core metadata."""
        self.metadata_reads += 1
        return self._files[known.path][1]

    async def holding(self, filename: str) -> KnownFile | None:
        """The file of that name."""
        return next((known for known in self._sorted() if known.filename == filename), None)

    async def added(self, known: KnownFile, metadata: bytes | None) -> None:
        """A file was published."""
        self._files[known.path] = known, metadata

    async def add(self, publish: Callable[[], Addition]) -> KnownFile:
        """Have a file published."""
        added = publish()
        await self.added(added.known, added.metadata)
        return added.known

    async def removed(self, known: KnownFile) -> None:
        """A file was removed."""
        del self._files[known.path]

    async def sources(self, run_in_thread: RunInThread) -> Mapping[ProjectName, frozenset[Source | None]]:
        """How the files of each project came here."""
        del run_in_thread
        names = {known.project for known in self._sorted()}
        return {name: frozenset(known.source for known in self._sorted() if known.project == name) for name in names}

    async def recalled(self) -> list[KnownFile]:
        """The files that the index they were fetched from did something to."""
        return [known for known in self._sorted() if known.recall is not None]

    def counts(self) -> tuple[int, int]:
        """How many projects and how many files there are."""
        return len({known.project for known in self._sorted()}), len(self._files)


def _one_by_one(files: list[KnownFile]) -> Iterator[KnownFile]:
    yield from files


def _file(known: KnownFile) -> File:
    return File(
        known.filename,
        f"../../packages/{quote(known.path)}",
        {"sha256": known.sha256},
        size=known.size,
        upload_time_ns=known.uploaded_ns,
        requires_python=known.requires_python,
        core_metadata=None if known.metadata_sha256 is None else {"sha256": known.metadata_sha256},
        yanked=False if known.yanked is None else known.yanked or True,
    )
