"""Where a catalog is begun: in the best folder that takes one, else in memory."""

from __future__ import annotations

import os
import sqlite3
from typing import NamedTuple

from twisted.logger import Logger

from twisted_pypi.catalog.copying import begin_with
from twisted_pypi.catalog.location import FILENAME, state_folders
from twisted_pypi.catalog.locking import LOCK, KeptByAnother, locked
from twisted_pypi.catalog.schema import open_database

_IN_MEMORY = ":memory:"


class Begun(NamedTuple):
    """An open catalog."""

    connection: sqlite3.Connection
    location: str | None = None
    """The file that it is in; ``None`` when it is only in memory."""
    lock: int | None = None
    """The descriptor that keeps other servers away from its folder."""


class _Other(NamedTuple):
    """A server that keeps its catalog where this one would have it."""

    folder: str
    who: str


def begin(root: str, state_dir: str | None, cache_dir: str, log: Logger) -> Begun:
    """Open the catalog of the folders that begin with ``root``, and say in the log when it is not where it belongs.

    Where another server keeps it, this one has its own, which goes on from
    what the other one knows.
    """
    reasons: list[str] = []
    other: _Other | None = None
    begun: Begun | None = None
    for folder in state_folders(state_dir, root, cache_dir):
        try:
            begun = _in(folder, log)
            break
        except (OSError, sqlite3.Error) as problem:
            reasons.append(f"{folder}: {problem}")
            if isinstance(problem, KeptByAnother):
                other = other or _Other(folder, problem.who)
    found = begun or Begun(open_database(_IN_MEMORY, log))
    if other is not None:
        _beside(other, found, root, log)
    elif begun is None:
        log.warn(
            "the catalog is kept in memory only, so the next start reads every file again ({reasons});"
            " --state-dir names a folder on a local disk for it",
            reasons="; ".join(reasons),
        )
    elif reasons:
        log.info("the catalog is kept in {path} ({reasons})", path=begun.location, reasons="; ".join(reasons))
    return found


def _in(folder: str, log: Logger) -> Begun:
    """Raises ``OSError`` and ``sqlite3.Error``."""
    os.makedirs(folder, mode=0o755, exist_ok=True)
    lock = locked(os.path.join(folder, LOCK))
    path = os.path.join(folder, FILENAME)
    try:
        return Begun(open_database(path, log), path, lock)
    except BaseException:
        os.close(lock)
        raise


def _beside(other: _Other, begun: Begun, root: str, log: Logger) -> None:
    copied = begin_with(other.folder, begun.connection)
    log.warn(
        "{who} scans {root} and keeps its catalog in {folder}; this one serves the same files, by a catalog of its own"
        " {place}{copied}",
        who=other.who,
        root=root,
        folder=other.folder,
        place="in memory" if begun.location is None else f"in {os.path.dirname(begun.location)}",
        copied=", which begins with what that one has read" if copied else "",
    )
