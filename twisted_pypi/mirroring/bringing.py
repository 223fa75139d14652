"""Fetching one file of an upstream index, and giving it its place here once its digest is right."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

from twisted.internet.defer import CancelledError

from twisted_pypi.boundaries import KnownFile, RunInThread, Staged, Upstream
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import UpstreamFailed
from twisted_pypi.mirroring.arriving import Arrival
from twisted_pypi.mirroring.contents import look_into, named_for
from twisted_pypi.mirroring.destinations import Destination
from twisted_pypi.mirroring.outcomes import Progress
from twisted_pypi.mirroring.outside import Outside
from twisted_pypi.sidecars import Sidecar
from twisted_pypi.simple.model import File
from twisted_pypi.upstream_facts import upstream_sidecar


class Bringer:
    """Fetches files and publishes them."""

    def __init__(
        self,
        upstream: Upstream,
        destination: Destination,
        run_in_thread: RunInThread,
        clock: Callable[[], float],
    ) -> None:
        """Take files from ``upstream`` to ``destination``; ``clock`` is the time in seconds since the epoch."""
        self._upstream = upstream
        self._destination = destination
        self._run_in_thread = run_in_thread
        self._clock = clock

    async def has(self, file: File, project: ProjectName) -> bool:
        """Is this file of a project here already?

        Raises ``UpstreamFailed`` when it cannot be taken at all, ``AlreadyUploaded`` and ``Unreadable``.
        """
        named_for(file.filename, project)
        return await self._destination.has(file.filename, _sha256(file))

    async def bring(
        self,
        file: File,
        index: str,
        beside: KnownFile,
        *,
        outside: Outside,
        progress: Progress,
        may: Callable[[], Coroutine[Any, Any, None]],
    ) -> str | None:
        """Fetch a file of the project that ``beside`` is of, and return where it is; ``None``: it was here already.

        ``may`` raises ``NotAllowed`` when it must not be, and is asked again before the file gets its name.
        Raises ``UpstreamFailed``, ``AlreadyUploaded``, ``NoSpace``,
        ``NotAllowed``, ``Unreadable``, ``BadFilename`` and ``Stopped``; then
        nothing is left of it.
        """
        if await self.has(file, beside.project):
            return None
        distribution, expected = named_for(file.filename, beside.project), _sha256(file)
        await may()
        outside.check()
        staged = await self._destination.stage(file.size)
        try:
            await self._fetch(file, index, staged, outside, progress)
            digest = staged.digests()["sha256"]
            if digest != expected:
                raise UpstreamFailed(
                    f"{file.filename} came with sha256 {digest}, and its page says {expected}; nothing of it was kept"
                )
            contents = await self._run_in_thread(look_into, staged.path(), distribution)
            outside.check()
            await may()
            return await self._destination.publish(staged, contents, self._sidecar(file, index, digest), beside)
        finally:
            await self._run_in_thread(staged.discard)

    async def _fetch(self, file: File, index: str, staged: Staged, outside: Outside, progress: Progress) -> None:
        arrival = Arrival(staged, self._run_in_thread, largest=file.size, received=progress.received)
        progress.fetching(file.filename, file.size)
        coming = outside.begin(partial(self._upstream.fetch, file.url, index, arrival))
        arrival.when_failed(coming.cancel)
        try:
            await coming
        except CancelledError:
            outside.check()
            if arrival.problem is None:
                raise
        finally:
            await arrival.quiet()
        if arrival.problem is not None:
            raise arrival.problem

    def _sidecar(self, file: File, index: str, digest: str) -> Sidecar:
        # A sidecar holds microseconds, and what is known of the file is to say the same.
        now_ns = int(self._clock() * 1_000_000) * 1000
        sidecar = upstream_sidecar(file, index, now_ns, digest)
        uploaded_ns = now_ns if sidecar.uploaded_ns is None else sidecar.uploaded_ns // 1000 * 1000
        return replace(sidecar, uploaded_ns=uploaded_ns)


def _sha256(file: File) -> str:
    digest = file.hashes.get("sha256", "").lower()
    if not digest:
        raise UpstreamFailed(f"the upstream names no sha256 of {file.filename}")
    return digest
