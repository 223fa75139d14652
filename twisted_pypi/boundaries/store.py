"""What passes between whoever writes packages and where they are written to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from twisted_pypi.boundaries.local import KnownFile


class Staged(Protocol):
    """Bytes on their way in: not visible under any name that is served."""

    size: int
    """Bytes written so far."""

    @property
    def gone(self) -> bool:
        """Were the bytes published, or forgotten?"""

    def write(self, data: bytes) -> None:
        """Append.  Blocking: called in a thread.  Raises ``NoSpace``."""

    def digests(self) -> Mapping[str, str]:
        """Hex digests of everything written, by name: sha256 always, others as asked for."""

    def digest(self, algorithm: str) -> str:
        """One hex digest, computed now if it was not kept while writing.  Blocking."""

    def path(self) -> str:
        """A path by which the bytes can be opened for reading before they are published."""

    def discard(self) -> None:
        """Forget the bytes.  Blocking; harmless after publishing."""


@dataclass(frozen=True, slots=True)
class Published:
    """A file that now has its final name."""

    root: int
    path: str
    size: int
    mtime_ns: int
    inode: int
    already: bool = False
    """Were the very same bytes there already, so that nothing was stored?"""
    sidecar_mtime_ns: int | None = None
    """``st_mtime_ns`` of the sidecar that was stored beside it."""


class PackageStore(Protocol):
    """Where packages are written to and removed from.  All methods block: call them in a thread."""

    def stage(self, expected_size: int | None, algorithms: Collection[str]) -> Staged:
        """Make room for bytes to come.  Raises ``NoSpace``, ``NotAllowed`` (read-only)."""

    def publish(
        self,
        staged: Staged,
        filename: str,
        *,
        sidecar: bytes | None = None,
        signature: bytes | None = None,
        replace: KnownFile | bool = False,
        beside: KnownFile | None = None,
    ) -> Published:
        """Give staged bytes their final name, whole or not at all.

        The sidecar is written and fsynced before, the folder is fsynced after.
        ``replace`` allows that a file is replaced: the known one where it is,
        or with ``True`` whatever has that name where uploads go.  A new file
        goes to the folder of ``beside``, or where uploads go.
        Raises ``AlreadyUploaded`` when other bytes are there and may not be
        replaced, ``NoSpace``, ``NotAllowed`` (read-only) and ``Unreadable``.
        """

    def remove(self, known: KnownFile) -> None:
        """Remove a file with its sidecar and signature.  Raises ``NoSuchFile``, ``NotAllowed``."""

    def annotate(self, known: KnownFile, write: Callable[[bytes | None], bytes]) -> None:
        """Replace the sidecar of a file, in one step, by what ``write`` makes of it (of ``None`` when there is none).

        Raises ``NoSuchFile``, ``NotAllowed``, ``NoSpace``, ``BadFilename``, and
        ``Unreadable`` when the file is another one than the known.
        """

    def free_space(self) -> int:
        """Bytes that an upload could take now."""
