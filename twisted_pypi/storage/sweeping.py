"""What a killed process may have left behind, and nothing else, is removed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from twisted_pypi.distributions import is_package_name
from twisted_pypi.storage.final_names import CLAIM_SUFFIX
from twisted_pypi.storage.staging import is_temporary, staging_folder

ORPHANED_AFTER = 24 * 3600
"""Seconds for which a sidecar may be without its file."""
ABANDONED_AFTER = 3600
"""Seconds after which a temporary file that is written in one go was given up."""


def sweep(
    root: Path,
    now: float,
    naming: AbstractContextManager[object],
    has_sidecar: Callable[[str], bool] = is_package_name,
) -> int:
    """Sweep one root and return how many files were removed.

    ``naming`` is held while a file is looked at again and removed.
    ``has_sidecar`` says of a name whether a sidecar may lie beside it.
    """
    removed = 0
    for path, oldest in _candidates(root, now, has_sidecar):
        with naming:
            removed += _remove(path, oldest, has_sidecar)
    return removed


def leftovers(
    root: Path, now: float, has_sidecar: Callable[[str], bool] = is_package_name
) -> Iterator[tuple[Path, float]]:
    """What ``sweep`` would remove from one root, each with the time that it must not be newer than."""
    for path, oldest in _candidates(root, now, has_sidecar):
        if _if_left(path, oldest, has_sidecar, lambda _: None):
            yield path, oldest


def take_leftover(path: Path, oldest: float) -> bool:
    """Remove one of the ``leftovers``, if it is one still, and return whether it was."""
    return _remove(path, oldest, is_package_name)


def _candidates(root: Path, now: float, has_sidecar: Callable[[str], bool]) -> Iterator[tuple[Path, float]]:
    """Paths that may go, and which time of last change they must not be newer than."""
    staging = staging_folder(root)
    for name in _names(staging):
        if is_temporary(name):
            yield staging / name, now
    for folder, folders, names in os.walk(root):
        folders[:] = [each for each in folders if not each.startswith(".")]
        here = Path(folder)
        for name in names:
            if not name.startswith("."):
                continue
            if is_temporary(name):
                yield here / name, now - ABANDONED_AFTER
            elif name.endswith(CLAIM_SUFFIX) and is_package_name(name[1 : -len(CLAIM_SUFFIX)]):
                yield here / name, now
            elif name.endswith(".json") and _is_orphan(here / name, has_sidecar):
                yield here / name, now - ORPHANED_AFTER


def _is_orphan(sidecar: Path, has_sidecar: Callable[[str], bool]) -> bool:
    filename = sidecar.name[1 : -len(".json")]
    return has_sidecar(filename) and not os.path.lexists(sidecar.with_name(filename))


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _remove(path: Path, oldest: float, has_sidecar: Callable[[str], bool]) -> bool:
    return _if_left(path, oldest, has_sidecar, Path.unlink)


def _if_left(path: Path, oldest: float, has_sidecar: Callable[[str], bool], then: Callable[[Path], object]) -> bool:
    """Do something to a path that is locked, if it is left over still; return whether it was."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            except OSError:
                # There are no locks here, so that its age has to tell.
                oldest -= ORPHANED_AFTER
            if os.fstat(fd).st_mtime > oldest:
                return False
            if path.suffix == ".json" and not _is_orphan(path, has_sidecar):
                return False
            then(path)
        finally:
            os.close(fd)
    except OSError:
        # Gone already, or not ours to remove.
        return False
    return True
