"""Moving a file of the folders with what lies beside it."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from twisted_pypi.errors import BadFilename, NoSuchFile
from twisted_pypi.sidecars import sidecar_name
from twisted_pypi.storage.final_names import claimed, copy_beside, rename_no_replace
from twisted_pypi.storage.tree import SIGNATURE


def made_below(root: Path, *names: str) -> Path:
    """A folder below a root; where it has to be made, it belongs to whom the one above does."""
    folder = root
    for name in names:
        above, folder = folder, folder / name
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        if os.geteuid() == 0:
            owner = above.stat()
            with suppress(PermissionError):
                os.chown(folder, owner.st_uid, owner.st_gid)
    return folder


def found_beside(path: Path) -> list[Path]:
    """What lies beside a file: its sidecar and its signature."""
    names = [f"{path.name}{SIGNATURE}"]
    with suppress(BadFilename):
        names.append(sidecar_name(path.name))
    return [found for found in map(path.with_name, names) if found.is_file()]


def remove_beside(path: Path) -> None:
    """Remove what lies beside a file that is gone."""
    for each in found_beside(path):
        each.unlink(missing_ok=True)


def move(source: Path, target: Path) -> None:
    """Rename a file, or copy it where the other folder is on another mount.  Raises ``NoSuchFile``, ``OSError``."""
    try:
        source.rename(target)
    except FileNotFoundError as error:
        raise NoSuchFile(f"there is no file {source}") from error
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copied(source, target.parent).rename(target)
        source.unlink()


def move_to_free(source: Path, target: Path) -> None:
    """The same, where nothing may be in the place yet.  Raises ``FileExistsError``."""
    if source.lstat().st_dev != target.parent.stat().st_dev:
        near = _copied(source, target.parent)
        try:
            _rename_to_free(near, target)
        finally:
            near.unlink(missing_ok=True)
    else:
        _rename_to_free(source, target)


def _rename_to_free(source: Path, target: Path) -> None:
    if rename_no_replace(source, target):
        return
    with claimed(target):
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        source.rename(target)


def _copied(source: Path, folder: Path) -> Path:
    near = copy_beside(str(source), folder)
    # The time of an upload by hand is that of the file.
    shutil.copystat(source, near)
    return near
