"""Where fetched files are put."""

from __future__ import annotations

from hashlib import file_digest
from pathlib import Path
from typing import Protocol

from twisted_pypi.boundaries import KnownFile, LocalFiles, PackageStore, RunInThread, Staged
from twisted_pypi.errors import AlreadyUploaded
from twisted_pypi.mirroring.contents import Contents
from twisted_pypi.sidecars import Sidecar, format_sidecar


class Destination(Protocol):
    """Where the files of a pass go."""

    async def has(self, filename: str, sha256: str) -> bool:
        """Is this very file there?  Raises ``AlreadyUploaded`` when another one of its name is, and ``Unreadable``."""

    async def stage(self, size: int | None) -> Staged:
        """Make room for a file.  Raises ``NoSpace``, ``NotAllowed`` and ``Unreadable``."""

    async def publish(self, staged: Staged, contents: Contents, sidecar: Sidecar, beside: KnownFile) -> str:
        """Give a file its name, as the next of ``beside``, and return where it is.

        Raises ``AlreadyUploaded``, ``NoSpace``, ``NotAllowed``, ``Unreadable`` and ``BadFilename``.
        """


class BesideTheOthers:
    """The folder of the newest file of the same project."""

    def __init__(self, store: PackageStore, local_files: LocalFiles, run_in_thread: RunInThread) -> None:
        """Publish in ``store`` and tell ``local_files``."""
        self._store = store
        self._local_files = local_files
        self._run_in_thread = run_in_thread

    async def has(self, filename: str, sha256: str) -> bool:
        """Is this very file in the roots?"""
        here = await self._local_files.holding(filename)
        return here is not None and _same(filename, here.sha256, sha256)

    async def stage(self, size: int | None) -> Staged:
        """Make room for a file."""
        return await self._run_in_thread(self._store.stage, size, ())

    async def publish(self, staged: Staged, contents: Contents, sidecar: Sidecar, beside: KnownFile) -> str:
        """Give a file its name, and have the next page show it."""
        distribution = contents.distribution
        published = await self._run_in_thread(
            self._store.publish, staged, distribution.filename, sidecar=format_sidecar(sidecar), beside=beside
        )
        uploaded_ns = sidecar.uploaded_ns or published.mtime_ns
        known = KnownFile(
            root=published.root,
            path=published.path,
            distribution=distribution,
            size=published.size,
            mtime_ns=published.mtime_ns,
            inode=published.inode,
            sha256=sidecar.sha256,
            # Bytes that somebody else has put there first came when they were written, and by hand.
            uploaded_ns=min(uploaded_ns, published.mtime_ns) if published.already else uploaded_ns,
            requires_python=contents.requires_python,
            metadata_sha256=contents.metadata_sha256,
            yanked=None if published.already else sidecar.yanked,
            source=None if published.already else sidecar.source,
        )
        await self._local_files.added(known, contents.metadata)
        return published.path


class IntoFolder:
    """One folder for all."""

    def __init__(self, folder: str, store: PackageStore, run_in_thread: RunInThread) -> None:
        """``folder`` is where ``store`` publishes."""
        self._folder = folder
        self._store = store
        self._run_in_thread = run_in_thread

    async def has(self, filename: str, sha256: str) -> bool:
        """Is this very file in the folder?"""
        here = await self._run_in_thread(_digest, Path(self._folder, filename))
        return here is not None and _same(filename, here, sha256)

    async def stage(self, size: int | None) -> Staged:
        """Make room for a file."""
        return await self._run_in_thread(self._store.stage, size, ())

    async def publish(self, staged: Staged, contents: Contents, sidecar: Sidecar, beside: KnownFile) -> str:  # noqa: ARG002  # as in the Protocol
        """Give a file its name."""
        published = await self._run_in_thread(
            self._store.publish, staged, contents.distribution.filename, sidecar=format_sidecar(sidecar)
        )
        return str(Path(self._folder, published.path))


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _same(filename: str, here: str, there: str) -> bool:
    if here == there:
        return True
    raise AlreadyUploaded(f"another {filename} is here, with sha256 {here} where the upstream's has {there}")
