"""Bytes on their way in: files that have no name yet, or a hidden one that is swept when its writer is gone."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from twisted_pypi.errors import NoSpace, NotAllowed, Unreadable

HIDDEN_PREFIX = ".upload-"
"""How every temporary name begins; with a dot, so that none is ever listed."""
_SUFFIX = ".tmp"

MODE = 0o644
"""The mode of new files, before the umask."""

_WRITE_BACK = 8 * 1024 * 1024
"""Bytes after which the disk is set to work, so that little is left to do when all have come."""
_READ = 1024 * 1024
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REFUSED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_NO_NAMELESS_FILES = frozenset({errno.EOPNOTSUPP, errno.ENOTSUP, errno.EISDIR, errno.ENOENT, errno.EINVAL})


class Hash(Protocol):
    """What ``hashlib`` makes."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes."""

    def hexdigest(self) -> str:
        """The digest of all so far, in hex."""


ALGORITHMS: Mapping[str, Callable[[], Hash]] = {
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "blake2_256": lambda: hashlib.blake2b(digest_size=32),
    "blake2_512": hashlib.blake2b,
}
"""The digests that clients send, by the names of the upload form; ``blake2_512`` is what old ones send as the other."""


@contextmanager
def storage_errors() -> Iterator[None]:
    """Say in the product's words what the operating system says of writing."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NoSpace("the disk of the index is full; make room there, or make it larger, and try again") from error
        if error.errno in _REFUSED:
            raise NotAllowed(
                f"the folder of the index cannot be written to ({error.strerror}); its owner has to allow that to the server"
            ) from error
        raise


class StagedFile:
    """A ``Staged`` in a file of the mount that it will be published on."""

    def __init__(
        self, fd: int, name: Path | None, algorithms: Collection[str], ended: Callable[[StagedFile], None]
    ) -> None:
        """Take an open, empty file, which has the path ``name`` or none at all."""
        self.fd = fd
        self.name = name
        self.size = 0
        self._hashes = {name: ALGORITHMS[name]() for name in {"sha256", *algorithms} if name in ALGORITHMS}
        self._written_back = 0
        self._ended = ended
        self._open = True
        self._lock = threading.Lock()

    @property
    def gone(self) -> bool:
        """Were the bytes published, or forgotten?"""
        return not self._open

    def write(self, data: bytes) -> None:
        """Append.  Blocking.  Raises ``NoSpace``, and then nothing is left of the file."""
        try:
            with storage_errors():
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(self.fd, rest) :]
        except BaseException:
            self.discard()
            raise
        for each in self._hashes.values():
            each.update(data)
        self.size += len(data)
        if self.size - self._written_back >= _WRITE_BACK and sys.platform == "linux":
            # Dirty pages are not dropped by this advice, but the kernel starts to write them.
            os.posix_fadvise(self.fd, self._written_back, self.size - self._written_back, os.POSIX_FADV_DONTNEED)
            self._written_back = self.size

    def digests(self) -> Mapping[str, str]:
        """Hex digests of everything written: sha256 and those that were asked for."""
        return {name: each.hexdigest() for name, each in self._hashes.items()}

    def digest(self, algorithm: str) -> str:
        """One hex digest, by reading the file again if it was not kept.  Blocking.

        Raises ``ValueError`` for an algorithm that is not in ``ALGORITHMS``.
        """
        if algorithm not in self._hashes:
            if algorithm not in ALGORITHMS:
                raise ValueError(f"unknown digest {algorithm!r}; expected one of {', '.join(ALGORITHMS)}")
            found, at = ALGORITHMS[algorithm](), 0
            while piece := os.pread(self.fd, _READ, at):
                found.update(piece)
                at += len(piece)
            self._hashes[algorithm] = found
        return self._hashes[algorithm].hexdigest()

    def path(self) -> str:
        """A path by which the bytes can be opened for reading."""
        return f"/proc/self/fd/{self.fd}" if self.name is None else str(self.name)

    def sync(self) -> None:
        """Wait until the bytes are on the disk.  Blocking.  Raises ``NoSpace``."""
        with storage_errors():
            os.fsync(self.fd)

    def discard(self) -> None:
        """Forget the bytes.  Blocking; harmless after publishing, and when done twice."""
        with self._lock:
            if not self._open:
                return
            self._open = False
        if self.name is not None:
            self.name.unlink(missing_ok=True)
        os.close(self.fd)
        self._ended(self)


class StagingArea:
    """Where staged files of one root are made."""

    def __init__(self, root: Path, *, nameless: bool = True) -> None:
        """Stage below ``root``; with ``nameless`` as files without a name where the file system has those."""
        self._root = root
        self._nameless = nameless and hasattr(os, "O_TMPFILE")

    def open(self, algorithms: Collection[str], ended: Callable[[StagedFile], None]) -> StagedFile:
        """Return a new staged file.  Raises ``NoSpace``, ``NotAllowed`` and ``Unreadable``."""
        if not self._root.is_dir():
            raise Unreadable("the folder of the index is not there at the moment; try again when it is mounted")
        with storage_errors():
            if self._nameless:
                try:
                    return StagedFile(
                        os.open(self._root, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, MODE), None, algorithms, ended
                    )
                except OSError as error:
                    if error.errno not in _NO_NAMELESS_FILES:
                        raise
                    self._nameless = False
            fd, name = locked_file(self._folder())
            return StagedFile(fd, name, algorithms, ended)

    def use_names(self) -> None:
        """Give staged files hidden names from now on: this file system could not give a nameless one its own."""
        self._nameless = False

    def _folder(self) -> Path:
        folder = staging_folder(self._root)
        folder.mkdir(parents=True, exist_ok=True)
        # A name can only be given on the same mount.
        return folder if folder.stat().st_dev == self._root.stat().st_dev else self._root


def staging_folder(root: Path) -> Path:
    """Where staged files with names lie."""
    return root / ".twisted-pypi" / "staging"


def hidden_path(folder: Path) -> Path:
    """Return a new temporary path in a folder."""
    return folder / f"{HIDDEN_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"


def is_temporary(name: str) -> bool:
    """Is this the name of a temporary file of ours?"""
    return name.startswith(HIDDEN_PREFIX) and name.endswith(_SUFFIX)


def create(path: Path) -> int:
    """Make a file that is not there yet, and return its descriptor."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)


def locked_file(folder: Path) -> tuple[int, Path]:
    """Make a hidden file and return its descriptor and its path.

    It is locked as long as it is open, which says that its writer lives.
    """
    while True:
        path = hidden_path(folder)
        fd = create(path)
        # Without locks (some network file systems) the age of the file has to do.
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Somebody who sweeps may have come between the two.
        if os.fstat(fd).st_nlink:
            return fd, path
        os.close(fd)
