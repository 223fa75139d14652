"""Everything that a pass works with, in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from twisted.internet.task import Clock

from tests.clients.archives import sdist, wheel
from twisted_pypi.boundaries import KnownFile, UpstreamPage
from twisted_pypi.distributions import ProjectName, parse_filename
from twisted_pypi.mirroring.destinations import BesideTheOthers
from twisted_pypi.mirroring.one_pass import UpdatePass
from twisted_pypi.mirroring.outcomes import ProjectOutcome
from twisted_pypi.owning import Owners
from twisted_pypi.policy.names import NamePatterns
from twisted_pypi.project_records import Origin, ProjectRecord, Whose
from twisted_pypi.sidecars import Source
from twisted_pypi.testing.memory_index import MemoryIndex
from twisted_pypi.testing.memory_records import MemoryRecords
from twisted_pypi.testing.memory_store import MemoryStore, StoredFile
from twisted_pypi.testing.memory_upstream import MemoryUpstream

NOW = 1_700_000_000.0
DAY_NS = 86_400 * 10**9


async def at_once(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """What would run in a thread."""
    return function(*args, **kwargs)


class Records(MemoryRecords):
    """Whose projects are, as it was written down."""

    def __init__(self) -> None:
        super().__init__()
        self.changed: Callable[[frozenset[ProjectName]], None] = lambda _: None

    def change_origin(self, name: ProjectName, origin: Origin | None) -> ProjectRecord:
        record = super().change_origin(name, origin)
        self.changed(frozenset({name}))
        return record


class Index(MemoryIndex):
    """An index that says how its files came here."""

    async def sources(self, _: object) -> dict[ProjectName, frozenset[Source | None]]:
        raise NotImplementedError


class House:
    """A store, its index, an upstream, and whose the projects are."""

    def __init__(self, *private: str) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.index = Index()
        self.store = MemoryStore()
        self.upstream = MemoryUpstream()
        self.upstream.now_ns = int(NOW) * 10**9 - 30 * DAY_NS
        self.records = Records()
        self.owners = Owners(
            NamePatterns(private), self.records, self.index, run_in_thread=at_once, clock=self.clock.seconds
        )
        self.records.changed = self.owners.drop
        self.seen: list[tuple[ProjectName, UpstreamPage | None, Sequence[KnownFile]]] = []

    def update(self, **options: Any) -> UpdatePass:
        return UpdatePass(
            self.upstream,
            self.index,
            self.owners,
            BesideTheOthers(self.store, self.index, at_once),
            run_in_thread=at_once,
            clock=self.clock,
            saw=lambda *seen: self.seen.append(seen),
            **options,
        )

    async def hold(
        self, path: str, body: bytes | None = None, *, source: Source | None = Source.UPSTREAM, root: int = 0
    ) -> KnownFile:
        """Have a file here."""
        distribution = parse_filename(path.rpartition("/")[2])
        if body is None:
            body = archive(distribution.filename)
        known = KnownFile(root, path, distribution, len(body), 1, 1, sha256(body).hexdigest(), 1, source=source)
        self.store.files[path] = StoredFile(body)
        await self.index.added(known, None)
        self.owners.drop(frozenset({known.project}))
        return known

    def offer(self, *filenames: str, **facts: Any) -> None:
        """Have the upstream publish wheels and sdists."""
        for each in filenames:
            self.upstream.put(each, archive(each), **facts)

    def whose(self, name: str) -> Whose | None:
        origin = self.records.of(ProjectName(name)).origin
        return None if origin is None else origin.whose


def archive(filename: str) -> bytes:
    """A package that fits its name."""
    found = parse_filename(filename)
    name = filename.split("-", maxsplit=1)[0]
    return (wheel if filename.endswith(".whl") else sdist)(name, found.version).content


class Heard:
    """A ``Progress`` that keeps what it was told."""

    def __init__(self) -> None:
        self.projects: int | None = None
        self.outcomes: list[ProjectOutcome] = []
        self.files: list[tuple[str, int | None]] = []
        self.size = 0

    def begun(self, projects: int) -> None:
        self.projects = projects

    def ended(self, outcome: ProjectOutcome) -> None:
        self.outcomes.append(outcome)

    def fetching(self, filename: str, size: int | None) -> None:
        self.files.append((filename, size))

    def received(self, size: int) -> None:
        self.size += size
