"""The folders below the roots: what may be served of them, and what is in each."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from twisted_pypi.catalog import Identity, Place
from twisted_pypi.distributions import is_package_name
from twisted_pypi.sidecars import sidecar_of
from twisted_pypi.storage.remarks import Remark, Remarks

SIGNATURE = ".asc"
"""How the name of a signature ends, behind the whole name of its file."""

LOST_AND_FOUND = "lost+found"
"""A folder of the file system, which nobody but root may read and nobody puts packages into."""

_DEEPEST = 100
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}


@dataclass(frozen=True, slots=True)
class Listing:
    """What is in one folder and may be served; hidden names are left out."""

    identity: Identity
    packages: list[str]
    """Names of files that end like a package, in no order."""
    signed: set[str]
    """Names beside which a signature lies."""
    with_sidecar: set[str]
    """Names beside which a sidecar lies."""
    folders: list[str]
    """Names of the sub-folders, sorted."""


class Tree:
    """The roots as they are on the disk.  Everything here blocks and may be called in any thread."""

    def __init__(self, roots: Sequence[str], *, follow_links: bool, remarks: Remarks) -> None:
        """``roots`` are absolute paths; links that lead out of all of them count only with ``follow_links``."""
        self.roots = tuple(roots)
        self._follow_links = follow_links
        self._remarks = remarks

    def location(self, root: int, path: str) -> str:
        """The absolute path of a path below a root."""
        return f"{self.roots[root]}/{path}" if path else self.roots[root]

    def below_roots(self, location: str) -> Iterator[tuple[int, str]]:
        """The roots that an absolute path is in, each with the path below it."""
        for root, start in enumerate(self.roots):
            if location == start:
                yield root, ""
            elif location.startswith(start.rstrip("/") + "/"):
                yield root, location[len(start.rstrip("/")) + 1 :]

    def listing(self, root: int, folder: str) -> Listing:
        """What is in a folder now.  Raises ``OSError``."""
        location = self.location(root, folder)
        identity = Identity.of(os.stat(location))
        packages, signed, with_sidecar, folders = [], set(), set(), []
        with os.scandir(location) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    if filename := sidecar_of(name):
                        with_sidecar.add(filename)
                    continue
                if is_package_name(name) and self._is_file(entry):
                    packages.append(name)
                elif name.endswith(SIGNATURE) and self._is_file(entry):
                    signed.add(name[: -len(SIGNATURE)])
                elif name != LOST_AND_FOUND and self._is_folder(entry, root, folder):
                    folders.append(name)
        folders.sort()
        return Listing(identity, packages, signed, with_sidecar, folders)

    def status(self, root: int, path: str) -> os.stat_result | None:
        """What is at a path, when that is a regular file or a folder that may be served.

        Raises ``OSError`` when that cannot be known, which is another thing than that nothing is there.
        """
        location = self.location(root, path)
        try:
            found = os.stat(location)
        except OSError as problem:
            if problem.errno in _NOT_THERE:
                return None
            raise
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            return None
        # The same as in a listing: a link to a folder that is scanned anyway is none of its own.
        if (
            stat.S_ISDIR(found.st_mode)
            and os.path.islink(location)
            and (not self._is_news(location) or self._is_loop(location, root, path.rpartition("/")[0]))
        ):
            return None
        real = os.path.realpath(location)
        if real == os.path.join(os.path.realpath(self.roots[root]), path).rstrip("/") or self._may_follow(location):
            return found
        return None

    def identity(self, root: int, folder: str) -> Identity | None:
        """Which folder is at a path now; ``None`` when there is none, or it cannot be read."""
        try:
            return Identity.of(os.stat(self.location(root, folder)))
        except OSError:
            return None

    def is_signed(self, place: Place) -> bool:
        """Does a signature lie beside a file, and may it be served?"""
        location = self.location(place.root, place.path) + SIGNATURE
        return os.path.isfile(location) and (not os.path.islink(location) or self._may_follow(location))

    def _is_file(self, entry: os.DirEntry[str]) -> bool:
        if not entry.is_symlink():
            return entry.is_file()
        return os.path.isfile(entry.path) and self._may_follow(entry.path)

    def _is_folder(self, entry: os.DirEntry[str], root: int, folder: str) -> bool:
        if entry.is_symlink():
            if not (os.path.isdir(entry.path) and self._may_follow(entry.path) and self._is_news(entry.path)):
                return False
            return not self._is_loop(entry.path, root, folder)
        if not entry.is_dir():
            return False
        return self._can_be_walked(entry, folder)

    def _can_be_walked(self, entry: os.DirEntry[str], folder: str) -> bool:
        if folder.count("/") > _DEEPEST:
            self._remarks.once(
                Remark.TOO_DEEP, entry.path, f"{entry.path} is nested more than {_DEEPEST} folders deep and left out"
            )
            return False
        if not entry.name.isprintable():
            self._remarks.once(
                Remark.BAD_NAME,
                entry.path,
                f"the folder {entry.path!r} is left out: its name cannot be part of an address",
            )
            return False
        return True

    def _may_follow(self, location: str) -> bool:
        """May what a link leads to be served?"""
        real = os.path.realpath(location)
        if self._follow_links or any(_is_below(real, os.path.realpath(root)) for root in self.roots):
            return True
        self._remarks.once(
            Remark.LINK,
            location,
            f"{location} is left out: it leads outside the roots, to {real} (--follow-links serves it)",
        )
        return False

    def _is_news(self, location: str) -> bool:
        """Does a link lead to a folder that is not scanned anyway?  Hidden ones are not."""
        real = os.path.realpath(location)
        starts = [start for start in map(os.path.realpath, self.roots) if _is_below(real, start)]
        return all("/." in real[len(start) :] for start in starts)

    def _is_loop(self, location: str, root: int, folder: str) -> bool:
        target = Identity.of(os.stat(location))
        parts = folder.split("/") if folder else []
        above = ["/".join(parts[:length]) for length in range(len(parts) + 1)]
        return len(parts) > _DEEPEST or target in [self.identity(root, each) for each in above]


def _is_below(path: str, start: str) -> bool:
    return path == start or path.startswith(start.rstrip("/") + "/")
