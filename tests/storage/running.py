"""A local index on real folders, with the real reactor."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.internet.task import deferLater
from zope.interface import implementer

from twisted_pypi.catalog import Catalog
from twisted_pypi.config import Watch
from twisted_pypi.distributions import ProjectName, normalize
from twisted_pypi.errors import NoSuchProject
from twisted_pypi.events import Changes
from twisted_pypi.indexes.local import LocalIndex
from twisted_pypi.storage.scanner import Scanner
from twisted_pypi.testing.archives import wheel

LONG_AGO = 1_700_000_000
"""Seconds since the epoch: nobody is writing a file that was changed last then."""

PATIENCE = 10.0
"""Seconds after which what does not come true never will."""


@dataclass
class Running:
    """A scanner that runs, and the index on top of it."""

    scanner: Scanner
    index: LocalIndex
    catalog: Catalog
    told: list[frozenset[ProjectName]] = field(default_factory=list)
    """The changes that were published."""

    async def filenames(self, project: str) -> list[str]:
        """The names on the page of a project; none when there is no such project."""
        try:
            return [file.filename for file in (await self.index.project(normalize(project))).files]
        except NoSuchProject:
            return []

    async def everything(self) -> dict[str, str]:
        """The path of every listed file, with its digest."""
        return {known.path: known.sha256 for known in await self.index.all_files()}

    async def shows(self, project: str, *filenames: str, within: float = PATIENCE) -> None:
        """Wait until the page of a project has these files and no others."""

        async def same() -> bool:
            return sorted(await self.filenames(project)) == sorted(filenames)

        await comes_true(same, within)


async def comes_true(condition: Callable[[], Awaitable[bool]], within: float = PATIENCE) -> None:
    """Wait until ``condition`` holds."""
    end = reactor.seconds() + within
    while not await condition():
        assert reactor.seconds() < end, "it did not come true"
        await deferLater(reactor, 0.02, lambda: None)


@asynccontextmanager
async def running(
    *roots: Path,
    state: Path | None = None,
    clock: IReactorTime | None = None,
    watch: Watch = Watch.POLL,
    **options: Any,
) -> AsyncIterator[Running]:
    """A scanner that runs until the block ends; without ``watch``, it scans only when it is told to."""
    state_dir = state or roots[0].parent / "state"
    catalog = Catalog([str(root) for root in roots], state_dir=str(state_dir), cache_dir=str(state_dir))
    changes = Changes()
    real: Any = reactor
    scanner = Scanner(real, clock or real, catalog, changes.publish, watch=watch, rescan=0, **options)
    here = Running(scanner, LocalIndex(catalog, scanner.enquiries), catalog)
    changes.subscribe(here.told.append)
    scanner.startService()
    try:
        yield here
    finally:
        await scanner.stopService()


def put(path: Path, content: bytes | None = None, *, modified: float | None = LONG_AGO) -> Path:
    """Write a file; without ``content`` a wheel that fits its name."""
    if content is None:
        name, version = path.name.split("-")[:2]
        content = wheel(name, version)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if modified is not None:
        os.utime(path, (modified, modified))
    return path


@implementer(IReactorFromThreads)
class OneThread:
    """A reactor for what runs in no thread but its own."""

    def callFromThread(self, callable: Callable[..., Any], *args: object, **kwargs: object) -> None:  # noqa: A002  # its name there
        callable(*args, **kwargs)

    callInThread = callFromThread

    def getThreadPool(self) -> None:
        raise NotImplementedError

    def suggestThreadPoolSize(self, size: int) -> None:
        raise NotImplementedError
