"""Adding, changing and removing users of an htpasswd file, without Apache's tools."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from getpass import getpass
from pathlib import Path

from passlib.hash import bcrypt

from twisted_pypi.errors import BadSetting

USAGE = "twisted-pypi passwd [--delete] FILE USER"

MODE = 0o640
"""The mode of a new file: its owner and their group read it."""

LONGEST = 72
"""Bytes of a password that bcrypt looks at."""

_USER = re.compile(r"[^\x00-\x1f\x7f:]{1,255}\Z")


def main(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """As ``passwd``."""
    del environ
    return passwd(argv)


def passwd(argv: Sequence[str]) -> str:
    """Do what the command line says, and return the sentence that says what was done.

    The password is asked for twice at a terminal, and else is the first line
    of standard input.  Raises ``BadSetting``.
    """
    delete = "--delete" in argv
    words = [word for word in argv if word != "--delete"]
    if len(words) != 2 or any(word.startswith("-") for word in words):
        raise BadSetting(f"expected a file and a user: {USAGE}")
    path, user = Path(words[0]), words[1]
    if not _USER.match(user) or user.startswith("#"):
        raise BadSetting(f"{user!r} cannot be a user: expected a name without a colon and control characters.")
    try:
        lines = path.read_text("utf-8", "surrogateescape").splitlines() if path.exists() else []
        others = [line for line in lines if line.split(":", 1)[0] != user]
        if delete:
            if len(others) == len(lines):
                raise BadSetting(f"{path} has no user {user!r}: nothing was changed.")
            _write(path, others)
            return f"{user} is removed from {path}; a server that uses it knows at the next request."
        _write(path, [*others, f"{user}:{bcrypt.hash(_password(user))}"])
    except OSError as error:
        raise BadSetting(
            f"{path} cannot be changed ({error.strerror}): expected a file that can be written."
        ) from error
    verb = "has a new password" if len(others) < len(lines) else "may log in now"
    return f"{user} {verb}; a server that uses {path} knows at the next request."


def _password(user: str) -> str:
    if sys.stdin.isatty():
        password = getpass(f"Password for {user}: ")
        if getpass("The same again: ") != password:
            raise BadSetting("the two passwords are different: nothing was changed.")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password or "\0" in password or len(password.encode()) > LONGEST:
        raise BadSetting(f"expected a password of 1 to {LONGEST} bytes: nothing was changed.")
    return password


def _write(path: Path, lines: Sequence[str]) -> None:
    """Replace the file in one step: a server that reads it sees the old one or the new one."""
    target = path.resolve()
    facts = target.stat() if target.exists() else None
    folder = target.parent.stat()
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(f"{line}\n" for line in lines)
            os.fchmod(file.fileno(), MODE if facts is None else facts.st_mode & 0o7777)
            with suppress(PermissionError):  # only root gives files away, and only root has to
                os.fchown(file.fileno(), (facts or folder).st_uid, (facts or folder).st_gid)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
