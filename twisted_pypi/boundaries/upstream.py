"""What passes between the parts of the mirror: another index's pages, its files, and what is kept of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from twisted_pypi.boundaries.store import Staged
from twisted_pypi.distributions import ProjectName
from twisted_pypi.policy.ownership import Decision
from twisted_pypi.policy.recalls import Recall
from twisted_pypi.simple.model import File, ProjectPage


@dataclass(frozen=True, slots=True)
class UpstreamPage:
    """What an upstream index says of a project, and how fresh that is."""

    page: ProjectPage
    """The page; the URLs of its files are absolute."""
    index: str
    """The address of the index that it comes from, without a login and without a slash at its end."""
    serial: int | None
    """The number of the upstream's last change, where it counts them."""
    confirmed_ns: int
    """When the upstream last said this, nanoseconds since the epoch."""
    fresh_until_ns: int
    """Until when it need not be asked again."""
    etag: str
    """A text that differs whenever the page does."""
    stale_because: str | None = None
    """Why the upstream could not be asked since, in a sentence; ``None``: it could."""


class Flow(Protocol):
    """A body on its way here, which can be told to wait."""

    def pause(self) -> None:
        """Send no more for now.  Harmless when paused already."""

    def resume(self) -> None:
        """Go on.  Harmless when not paused."""


class Sink(Protocol):
    """Where the bytes of a body go.  Everything here is called on the reactor thread and must not block."""

    def begun(self, flow: Flow, length: int | None) -> None:
        """The body begins; ``length`` is what the upstream says it has, if it says so.  Once a fetch."""

    def received(self, data: bytes) -> None:
        """More of the body."""


class Upstream(Protocol):
    """Other indexes, as one: the first that has a project has all of it."""

    async def page(self, name: ProjectName, *, confirm: bool = False) -> UpstreamPage:
        """What the upstream says of a project: what is kept while that is fresh, else it is asked.

        With ``confirm`` it is asked in any case.  What is kept is given, as
        stale, when it cannot be asked.  Raises ``NoSuchProject``, and
        ``UpstreamFailed`` when it cannot be asked and nothing is kept.
        """

    async def kept(self, name: ProjectName) -> UpstreamPage | None:
        """What is kept of a project; never a connection."""

    async def fetch(self, url: str, index: str, sink: Sink) -> None:
        """Bring the body at an address that a page of ``index`` names; returns when all of it was received.

        It is never unpacked.  What breaks off is taken up again where it stopped
        (RFC 9110 section 14), so ``sink`` sees each byte once.  Raises
        ``UpstreamFailed``.  Cancelling it closes the connection.
        """


@dataclass(frozen=True, slots=True)
class CachedFile:
    """A file of an upstream index that is kept here."""

    project: ProjectName
    filename: str
    location: str
    """Its absolute path."""
    size: int
    """Bytes."""
    mtime_ns: int
    sha256: str
    """Hex digest, which was right when it was stored."""
    fetched_ns: int
    """When it was stored, nanoseconds since the epoch."""
    facts: File
    """What the upstream said of it then; a sidecar keeps it."""
    index: str
    """The address of the index that it comes from."""
    recall: Recall | None = None
    """What the upstream did to it since, if anything."""


class Cache(Protocol):
    """Files of upstream indexes, kept in ``<root>/.upstream/<project>/``.

    What is not marked as blocking is quick enough for the reactor thread.
    """

    def find(self, project: ProjectName, filename: str) -> CachedFile | None:
        """A file that is kept.  ``filename`` may also be that of a ``.metadata`` file beside a wheel."""

    def files_of(self, project: ProjectName) -> list[CachedFile]:
        """All that is kept of a project.  Blocking."""

    def projects(self) -> frozenset[ProjectName]:
        """The projects of which anything is kept."""

    def stage(self, expected_size: int | None) -> Staged:
        """Make room for bytes to come; older files that nobody used go first.  Blocking.

        Raises ``NoSpace``, ``NotAllowed`` (read-only).
        """

    def keep(self, staged: Staged, project: ProjectName, file: File, index: str, *, suffix: str = "") -> CachedFile:
        """Give staged bytes, whose digest was found right, their name: that of ``file`` and ``suffix``.  Blocking.

        Raises ``NoSpace``, ``NotAllowed`` and ``Unreadable``.
        """

    def used(self, project: ProjectName, filename: str) -> None:
        """Somebody took it: others go before it when room is needed."""

    def mark(self, cached: CachedFile, recall: Recall | None) -> CachedFile:
        """Write down beside a file what the upstream did to it.  Blocking.  Raises ``NoSuchFile``, ``NotAllowed``."""

    def size(self) -> tuple[int, int]:
        """How many files are kept, and their bytes."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A file of an upstream index that may be given out."""

    project: ProjectName
    file: File
    """What the upstream says of it, or said when it was stored; its URL is absolute."""
    index: str
    """The address of the index that it comes from."""
    cached: CachedFile | None
    """The file, where it is kept already."""


class Offers(Protocol):
    """Which files of upstream indexes are given out here."""

    async def offered(self, project: ProjectName, filename: str) -> Offered:
        """A file that may be given out, by its name alone.

        Raises ``NoSuchProject``, ``NoSuchFile``, ``HeldBack``, ``Recalled``
        and ``UpstreamFailed``.
        """


class Ownership(Protocol):
    """Whose a project is: asked wherever a name could go outside."""

    async def owner(self, name: ProjectName) -> Decision:
        """The decision that holds, by what is known here; the upstream is not asked.  Raises ``Unreadable``."""

    async def decide(self, name: ProjectName, published: Mapping[str, frozenset[str]], index: str) -> Decision:
        """Compare what is held of an undecided project with what an upstream publishes, and write the outcome down.

        ``published`` are hex sha256 digests by file name.  A decision that
        was made before is only returned.  Raises ``Unreadable``, ``NotAllowed``, ``NoSpace``.
        """


class TellOfFiles(Protocol):
    """Who is told that clients took files of upstream indexes."""

    def __call__(self, project: ProjectName, filename: str, user: str | None, address: str, agent: str) -> None:
        """Somebody took a file.  On the reactor thread, for each download; must not block."""
