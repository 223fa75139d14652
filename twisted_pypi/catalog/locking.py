"""The lock on the folder of a catalog, which says which server keeps it."""

from __future__ import annotations

import fcntl
import os
import time

LOCK = "catalog.lock"
"""The file beside the catalog that its server locks."""

_TRIES = 30
_PAUSE = 0.1
_LONGEST = 300


class KeptByAnother(OSError):
    """Another server keeps its catalog in this folder; ``who`` says which, as far as that is known."""

    def __init__(self, who: str) -> None:
        super().__init__(f"{who} keeps its catalog there")
        self.who = who


def locked(path: str) -> int:
    """Lock the folder of a catalog against other servers, and write down who has it.

    A server that is being replaced lets go of it within moments, so that is
    waited for.  Raises ``KeptByAnother`` when another server keeps it, and ``OSError``.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        for left in range(_TRIES, -1, -1):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if left == 0:
                    raise KeptByAnother(_holder(lock)) from None
                time.sleep(_PAUSE)
            else:
                _sign(lock)
                return lock
    except BaseException:
        os.close(lock)
        raise
    raise AssertionError


def _sign(lock: int) -> None:
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"process {os.getpid()} on {os.uname().nodename}".encode(), 0)
    except OSError:
        # On a full disk nobody is told who it is; the lock holds all the same.
        return


def _holder(lock: int) -> str:
    said = os.pread(lock, _LONGEST, 0).decode("utf-8", "replace").strip()
    return f"another server ({said})" if said.isprintable() and said else "another server"
