"""The values that go into the catalog and come out of it, next to ``KnownFile``."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple, Self

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.distributions import ProjectName

_LAST_CHARACTER = chr(0x10FFFF)


class State(IntEnum):
    """What the facts of a file that was seen are worth."""

    LISTED = 0
    """They hold."""
    UNKNOWN = 1
    """They are to be read; whoever asks for the project waits until they are."""
    RECHECK = 2
    """They hold, but shall be compared with the bytes when there is time."""
    SETTLING = 3
    """The file is being replaced and is not whole; it is not listed until it is."""
    UNREADABLE = 4
    """The file could not be read when that was tried last; it is not listed."""

    @property
    def listed(self) -> bool:
        """Is a file in this state on the page of its project?"""
        return self in {State.LISTED, State.RECHECK}


class Place(NamedTuple):
    """Where a file is: the key of everything that is remembered of it."""

    root: int
    """Which of the roots, counted from 0 in the order they were given."""
    folder: str
    """The folder below that root, separated by ``/``; the root itself is empty."""
    filename: str

    @property
    def path(self) -> str:
        """The path below the root."""
        return f"{self.folder}/{self.filename}" if self.folder else self.filename

    @classmethod
    def at(cls, root: int, path: str) -> Self:
        """The place of a path below a root."""
        folder, _, filename = path.rpartition("/")
        return cls(root, folder, filename)

    @classmethod
    def of(cls, known: KnownFile) -> Self:
        """The place of a known file."""
        return cls.at(known.root, known.path)


class Sighting(NamedTuple):
    """How a file looked from outside: while this stays, its facts hold."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """What ``os.stat`` or ``os.fstat`` said."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)

    def same_bytes_as(self, other: Sighting) -> bool:
        """Do size and modification time agree?  The inode may change without the bytes (a restored volume)."""
        return self.size == other.size and self.mtime_ns == other.mtime_ns


class Identity(NamedTuple):
    """Which folder it is, whatever its path: after an unmount the same path is another folder."""

    device: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """What ``os.stat`` said of the folder."""
        return cls(status.st_dev, status.st_ino)


class Remembered(NamedTuple):
    """What a scan compares a file with."""

    filename: str
    state: State
    sighting: Sighting | None
    """``None`` when the file was seen by name only."""
    signed: bool
    sidecar_mtime_ns: int | None = None
    """When the sidecar that was read was changed last; ``None`` when there was none."""


class Double(NamedTuple):
    """One file name in two places."""

    listed: Place
    """The one that is on the page."""
    other: Place
    """The one that is only reachable by its own path."""


class Gone(NamedTuple):
    """A file that was known and is not there any more, nor any other of its name."""

    project: ProjectName
    version: str
    filename: str
    sha256: str
    """Hex digest."""


@dataclass(slots=True)
class Committed:
    """What one transaction changed."""

    rows: Counter[ProjectName] = field(default_factory=Counter)
    """How many files more (or, negative, fewer) were seen of a project."""
    files: int = 0
    """How many file names more (or fewer) are listed."""
    changed: set[ProjectName] = field(default_factory=set)
    """The projects whose pages are different now."""
    doubles: list[Double] = field(default_factory=list)
    """File names that were just found in a second place."""
    unread: bool = False
    """Are there files now whose facts are to be read?"""
    records: set[ProjectName] = field(default_factory=set)
    """The projects whose records on the disk are others now; only where other processes are to be told."""
    gone: list[Gone] = field(default_factory=list)
    """Files that were removed; only this process is told."""
    troubles: list[str] | None = None
    """What is wrong with the folders now; as above, and ``None`` when that is as it was."""

    def __bool__(self) -> bool:
        """Has anybody to be told?"""
        return bool(self.rows or self.files or self.changed or self.unread or self.records)


def preference(place: Place) -> tuple[int, int, str]:
    """Sort by it, and the place that is listed among files of one name comes first.

    First root, then shortest path, then alphabetical.
    """
    path = place.path
    return place.root, len(path), path


def split_folder(folder: str) -> tuple[str, str]:
    """The parent and the name under which a folder is remembered; the parent of a root is ``/``."""
    parent, _, name = folder.rpartition("/")
    return (parent, name) if folder else ("/", "")


def bounds_below(folder: str) -> tuple[str, str]:
    """Every folder below this one sorts between these two; ``0`` is the character after ``/``."""
    return (f"{folder}/", f"{folder}0") if folder else ("", _LAST_CHARACTER)
