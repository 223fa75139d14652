"""Folders, an upstream and what is kept of it, all in memory, and the indexes over them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import ParamSpec, TypeVar

from twisted.internet.defer import Deferred, succeed

from twisted_pypi.boundaries import CachedFile, KnownFile
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import NoSuchProject
from twisted_pypi.indexes.first_match import FirstMatch
from twisted_pypi.indexes.mirrored import Mirrored
from twisted_pypi.policy.names import NamePatterns
from twisted_pypi.policy.ownership import Decision, HeldFile, decide_without_asking
from twisted_pypi.policy.rules import Rules
from twisted_pypi.project_records import ACTIVE, ProjectRecord
from twisted_pypi.sidecars import Source
from twisted_pypi.testing.memory_cache import MemoryCache
from twisted_pypi.testing.memory_index import MemoryIndex, known_file
from twisted_pypi.testing.memory_upstream import MemoryUpstream

P = ParamSpec("P")
T = TypeVar("T")

S = 10**9
NOW = 1_700_000_000
FOO = ProjectName("foo")


def at_once(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
    return succeed(function(*args, **kwargs))


class Owners:
    """Decides by the folders alone, as the server does."""

    def __init__(
        self, index: MemoryIndex, records: Mapping[ProjectName, ProjectRecord], private: Collection[str]
    ) -> None:
        self._index = index
        self._records = records
        self._private = NamePatterns(private)

    async def owner(self, name: ProjectName) -> Decision:
        try:
            held = await self._index.files_of(name)
        except NoSuchProject:
            held = []
        files = [HeldFile(known.filename, known.sha256, known.source) for known in held]
        return decide_without_asking(self._private.match(name), self._records.get(name, ACTIVE).origin, files)

    async def decide(self, name: ProjectName, published: Mapping[str, frozenset[str]], index: str) -> Decision:
        raise AssertionError(f"no page compares: {name} {published} {index}")


class World:
    def __init__(
        self,
        *,
        merge: Collection[str] = (),
        private: Collection[str] = (),
        offline: bool = False,
        expect_end: Callable[[ProjectName, int], None] | None = None,
    ) -> None:
        self.now = NOW
        self.local = MemoryIndex()
        self.upstream = MemoryUpstream()
        self.cache = MemoryCache(lambda: self.now * S)
        self.rules = Rules()
        self.records: dict[ProjectName, ProjectRecord] = {}
        self.ends: dict[ProjectName, int] = {}
        self.mirrored = Mirrored(
            self.upstream,
            self.cache,
            lambda: self.rules,
            clock=lambda: self.now,
            run_in_thread=at_once,
            expect_end=expect_end or self.ends.__setitem__,
            offline=offline,
        )
        self.owners = Owners(self.local, self.records, private)
        self.index = FirstMatch(
            self.local,
            self.mirrored,
            self.owners,
            lambda name: self.records.get(name, ACTIVE),
            merge=[ProjectName(name) for name in merge],
        )

    async def hold(self, path: str, *, source: Source | None = None, sha256: str | None = None) -> KnownFile:
        """Have a file in the folders."""
        known = known_file(path)
        known = replace(known, source=source, sha256=known.sha256 if sha256 is None else sha256)
        await self.local.added(known, None)
        return known

    def keep(self, filename: str, *, project: ProjectName = FOO) -> CachedFile:
        """Have what the upstream publishes now in the cache."""
        file = next(each for each in self.upstream.pages[project].files if each.filename == filename)
        return self.cache.put(project, file, self.upstream.index, self.upstream.bodies[file.url])

    def withdraw(self, filename: str, *, project: ProjectName = FOO) -> None:
        """Let the upstream list a file no more."""
        page = self.upstream.pages[project]
        self.upstream.pages[project] = replace(
            page, files=tuple(each for each in page.files if each.filename != filename)
        )

    async def names(self, project: ProjectName = FOO) -> list[str]:
        """The files that clients see."""
        return [file.filename for file in (await self.index.project(project)).files]
