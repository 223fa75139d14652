"""Files that are kept of an upstream, in the cache and in the folders, and who recalls them; all in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from typing import Any, cast

from twisted.internet.task import Clock
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher

from twisted_pypi.boundaries import CachedFile, KnownFile, Recall, UpstreamPage
from twisted_pypi.distributions import ProjectName, parse_filename
from twisted_pypi.recalling.kept_files import KeptFiles
from twisted_pypi.recalling.recaller import Pass, Recaller
from twisted_pypi.sidecars import Sidecar, format_sidecar, parse_sidecar
from twisted_pypi.testing.memory_cache import MemoryCache
from twisted_pypi.testing.memory_index import MemoryIndex
from twisted_pypi.testing.memory_store import MemoryStore, StoredFile
from twisted_pypi.testing.memory_upstream import MemoryUpstream
from twisted_pypi.upstream_facts import upstream_sidecar

NOW = 1_700_000_000.0
HOUR = 3600.0
ACME = ProjectName("acme")


async def at_once(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """What would run in a thread."""
    return function(*args, **kwargs)


class House:
    def __init__(self, *, hide: bool = False) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.upstream = MemoryUpstream()
        self.cache = MemoryCache(self._now_ns)
        self.index, self.store = MemoryIndex(), MemoryStore()
        self.changed: list[ProjectName] = []
        self.hide = hide
        self.kept = KeptFiles(
            self.cache,
            self.index,
            self.store,
            sidecar_of=lambda known: self.sidecar(known.path),
            run_in_thread=at_once,
            changed=self.changed.extend,
        )
        self.recaller = Recaller(self.kept, hide_removed=lambda: self.hide, clock=self.clock.seconds)
        self.upstream.now_ns = self._now_ns()

    def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.upstream.now_ns = self._now_ns()

    def publish(self, *versions: str, name: ProjectName = ACME) -> None:
        """Have the upstream publish releases, and nothing else."""
        self.upstream.pages.pop(name, None)
        for version in versions:
            filename = f"{name}-{version}.tar.gz"
            self.upstream.put(filename, filename.encode())

    def keep(self, version: str, name: ProjectName = ACME) -> CachedFile:
        """Have what the upstream publishes in the cache."""
        filename = f"{name}-{version}.tar.gz"
        file = next(each for each in self.upstream.pages[name].files if each.filename == filename)
        return self.cache.put(name, file, data=filename.encode())

    async def hold(self, version: str, name: ProjectName = ACME) -> KnownFile:
        """Have what the upstream publishes in the folders."""
        filename = f"{name}-{version}.tar.gz"
        file = next(each for each in self.upstream.pages[name].files if each.filename == filename)
        digest = sha256(filename.encode()).hexdigest()
        sidecar = upstream_sidecar(file, self.upstream.index, self._now_ns(), digest)
        self.store.files[filename] = StoredFile(filename.encode(), format_sidecar(sidecar))
        known = KnownFile(
            0, filename, parse_filename(filename), 1, 1, 1, digest, 1, yanked=sidecar.yanked, source=sidecar.source
        )
        await self.index.added(known, b"metadata")
        return known

    async def page(self, name: ProjectName = ACME) -> UpstreamPage | None:
        """The page, or that there is none."""
        return await self.upstream.page(name, confirm=True) if name in self.upstream.pages else None

    async def see(self, name: ProjectName = ACME) -> None:
        """Have somebody ask for the page."""
        await self.recaller.saw(name, await self.page(name))

    async def look(self, *names: ProjectName) -> None:
        """Have a pass over these projects."""
        this: Pass = self.recaller.begin()
        for name in names or (ACME,):
            await this.saw(name, await self.page(name))
        await this.end()

    def cached(self, version: str, name: ProjectName = ACME) -> Recall | None:
        """What became of a file of the cache."""
        found = self.cache.find(name, f"{name}-{version}.tar.gz")
        assert found is not None
        return found.recall

    async def known(self, version: str) -> KnownFile:
        """A file of the folders."""
        found = await self.index.holding(f"acme-{version}.tar.gz")
        assert found is not None
        return found

    def sidecar(self, path: str) -> Sidecar | None:
        data = self.store.files[path].sidecar
        return None if data is None else parse_sidecar(data)

    def yank(self, version: str, reason: str | bool) -> None:
        page = self.upstream.pages[ACME]
        filename = f"acme-{version}.tar.gz"
        files = tuple(replace(each, yanked=reason) if each.filename == filename else each for each in page.files)
        self.upstream.pages[ACME] = replace(page, files=files)

    def _now_ns(self) -> int:
        return int(self.clock.seconds()) * 10**9


@contextmanager
def logged() -> Iterator[list[str]]:
    """The lines of the log."""
    lines: list[str] = []
    observer = cast("ILogObserver", lambda event: lines.append(formatEvent(event)))
    globalLogPublisher.addObserver(observer)
    try:
        yield lines
    finally:
        globalLogPublisher.removeObserver(observer)
