"""What has to be read to be known: archives that do not open, and sidecars that are of other bytes."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import BinaryIO

from twisted_pypi.command.checking.finding import Finding, Level, Matter, Repair
from twisted_pypi.command.checking.set_aside import set_aside
from twisted_pypi.command.checking.side_by_side import side_by_side
from twisted_pypi.core_metadata import has_readable_format, reads_to_the_end
from twisted_pypi.distributions import Distribution, parse_filename
from twisted_pypi.errors import BadFilename
from twisted_pypi.storage.beside import Beside, look_beside, sidecar_location

PIECE = 1024 * 1024
"""Bytes that are read at once."""
_FRESH = 10.0
"""Seconds since its last change within which a file may still be coming."""


@dataclass(frozen=True, slots=True)
class File:
    """A package to be looked into."""

    root: str
    """The root that it is in."""
    path: str
    """Where it is below that root."""
    size: int
    with_sidecar: bool

    @property
    def location(self) -> str:
        """Its absolute path."""
        return f"{self.root.rstrip('/')}/{self.path}"


def contents(files: Iterable[File], read: Callable[[int], None], done: Callable[[], None]) -> Iterator[Finding]:
    """What there is to say of what is in the files, in their order.

    ``read`` is told of bytes, in any thread, and ``done`` of each file.
    """
    for found in side_by_side(partial(_look, read=read), files):
        done()
        yield from found


def digest_of(file: BinaryIO, read: Callable[[int], None]) -> str:
    """Return the SHA-256 of an open file, in hex; ``read`` is told of the bytes as they come."""
    digest, piece = sha256(), bytearray(PIECE)
    view = memoryview(piece)
    while count := file.readinto(view):  # type: ignore[attr-defined]  # every file that is open has it
        digest.update(view[:count])
        read(count)
    return digest.hexdigest()


def _look(file: File, read: Callable[[int], None]) -> list[Finding]:
    try:
        distribution = parse_filename(file.path.rpartition("/")[2])
        descriptor = os.open(file.location, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (BadFilename, OSError):
        return []  # which was said by its name, and by its rights
    try:
        with os.fdopen(descriptor, "rb") as opened:
            return _read(file, distribution, opened, read)
    except OSError as problem:
        return [_unreadable(file.location, problem)]


def _read(file: File, distribution: Distribution, opened: BinaryIO, read: Callable[[int], None]) -> list[Finding]:
    status = os.fstat(opened.fileno())
    if not stat.S_ISREG(status.st_mode) or time.time() - status.st_mtime < _FRESH:
        return []
    found = []
    if has_readable_format(distribution) and not reads_to_the_end(opened, distribution):
        found.append(_closed(file.location, status.st_size))
    if file.with_sidecar and (beside := look_beside(file.location)).mtime_ns is not None:
        opened.seek(0)
        found += _sidecar(file, beside, digest_of(opened, read), status.st_mtime_ns)
    else:
        read(status.st_size)
    return found


def _closed(location: str, size: int) -> Finding:
    what = "does not open as what its name says, or is cut off" if size else "is empty"
    return Finding(
        f"{location} {what}.",
        Level.BAD,
        Matter.CONTENTS,
        "It is listed, as by the old server, and installers fail on it: fetch or build it again, or remove it.",
        location,
    )


def _unreadable(location: str, problem: OSError) -> Finding:
    return Finding(
        f"{location} cannot be read ({problem.strerror}).",
        Level.BAD,
        Matter.CONTENTS,
        "Look after the disk, and bring the file back from a copy.",
        location,
    )


def _sidecar(file: File, beside: Beside, digest: str, changed_ns: int) -> list[Finding]:
    if beside.sidecar is not None and beside.sidecar.sha256 == digest:
        return []
    path = sidecar_location(file.location) or ""
    if beside.sidecar is None:
        sentence = f"{path} is no sidecar that can be read, so nothing of it counts."
        return [_stale(file, path, sentence, "It can be moved away; what it said has to be said again.")]
    sentence = f"{path} is of other bytes than the file beside it has, so nothing of it counts."
    if beside.mtime_ns is not None and changed_ns > beside.mtime_ns:
        return [_stale(file, path, sentence, "The file was replaced since: yank it again where that is still meant.")]
    advice = "The file is older than it, and may be damaged: compare it with a copy, or with where it came from, first."
    return [Finding(sentence, Level.BAD, Matter.SIDECAR, advice, path)]


def _stale(file: File, path: str, sentence: str, advice: str) -> Finding:
    repair = Repair(
        "moves it to .twisted-pypi/set-aside",
        "It is in .twisted-pypi/set-aside now.",
        partial(set_aside, file.root, os.path.join(os.path.dirname(file.path), os.path.basename(path))),  # noqa: PTH118, PTH119, PTH120  # texts
    )
    return Finding(sentence, Level.BAD, Matter.SIDECAR, advice, path, repair)
