"""The store that is a plain directory of packages."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path

from twisted_pypi.boundaries import KnownFile, Published, Staged
from twisted_pypi.errors import AlreadyUploaded, BadFilename, NoSpace, NoSuchFile, Unreadable
from twisted_pypi.sidecars import sidecar_name
from twisted_pypi.storage.final_names import (
    FinalNames,
    Link,
    Rename,
    link,
    put_over,
    rename_no_replace,
    sync_folder,
)
from twisted_pypi.storage.placing import Placing
from twisted_pypi.storage.staging import StagedFile, StagingArea, hidden_path, storage_errors
from twisted_pypi.storage.sweeping import sweep

RESERVE = 64 * 1024 * 1024
"""Bytes of the disk that uploads leave free."""

SMALLEST_SHARE = 20
"""The reserve is never more than this part of a small disk."""


class DirectoryStore:
    """A ``PackageStore`` in folders: uploads go to the first, flat.

    Every method blocks and may be called in any thread.
    """

    def __init__(
        self,
        roots: Sequence[str],
        *,
        link: Link = link,
        rename: Rename = rename_no_replace,
        nameless: bool = True,
        reserve: int = RESERVE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Store in ``roots``, leaving ``reserve`` bytes of the disk free.

        ``link`` and ``rename`` give a file a name that is free, and
        ``nameless`` allows files without a name; not every file system can.
        """
        self._roots = [Path(root) for root in roots]
        self._names = FinalNames(link, rename)
        self._reserve = reserve
        self._clock = clock
        self._area = StagingArea(self._roots[0], nameless=nameless)
        self._staged: dict[StagedFile, int] = {}
        self._staging = threading.Lock()
        self._naming = threading.Lock()
        self._placing = Placing(self._area, self._names, self._naming)
        self._probed = False

    def stage(self, expected_size: int | None, algorithms: Collection[str]) -> StagedFile:
        """Make room for bytes to come.  Raises ``NoSpace``, ``NotAllowed`` and ``Unreadable``."""
        with self._staging:
            self._probe()
            free = self._free_space()
            if (expected_size or 0) > free:
                size = "" if expected_size is None else f" of {expected_size} bytes"
                raise NoSpace(
                    f"the disk of the index has no room for an upload{size}: {max(0, free)} bytes are free besides "
                    "a reserve; remove something or make it larger, then upload again"
                )
            staged = self._area.open(algorithms, self._ended)
            self._staged[staged] = expected_size or 0
            return staged

    def free_space(self) -> int:
        """Bytes that an upload could take now, without what others under way are going to and the reserve.

        Raises ``Unreadable``.
        """
        with self._staging:
            return self._free_space()

    def under_way(self) -> int:
        """Bytes that staged files have, or are expected to have."""
        with self._staging:
            return sum(max(expected, staged.size) for staged, expected in self._staged.items())

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

        Raises ``AlreadyUploaded``, ``NoSpace``, ``NotAllowed``,
        ``Unreadable`` and ``BadFilename`` (no plain name).
        """
        if not isinstance(staged, StagedFile):
            raise TypeError("only what was staged here can be published here")
        if not filename or "/" in filename or "\0" in filename or filename.startswith("."):
            raise BadFilename(f"the file name {filename!r} is no plain name")
        root, path = (replace.root, replace.path) if isinstance(replace, KnownFile) else (0, filename)
        if beside is not None and not replace:
            root, path = beside.root, beside.path[: -len(beside.filename)] + filename
        target = self._roots[root] / path
        extras = {target.with_name(sidecar_name(filename)): sidecar, target.with_name(f"{filename}.asc"): signature}
        try:
            with storage_errors():
                written = {at: data for at, data in extras.items() if data is not None}
                found, sidecar_mtime_ns = self._placing.place(staged, target, written, over=bool(replace))
                sync_folder(target.parent)
        except FileExistsError:
            return self._already_there(staged, root, path)
        except FileNotFoundError as error:
            raise Unreadable(
                "the folder of the index is not there at the moment; try again when it is mounted"
            ) from error
        staged.discard()
        return Published(root, path, found.st_size, found.st_mtime_ns, found.st_ino, sidecar_mtime_ns=sidecar_mtime_ns)

    def remove(self, known: KnownFile) -> None:
        """Remove a file with its sidecar and signature.  Raises ``NoSuchFile``, ``NotAllowed``."""
        target = self._roots[known.root] / known.path
        with storage_errors(), self._naming:
            try:
                target.unlink()
            except (FileNotFoundError, NotADirectoryError) as error:
                raise NoSuchFile(f"there is no file {known.filename}") from error
            with suppress(BadFilename):
                target.with_name(sidecar_name(target.name)).unlink(missing_ok=True)
            target.with_name(f"{target.name}.asc").unlink(missing_ok=True)
            sync_folder(target.parent)

    def annotate(self, known: KnownFile, write: Callable[[bytes | None], bytes]) -> None:
        """Replace the sidecar of a file by what ``write`` makes of it.

        Raises ``NoSuchFile``, ``NotAllowed``, ``NoSpace``, ``BadFilename``, and
        ``Unreadable`` when the file is another one than the known.
        """
        target = self._roots[known.root] / known.path
        sidecar = target.with_name(sidecar_name(target.name))
        with storage_errors(), self._naming:
            try:
                now = target.stat()
            except (FileNotFoundError, NotADirectoryError) as error:
                raise NoSuchFile(f"there is no file {known.filename}") from error
            if (now.st_size, now.st_mtime_ns) != (known.size, known.mtime_ns):
                raise Unreadable(f"{known.filename} is being replaced; ask again")
            put_over(write(sidecar.read_bytes() if sidecar.exists() else None), sidecar)

    def sweep(self) -> int:
        """Remove what dead processes left behind, and return how many files that were.

        Staged files and claims that nobody holds, and sidecars that have had
        no file for a day.
        """
        return sum(sweep(root, self._clock(), self._naming) for root in self._roots)

    def _already_there(self, staged: StagedFile, root: int, path: str) -> Published:
        target, sent = self._roots[root] / path, staged.digest("sha256")
        try:
            with target.open("rb") as file:
                here, found = hashlib.file_digest(file, "sha256").hexdigest(), os.fstat(file.fileno())
        except OSError:
            here = "(it cannot be read)"
        else:
            if here == sent:
                staged.discard()
                return Published(root, path, found.st_size, found.st_mtime_ns, found.st_ino, already=True)
        raise AlreadyUploaded.with_digests(target.name, here, sent)

    def _free_space(self) -> int:
        try:
            disk = os.statvfs(self._roots[0])
        except OSError as error:
            raise Unreadable(
                "the folder of the index is not there at the moment; try again when it is mounted"
            ) from error
        coming = sum(max(0, expected - staged.size) for staged, expected in self._staged.items())
        # On a small disk the reserve would be all there is.
        reserve = min(self._reserve, disk.f_blocks * disk.f_frsize // SMALLEST_SHARE)
        return disk.f_bavail * disk.f_frsize - coming - reserve

    def _ended(self, staged: StagedFile) -> None:
        with self._staging:
            self._staged.pop(staged, None)

    def _probe(self) -> None:
        """Find out, the first time, whether a nameless file can be given a name here."""
        if self._probed:
            return
        staged = self._area.open((), lambda _: None)
        path = hidden_path(self._roots[0])
        try:
            if staged.name is None and not self._names.try_link(staged, path):
                self._area.use_names()
        finally:
            path.unlink(missing_ok=True)
            staged.discard()
        self._probed = True
