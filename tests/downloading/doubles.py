"""What downloads are tested with."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from twisted_pypi.boundaries import Cache, Offered
from twisted_pypi.distributions import ProjectName
from twisted_pypi.downloading import Downloads
from twisted_pypi.errors import NoSuchFile
from twisted_pypi.storage.upstream_cache import DirectoryCache
from twisted_pypi.testing.memory_upstream import MemoryUpstream

FOO = ProjectName("foo")
WHEEL = "foo-1.0-py3-none-any.whl"


def noise(size: int) -> bytes:
    """So many bytes, the same in every run."""
    return random.Random(size).randbytes(size)  # noqa: S311  # nothing depends on their being secret


class Threads:
    """Runs what blocks at once, or one call after the other when the test says so."""

    def __init__(self) -> None:
        self.by_hand = False
        self.calls: list[tuple[Deferred[Any], Callable[[], Any]]] = []

    def __call__(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Deferred[Any]:
        if not self.by_hand:
            try:
                return succeed(function(*args, **kwargs))
            except Exception:  # noqa: BLE001  # it is handed on
                result: Deferred[Any] = Deferred()
                result.errback(Failure())
                return result
        coming: Deferred[Any] = Deferred()
        self.calls.append((coming, lambda: function(*args, **kwargs)))
        return coming

    def step(self) -> None:
        """Run the oldest call."""
        coming, call = self.calls.pop(0)
        try:
            coming.callback(call())
        except Exception:  # noqa: BLE001  # it is handed on
            coming.errback(Failure())

    def run(self) -> None:
        """Run everything from now on."""
        self.by_hand = False
        while self.calls:
            self.step()


class Offering:
    """Offers all that an upstream has."""

    def __init__(self, upstream: MemoryUpstream, cache: Cache) -> None:
        self._upstream = upstream
        self._cache = cache

    async def offered(self, project: ProjectName, filename: str) -> Offered:
        page = await self._upstream.page(project)
        for file in page.page.files:
            if file.filename == filename:
                return Offered(project, file, page.index, self._cache.find(project, filename))
        raise NoSuchFile(f"there is no file {filename}")


class Mirror:
    """Downloads, and all around them."""

    def __init__(self, folder: Path, *, at_once: int = 32) -> None:
        self.folder = folder
        self.upstream = MemoryUpstream()
        self.upstream.by_hand = True
        self.cache = DirectoryCache(str(folder), reserve=0)
        self.threads = Threads()
        self.clock = Clock()
        self.downloads = Downloads(self.upstream, self.cache, self.threads, self.clock, at_once=at_once)
        self.offers = Offering(self.upstream, self.cache)

    async def offered(self, filename: str = WHEEL) -> Offered:
        return await self.offers.offered(FOO, filename)

    def gather(self) -> None:
        """Let pass the time for which few bytes wait for more."""
        self.clock.advance(0.01)

    def files(self) -> list[str]:
        return sorted(each.name for each in self.folder.rglob("*") if not each.is_dir())


class Reader:
    """Reads what is available, as soon as it is."""

    def __init__(self, arriving: Any) -> None:
        self.data = b""
        self.aborted = False
        self._arriving = arriving
        self._file = arriving.open()
        arriving.watch(self.changed)
        self.changed()

    def changed(self) -> None:
        if self._arriving.failed:
            self.aborted = True
            self.leave()
        else:
            missing = self._arriving.available - len(self.data)
            if missing and not self._file.closed:
                self._file.seek(len(self.data))
                self.data += self._file.read(missing)
            if self._arriving.complete:
                self.leave()

    def leave(self) -> None:
        self._arriving.unwatch(self.changed)
        self._file.close()


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """Cut data at these places."""
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True):
        yield data[start:stop]
