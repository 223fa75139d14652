"""What passes between those who keep the folders, those who write to them and those who show them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, ParamSpec, Protocol, TypeVar

from twisted_pypi.distributions import Distribution, ProjectName
from twisted_pypi.policy.recalls import Recall
from twisted_pypi.sidecars import Source
from twisted_pypi.simple.model import ProjectList, ProjectPage

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What was learnt of one file of a root, valid while ``size`` and ``mtime_ns`` agree."""

    root: int
    """Which of the roots, counted from 0 in the order they were given."""
    path: str
    """Where it is below that root, separated by ``/``."""
    distribution: Distribution
    """What its name says."""
    size: int
    """Bytes."""
    mtime_ns: int
    """``st_mtime_ns`` when the facts were read."""
    inode: int
    """``st_ino`` when the facts were read."""
    sha256: str
    """Hex digest of its bytes."""
    uploaded_ns: int
    """When it came here, in nanoseconds since the epoch; fixed when first seen."""
    requires_python: str | None = None
    """``Requires-Python`` of its metadata."""
    metadata_sha256: str | None = None
    """Hex digest of its core metadata; ``None`` when it has none that can be read."""
    signed: bool = False
    """Does a ``.asc`` signature lie beside it?"""
    yanked: str | None = None
    """Why it is yanked (PEP 592), empty when no reason was given; ``None``: it is not."""
    attested: bool = False
    """Does its sidecar hold attestations (PEP 740)?"""
    source: Source | None = None
    """How it came here, as its sidecar says; ``None``: by hand."""
    recall: Recall | None = None
    """What the index that it was fetched from did to it since, if anything."""

    @property
    def filename(self) -> str:
        """The last part of the path."""
        return self.distribution.filename

    @property
    def project(self) -> ProjectName:
        """The project that the file belongs to."""
        return self.distribution.project


@dataclass(frozen=True, slots=True)
class LocatedFile:
    """A known file and where the operating system finds it."""

    known: KnownFile
    """Its facts, which hold for the file at ``location`` now."""
    location: str
    """Its absolute path."""


class Addition(NamedTuple):
    """What is known of a file that was just published."""

    known: KnownFile
    metadata: bytes | None
    """Its core metadata, byte for byte; ``None`` when it has none."""
    sidecar_mtime_ns: int | None = None
    """``st_mtime_ns`` of the sidecar that these facts agree with."""


class Index(Protocol):
    """A package index is three verbs."""

    async def projects(self) -> ProjectList:
        """All projects, once all names are known."""

    async def project(self, name: ProjectName) -> ProjectPage:
        """One project's files.

        Raises ``NoSuchProject`` (only when all names are known) and ``Unreadable``.
        """

    async def file(self, project: ProjectName, filename: str) -> LocatedFile:
        """One file of a project.  Raises ``NoSuchFile`` and ``Unreadable``."""


class LocalFiles(Index, Protocol):
    """The index of the roots: also told of what is published and removed here."""

    async def file_at(self, path: str) -> LocatedFile:
        """The file at a path below a root (the first root that has it).

        The facts are of the bytes that are there now: a file that was just
        replaced is read again first.  Raises ``NoSuchFile`` and ``Unreadable``.
        """

    async def files_of(self, name: ProjectName) -> list[KnownFile]:
        """Every listed file of a project, one a file name.  Raises ``NoSuchProject``, ``Unreadable``."""

    async def distributions_of(self, name: ProjectName) -> list[Distribution]:
        """What the names of a project's listed files say, in no order: cheaper than the files themselves.

        Raises ``NoSuchProject``, ``Unreadable``.
        """

    async def all_files(self) -> Iterable[KnownFile]:
        """Every listed file, sorted by file name, without holding them all in memory."""

    async def metadata(self, known: KnownFile) -> bytes | None:
        """Its core metadata, byte for byte; ``None`` when it has none that can be read."""

    async def holding(self, filename: str) -> KnownFile | None:
        """The listed file of that name in any folder of any root, if there is one."""

    async def added(self, known: KnownFile, metadata: bytes | None) -> None:
        """A file was published: when this returns, the next page has it."""

    async def add(self, publish: Callable[[], Addition]) -> KnownFile:
        """Have a file published in a thread, by a call that blocks.

        When this returns the facts, the next page has it.  Raises what ``publish`` raises.
        """

    async def removed(self, known: KnownFile) -> None:
        """A file was removed: when this returns, no page has it."""

    def counts(self) -> tuple[int, int]:
        """How many projects and how many files are known."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody whose login was right."""

    name: str


class Accounts(Protocol):
    """Who may log in."""

    def remembered(self, authorization: bytes) -> User | None:
        """Who sent this ``Authorization`` header, if it was found right before and still is.

        Cheap (microseconds), on the reactor thread, for every request.
        """

    async def log_in(self, authorization: bytes | None, address: str) -> User:
        """Who sent this ``Authorization`` header from that address.

        Raises ``LoginRequired`` (none, broken or wrong), ``TooManyTries``, ``Busy``.
        """


class Changes(Protocol):
    """Tells whoever wants to know which projects changed."""

    def subscribe(self, listener: Callable[[frozenset[ProjectName]], None]) -> None:
        """Call ``listener`` with the names, on the reactor thread, before the change is seen."""


class RunInThread(Protocol):
    """Runs what blocks off the reactor thread; a plain call in tests."""

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Return what ``function`` returns, or raise what it raises."""
