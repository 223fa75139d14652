"""How a finished file gets the name that it is served under: at once, and never over another file.

With hard links, ``link`` does both.  Where a file system has none (CIFS, some
of FUSE), ``renameat2`` does, and where that is not known either, a lock on a
hidden file beside the target keeps everybody else of this program away while
it is looked at and renamed.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from twisted_pypi.storage.staging import MODE, StagedFile, create, hidden_path

Link = Callable[[str, str], None]
"""Gives the file at the first path the second one too; raises ``OSError``."""

Rename = Callable[[Path, Path], bool]
"""Renames a file to a name that is free, or returns ``False`` where that is not known; raises ``FileExistsError``."""

CLAIM_SUFFIX = ".lock"
"""How the hidden file ends that is locked while its target is named."""

NO_LINKS = frozenset(
    {
        errno.EPERM,
        errno.EACCES,
        errno.ENOTSUP,
        errno.EOPNOTSUPP,
        errno.ENOSYS,
        errno.EMLINK,
        errno.EXDEV,
        errno.ENOENT,
        errno.EINVAL,
    }
)
"""What ``link`` raises where it cannot be used; ``ENOENT`` where /proc is not mounted."""

_RENAME_NOREPLACE = 1
_AT_FDCWD = -100


class FinalNames:
    """Gives names to staged files."""

    def __init__(self, link: Link, rename: Rename) -> None:
        """Use ``link`` where it works, else ``rename``, else a lock."""
        self._link = link
        self._rename = rename

    def free(self, staged: StagedFile, target: Path) -> os.stat_result:
        """Give the bytes a name that is free, and return what is known of the file.

        Raises ``FileExistsError`` when it is not, whoever was faster.
        """
        if self.try_link(staged, target):
            return os.fstat(staged.fd)
        near = self._near(staged, target.parent)
        try:
            found = near.stat()
            self._rename_to_free(near, target)
        finally:
            if near != staged.name:
                near.unlink(missing_ok=True)
        return found

    def over(self, staged: StagedFile, target: Path) -> os.stat_result:
        """Give the bytes a name, whether it is free or not, and return what is known of the file."""
        near = self._near(staged, target.parent)
        try:
            found = near.stat()
            near.replace(target)
        finally:
            if near != staged.name:
                near.unlink(missing_ok=True)
        return found

    def put(self, staged: StagedFile, target: Path) -> None:
        """Give the bytes a name, over whatever has it; without another name before that, where the name is free."""
        with suppress(FileExistsError):
            if self.try_link(staged, target):
                return
        self.over(staged, target)

    def try_link(self, staged: StagedFile, target: Path) -> bool:
        """Link the bytes to a name that is free; return whether this file system can do that.

        Raises ``FileExistsError``.
        """
        try:
            self._link(staged.path(), str(target))
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            return False
        return True

    def _rename_to_free(self, source: Path, target: Path) -> None:
        if self._rename(source, target):
            return
        with claimed(target):
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
            source.rename(target)

    def _near(self, staged: StagedFile, folder: Path) -> Path:
        """A hidden path on the mount of ``folder`` at which the bytes are."""
        path = hidden_path(folder)
        if self.try_link(staged, path):
            return path
        if staged.name is not None and staged.name.stat().st_dev == folder.stat().st_dev:
            return staged.name
        return copy_beside(staged.path(), folder)


def link(source: str, target: str) -> None:
    """Link a file, which may be the nameless one behind a ``/proc`` path.

    Raises ``FileExistsError`` when the target is there.
    """
    # Only with a descriptor given does Python follow the link in /proc (linkat, AT_SYMLINK_FOLLOW); the path is
    # absolute, so that which one does not count.
    os.link(source, target, src_dir_fd=0, follow_symlinks=True)


def rename_no_replace(source: Path, target: Path) -> bool:
    """Rename a file to a name that is free, by ``renameat2``; return whether this file system can do that.

    Raises ``FileExistsError``.
    """
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), ctypes.c_uint(_RENAME_NOREPLACE)) == 0:
        return True
    number = ctypes.get_errno()
    if number in {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}:
        return False
    raise OSError(number, os.strerror(number), str(target))


@contextmanager
def claimed(target: Path) -> Iterator[None]:
    """Be the only one of this program, on all machines that share its locks, who gives that name.

    A claim dies with whoever holds it.
    """
    path = target.with_name(f".{target.name}{CLAIM_SUFFIX}")
    fd = _locked_claim(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(fd)


def _locked_claim(path: Path) -> int:
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
        # Without locks at all, being quick has to do.
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX)
        # Whoever had it before has removed the file that was waited for.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(fd), path.stat()):
                return fd
        os.close(fd)


def copy_beside(source: str, folder: Path) -> Path:
    """Copy a file to a hidden name in a folder of another mount, down to the disk, and return its path."""
    with Path(source).open("rb") as read:
        return _written(folder, lambda written: shutil.copyfileobj(read, written, 1024 * 1024))


def write_beside(data: bytes, folder: Path) -> Path:
    """Write bytes to a hidden name in a folder, down to the disk, and return its path."""
    return _written(folder, lambda written: written.write(data))


def put_over(data: bytes, path: Path) -> None:
    """Give a small file these bytes in one step, down to the disk, whether it is there or not."""
    ready = write_beside(data, path.parent)
    try:
        ready.replace(path)
    finally:
        ready.unlink(missing_ok=True)
    sync_folder(path.parent)


def _written(folder: Path, write: Callable[[BinaryIO], object]) -> Path:
    path = hidden_path(folder)
    try:
        with os.fdopen(create(path), "wb") as written:
            write(written)
            _give_to_owner(written.fileno(), folder)
            written.flush()
            os.fsync(written.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _give_to_owner(fd: int, folder: Path) -> None:
    """What root writes belongs to the owner of the folder, who serves it without being root."""
    if os.geteuid() == 0:
        owner = folder.stat()
        with suppress(PermissionError):
            os.fchown(fd, owner.st_uid, owner.st_gid)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        # Some network file systems know no such thing for folders.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF}:
            raise
    finally:
        os.close(fd)
