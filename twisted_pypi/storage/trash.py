"""Where removed files wait until they are brought back or deleted: hidden, never scanned, never served.

Each file has a folder of its own, ``<root>/.trash/<when>-<number>/``: in it lie
the file, its sidecar and its signature under the names that they had, and
``record.json``, which says where the file was and when it was removed.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twisted_pypi.catalog import Place
from twisted_pypi.distributions import ProjectName, is_package_name, normalize
from twisted_pypi.errors import AlreadyUploaded, NoSuchFile, NotAllowed, Unreadable
from twisted_pypi.storage.final_names import put_over, sync_folder
from twisted_pypi.storage.moving import found_beside, made_below, move, move_to_free, remove_beside
from twisted_pypi.storage.staging import storage_errors

TRASH = ".trash"
"""The folder in each root."""

RECORD = "record.json"
"""The name of what says where a removed file was; no package ends so."""

_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Removed:
    """One file in the trash."""

    root: int
    """Which of the roots it was in, counted from 0."""
    entry: str
    """The name of its folder in the trash of that root."""
    path: str
    """Where it was below the root."""
    project: ProjectName
    version: str
    removed_ns: int
    """When it was removed, nanoseconds since the epoch; written down to the second."""
    size: int
    """Bytes."""

    @property
    def filename(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class Trash:
    """The trash of all roots.  Nothing is remembered; everything here blocks."""

    def __init__(
        self, roots: Sequence[str], *, follow_links: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        """``roots`` are absolute paths; ``clock`` is the time in seconds since the epoch.

        With ``follow_links`` files are brought back to folders outside of the roots, too.
        """
        self._roots = [Path(root) for root in roots]
        self._follow_links = follow_links
        self._clock = clock

    def put(self, place: Place, project: ProjectName, version: str) -> Removed:
        """Move a file here, with what lies beside it.

        What it leaves behind when it is broken off has lost nothing: first
        there is a copy of what lies beside the file, then the file is moved.
        Raises ``NoSuchFile``, ``NotAllowed``, ``NoSpace``.
        """
        source = self._roots[place.root] / place.path
        now = int(self._clock())
        entry = f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        record = {"path": place.path, "project": project, "version": version, "removed": _iso(now)}
        with storage_errors():
            size = _size(source)
            folder = made_below(self._roots[place.root], TRASH, entry)
            try:
                for beside in found_beside(source):
                    put_over(beside.read_bytes(), folder / beside.name)
                put_over(json.dumps(record, sort_keys=True).encode() + b"\n", folder / RECORD)
                move(source, folder / source.name)
            except BaseException:
                if not os.path.lexists(folder / source.name):
                    shutil.rmtree(folder, ignore_errors=True)
                raise
            for each in (folder, folder.parent, source.parent):
                sync_folder(each)
            remove_beside(source)
        return Removed(place.root, entry, place.path, project, version, now * _SECOND, size)

    def delete(self, place: Place) -> int:
        """Delete a file with what lies beside it for good, and return its size.  Raises ``NoSuchFile``, ``NotAllowed``."""
        target = self._roots[place.root] / place.path
        with storage_errors():
            size = _size(target)
            try:
                target.unlink()
            except FileNotFoundError as error:
                raise NoSuchFile(f"there is no file {place.path}") from error
            remove_beside(target)
            sync_folder(target.parent)
        return size

    def entries(self) -> Iterator[Removed]:
        """What lies here, the oldest of each root first.  Raises ``Unreadable``."""
        for root, entry, _ in self._folders():
            removed = self._read(root, entry)
            if removed is not None:
                yield removed

    def older(self, before_ns: int) -> Iterator[tuple[int, str, Removed | None]]:
        """The root and the name of each entry from before a moment; ``None`` is what was broken off.

        Raises ``Unreadable``.
        """
        for root, entry, changed_ns in self._folders():
            removed = self._read(root, entry)
            if (changed_ns if removed is None else removed.removed_ns) < before_ns:
                yield root, entry, removed

    def restore(self, removed: Removed) -> str:
        """Bring a file back to where it was, and return its absolute path.

        Raises ``AlreadyUploaded`` when something is there, ``NoSuchFile`` when
        it lies here no more, ``NotAllowed`` (also when its folder
        leads out of the root), ``NoSpace``.
        """
        folder = self._roots[removed.root] / TRASH / removed.entry
        source, target = folder / removed.filename, self._roots[removed.root] / removed.path
        with storage_errors():
            _size(source)
            if os.path.lexists(target):
                raise _in_the_way(target)
            # Who may write here may have made a link of a folder meanwhile, and whoever restores may be root.
            if not (self._follow_links or target.parent.resolve().is_relative_to(self._roots[removed.root].resolve())):
                raise NotAllowed(
                    f"{target.parent} leads out of its root; allow that with --follow-links, or move {source} by hand"
                )
            made_below(self._roots[removed.root], *removed.path.split("/")[:-1])
            # Before the file, so that it is never without what is known of it.
            put = {target.with_name(each.name): each.read_bytes() for each in found_beside(source)}
            for path, data in put.items():
                put_over(data, path)
            try:
                move_to_free(source, target)
            except FileExistsError as error:
                _take_back(put)
                raise _in_the_way(target) from error
            sync_folder(target.parent)
            shutil.rmtree(folder, ignore_errors=True)
        return str(target)

    def purge(self, root: int, entry: str) -> None:
        """Delete an entry for good.  Raises ``NotAllowed``."""
        with storage_errors(), suppress(FileNotFoundError):
            shutil.rmtree(self._roots[root] / TRASH / entry)

    def _folders(self) -> Iterator[tuple[int, str, int]]:
        for root, path in enumerate(self._roots):
            try:
                with os.scandir(path / TRASH) as found:
                    names = sorted(each.name for each in found if each.is_dir(follow_symlinks=False))
            except FileNotFoundError:
                continue
            except OSError as error:
                raise Unreadable(f"{path / TRASH} cannot be read ({error.strerror})") from error
            for name in names:
                with suppress(FileNotFoundError):
                    yield root, name, os.stat(path / TRASH / name, follow_symlinks=False).st_mtime_ns

    def _read(self, root: int, entry: str) -> Removed | None:
        """What an entry says; ``None`` when it says nothing that can be used, or its file is not there."""
        folder = self._roots[root] / TRASH / entry
        try:
            if not (folder / RECORD).is_file():  # a pipe would be waited for
                return None
            found: Any = json.loads((folder / RECORD).read_bytes())
            path, project, version = (str(found[key]) for key in ("path", "project", "version"))
            removed_ns = int(datetime.fromisoformat(found["removed"]).timestamp()) * _SECOND
            filename = path.rpartition("/")[2]
            # Nobody is led out of the root, nor into what is hidden.
            if not is_package_name(filename) or any(not part or part.startswith(".") for part in path.split("/")):
                return None
            size = (folder / filename).lstat().st_size
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None
        return Removed(root, entry, path, normalize(project), version, removed_ns, size)


def _iso(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoSuchFile(f"there is no file {path}") from error


def _take_back(put: Mapping[Path, bytes]) -> None:
    for path, data in put.items():
        with suppress(OSError):
            if path.read_bytes() == data:
                path.unlink()


def _in_the_way(target: Path) -> AlreadyUploaded:
    return AlreadyUploaded(f"{target} is there, and nothing is put over it; remove that file first")
