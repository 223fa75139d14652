"""Who asks for a file of an upstream index gets it as it comes, together with all others who ask."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import TypeAlias

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twisted_pypi.boundaries import Cache, CachedFile, Offered, RunInThread, Staged, Upstream
from twisted_pypi.distributions import ProjectName
from twisted_pypi.downloading.arriving import Abandoned, Arriving
from twisted_pypi.downloading.small import SmallFetch
from twisted_pypi.errors import NoSpace, NoSuchFile, TwistedPyPIError, UpstreamFailed
from twisted_pypi.inflight import InFlight

AT_ONCE = 32
"""Downloads at once; more wait for their turn."""

LARGEST_METADATA = 16 << 20
"""Bytes of metadata beside a wheel that are taken."""

METADATA = ".metadata"
"""How the name of the metadata beside a wheel ends (PEP 658)."""

_Key: TypeAlias = tuple[ProjectName, str, str]


class Downloads:
    """Fetches files of upstream indexes into the cache, each once however many ask for it."""

    log = Logger()

    def __init__(
        self,
        upstream: Upstream,
        cache: Cache,
        run_in_thread: RunInThread,
        clock: IReactorTime,
        *,
        at_once: int = AT_ONCE,
    ) -> None:
        """Fetch from ``upstream`` into ``cache``; everything of the cache that blocks is run by ``run_in_thread``."""
        self._upstream = upstream
        self._cache = cache
        self._run_in_thread = run_in_thread
        self._clock = clock
        self._slots = DeferredSemaphore(at_once)
        self._under_way: dict[_Key, Arriving] = {}
        self._metadata: InFlight[CachedFile] = InFlight()
        self._small: dict[SmallFetch, Deferred[None]] = {}
        self._stopped = False

    async def open(self, offered: Offered) -> CachedFile | Arriving:
        """Return the file that is kept, or the one that has begun to come.

        Raises ``UpstreamFailed``, ``NoSpace``, ``NotAllowed`` and ``Unreadable``.
        """
        digest = expected_sha256(offered)
        key = (offered.project, offered.file.filename, digest)
        kept = self._kept(offered, offered.file.filename, digest)
        if kept is not None:
            return kept
        while (arriving := self._under_way.get(key)) is not None and arriving.failed:
            await arriving.has_ended()
        if arriving is None:
            kept = self._kept(offered, offered.file.filename, digest)
            if kept is not None:
                return kept
            arriving = self._under_way[key] = Arriving(offered, digest, self._clock)
            Deferred.fromCoroutine(self._run(key, arriving))
        await arriving.has_begun()
        if not arriving.ended:
            return arriving
        kept = self._kept(offered, offered.file.filename, digest)
        if kept is None:
            raise UpstreamFailed(f"{offered.file.filename} came and could not be kept; the log says why")
        return kept

    async def metadata(self, offered: Offered) -> CachedFile:
        """Return the metadata beside a wheel, kept (PEP 658).

        Raises ``NoSuchFile`` when its page names none, ``UpstreamFailed``,
        ``NoSpace``, ``NotAllowed`` and ``Unreadable``.
        """
        name = offered.file.filename + METADATA
        digest = expected_metadata(offered)
        kept = self._kept(offered, name, digest)
        if kept is not None:
            return kept
        return await self._metadata.run((offered.project, name, digest), lambda: self._fetch_metadata(offered, digest))

    async def stop(self) -> None:
        """Break off what is under way, and return when no thread has anything to do with it."""
        self._stopped = True
        for fetch in tuple(self._small):
            fetch.stop()
        while self._small:
            await next(iter(self._small.values()))
        while self._under_way:
            arriving = next(iter(self._under_way.values()))
            arriving.abandon()
            await arriving.has_ended()

    def _kept(self, offered: Offered, filename: str, digest: str) -> CachedFile | None:
        """What is kept under that name, if it is what the page says."""
        self._check_running()
        kept = self._cache.find(offered.project, filename)
        if kept is None or kept.sha256 != digest:
            return None
        self._cache.used(offered.project, filename)
        return kept

    def _check_running(self) -> None:
        if self._stopped:
            raise UpstreamFailed("the server is going down; ask again")

    async def _run(self, key: _Key, arriving: Arriving) -> None:
        staged: Staged | None = None
        await self._slots.acquire()
        try:
            if not arriving.failed:
                staged = await self._run_in_thread(self._cache.stage, arriving.size)
                await arriving.receive(self._upstream, staged, self._run_in_thread)
                await self._keep(arriving.offered, staged)
        except Exception as error:  # noqa: BLE001  # whoever waits is told, whatever it was
            self._report(arriving.offered, error)
            arriving.fail(_told(arriving.offered, error))
        finally:
            if staged is not None:
                await self._discard(staged)
            del self._under_way[key]
            arriving.end()
            self._slots.release()

    async def _keep(self, offered: Offered, staged: Staged) -> None:
        try:
            await self._run_in_thread(self._cache.keep, staged, offered.project, offered.file, offered.index)
        except Exception as error:  # noqa: BLE001  # its bytes are right, and those who are getting them get all of them
            self._report(offered, error)

    async def _discard(self, staged: Staged) -> None:
        try:
            await self._run_in_thread(staged.discard)
        except OSError:
            self.log.failure("a staged file could not be removed")

    def _report(self, offered: Offered, error: Exception) -> None:
        file, index = offered.file.filename, offered.index
        if isinstance(error, Abandoned):
            self.log.info("{file} from {index} was broken off: nobody waited for it", file=file, index=index)
        elif isinstance(error, TwistedPyPIError):
            self.log.error("{file} from {index} was not kept: {error}", file=file, index=index, error=str(error))
        else:
            self.log.failure("{file} from {index} was not kept", file=file, index=index)

    async def _fetch_metadata(self, offered: Offered, digest: str) -> CachedFile:
        await self._slots.acquire()
        fetch = SmallFetch(offered.file.url + METADATA, offered.index, LARGEST_METADATA)
        ended = self._small[fetch] = Deferred()
        try:
            self._check_running()
            data = await fetch.run(self._upstream)
            return await self._run_in_thread(self._keep_metadata, offered, data, digest)
        except TwistedPyPIError as error:
            self._report(offered, error)
            raise
        finally:
            del self._small[fetch]
            ended.callback(None)
            self._slots.release()

    def _keep_metadata(self, offered: Offered, data: bytes, digest: str) -> CachedFile:
        found = sha256(data).hexdigest()
        if found != digest:
            raise UpstreamFailed(
                f"the metadata of {offered.file.filename} from {offered.index} has sha256 {found}, "
                f"and its page says {digest}; it was not kept"
            )
        staged = self._cache.stage(len(data))
        try:
            staged.write(data)
            return self._cache.keep(staged, offered.project, offered.file, offered.index, suffix=METADATA)
        finally:
            staged.discard()


def expected_sha256(offered: Offered) -> str:
    """Return the digest that the page promises, in lower case.  Raises ``UpstreamFailed`` when it promises none."""
    digest = offered.file.hashes.get("sha256")
    if not digest:
        raise UpstreamFailed(
            f"{offered.file.filename} cannot be checked: the page of {offered.index} gives no sha256 of it, "
            "and nothing is given out unchecked"
        )
    return digest.lower()


def expected_metadata(offered: Offered) -> str:
    """Return the digest that the page promises of the metadata beside a wheel (PEP 714).

    Raises ``NoSuchFile`` when there is no such thing, ``UpstreamFailed`` when it cannot be checked.
    """
    file = offered.file
    if not file.core_metadata and not isinstance(file.core_metadata, Mapping):
        raise NoSuchFile(f"{file.filename} has no metadata of its own to show")
    digest = file.core_metadata.get("sha256") if isinstance(file.core_metadata, Mapping) else None
    if not digest:
        raise UpstreamFailed(
            f"the metadata of {file.filename} cannot be checked: the page of {offered.index} gives no sha256 of it"
        )
    return digest.lower()


def _told(offered: Offered, error: Exception) -> Exception:
    """What those are told who wait for a file."""
    if isinstance(error, NoSpace):
        return NoSpace(f"there is no room here to keep {offered.file.filename}; make some on the disk of the index")
    return error
