"""The sidecar that lies beside a file on the disk."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from twisted_pypi.errors import BadFilename
from twisted_pypi.sidecars import LARGEST, Sidecar, parse_sidecar, sidecar_name


class Beside(NamedTuple):
    """What lies beside a file."""

    sidecar: Sidecar | None
    """What it says, of whatever bytes that is; ``None`` when it is none, or there is none."""
    mtime_ns: int | None
    """``st_mtime_ns`` of it; ``None`` when there is none."""


NOTHING = Beside(None, None)


def sidecar_location(location: str) -> str | None:
    """Where the sidecar of the file at ``location`` is, if there is one; ``None`` when its name would be too long."""
    folder, _, filename = location.rpartition("/")
    try:
        return f"{folder}/{sidecar_name(filename)}"
    except BadFilename:
        return None


def changed_at(location: str) -> int | None:
    """``st_mtime_ns`` of the sidecar of the file at ``location``; ``None`` when there is none.  Raises ``OSError``."""
    try:
        path = sidecar_location(location)
        return None if path is None else os.stat(path).st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return None


def look_beside(location: str) -> Beside:
    """What lies beside the file at ``location``.  Blocking.  Raises ``OSError`` when that cannot be known."""
    path = sidecar_location(location)
    if path is None:
        return NOTHING
    try:
        # A pipe of that name must not block.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return NOTHING
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return Beside(None, found.st_mtime_ns)
        with open(descriptor, "rb", closefd=False) as file:
            return Beside(parse_sidecar(file.read(LARGEST + 1)), found.st_mtime_ns)
    finally:
        os.close(descriptor)
