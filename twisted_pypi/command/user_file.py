"""An htpasswd file as a command changes it: one line at a time, in one step, with all others as they were."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from twisted_pypi.htpasswd import Scheme, decode, parse, scheme_of

MODE = 0o640
"""The mode of a new file: its owner and their group read it."""

_NO_NEW_FILE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV}
"""What is raised where a file can be written to, but not be replaced: one that is mounted by itself is such a file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A user who can log in."""

    line: int
    """The number of the line, from 1."""
    name: str
    hashed: str
    kind: Scheme


@dataclass(frozen=True, slots=True)
class Contents:
    """What a password file says."""

    users: list[Entry]
    problems: list[tuple[int, str, str]]
    """Lines that let nobody in: number, user name (perhaps empty), reason."""


def read(path: Path) -> bytes:
    """The bytes of a file; none when it is not there.  Raises ``OSError``."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def contents(data: bytes) -> Contents:
    """What the server understands of a file."""
    table = parse(decode(data))
    names = {number: name for number, name, _ in _lines(data)}
    bad = {number for number, _ in table.problems}
    users = [
        Entry(number, name, table.entries[name], kind)
        for number, name in names.items()
        if number not in bad and name in table.entries and (kind := scheme_of(table.entries[name])) is not None
    ]
    return Contents(users, [(number, names.get(number, ""), problem) for number, problem in table.problems])


def with_user(data: bytes, name: str, hashed: str) -> tuple[bytes, bool]:
    """The file with a new hash for a user, in the line that counts or in a new one; were they there before?

    Later lines of the same user, which let nobody in, are left out: they
    would come into force when the first one is removed by hand.
    """
    mine = [(number, line) for number, found, line in _lines(data) if found == name]
    lines = data.split(b"\n")
    if not mine:
        ended = data if not data or data.endswith(b"\n") else data + b"\n"
        return ended + f"{name}:{hashed}\n".encode(), False
    (first, line), *later = mine
    colon, rest = line.partition(b":")[2].partition(b":")[1:]
    end = b"" if colon or not line.endswith(b"\r") else b"\r"
    lines[first - 1] = f"{name}:{hashed}".encode() + colon + rest + end
    dropped = {number for number, _ in later}
    return b"\n".join(each for number, each in enumerate(lines, 1) if number not in dropped), True


def without_user(data: bytes, name: str) -> bytes | None:
    """The file without any line of a user; ``None`` when there is none."""
    dropped = {number for number, found, _ in _lines(data) if found == name}
    if not dropped:
        return None
    return b"\n".join(each for number, each in enumerate(data.split(b"\n"), 1) if number not in dropped)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Be the only one of this program who changes a file."""
    fd = -1
    # Where folders cannot be locked, being quick has to do.
    with suppress(OSError):
        fd = os.open(path.resolve().parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(fd, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if fd >= 0:
            os.close(fd)


def write(path: Path, data: bytes) -> None:
    """Replace the file in one step, with the same owner and mode; a new one belongs to the owner of its folder.

    Where it cannot be replaced it is written to: a server that reads half of
    it keeps what it knew.  Raises ``OSError``.
    """
    target = path.resolve()
    if os.geteuid() == 0 and path.is_symlink():
        _see_whose(path, target)
    try:
        _replace(target, data)
    except OSError as error:
        if error.errno not in _NO_NEW_FILE or not target.exists():
            raise
        with target.open("r+b") as file:
            file.write(data)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())


def _see_whose(link: Path, target: Path) -> None:
    """Let nobody who could not change a file have root change it by a link to it."""
    owner = (target if target.exists() else target.parent).stat().st_uid
    if link.lstat().st_uid not in {0, owner}:
        raise PermissionError(errno.EPERM, f"it is a link of another user than the owner of {target}", str(link))


def _replace(target: Path, data: bytes) -> None:
    facts = target.stat() if target.exists() else None
    folder = target.parent.stat()
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            with suppress(PermissionError):  # only root gives files away, and only root has to
                os.fchown(file.fileno(), (facts or folder).st_uid, (facts or folder).st_gid)
            os.fchmod(file.fileno(), MODE if facts is None else facts.st_mode & 0o7777)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _lines(data: bytes) -> Iterator[tuple[int, str, bytes]]:
    """The lines that are neither empty nor comments: number, user name and bytes of each."""
    for number, line in enumerate(data.split(b"\n"), 1):
        text = decode(line)
        if number == 1:
            text = text.removeprefix("\ufeff")
        text = text.strip()
        if text and not text.startswith("#"):
            yield number, text.partition(":")[0], line
