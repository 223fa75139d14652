"""The password file: looked at whenever a login counts, read again when it is another."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Mapping

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twisted_pypi.htpasswd import EMPTY, PasswordTable, decode, parse

PROVISIONAL_NS = 2_000_000_000
"""Nanoseconds for which one more change may leave no trace in the times of a file (2 s on FAT, 1 s on some NFS)."""

SETTLE = 0.1
"""Seconds for which a user who has just gone may come back: htpasswd empties the file before it fills it."""

LARGEST = 16 * 1024 * 1024
"""Bytes of a file that is still read."""


class PasswordFile:
    """An htpasswd file and the last good table that was read from it.

    Reading and parsing are done on the reactor thread: a hundred users take
    well under a millisecond, and only after a change.
    """

    log = Logger()

    def __init__(self, path: str, clock: IReactorTime, *, now_ns: Callable[[], int] = time.time_ns) -> None:
        """Watch ``path``; ``now_ns`` is the wall clock that the times of files are of."""
        self.path = path
        self.table: PasswordTable = EMPTY
        """The table in force."""
        self.generation = 0
        """Grows whenever the users in force change."""
        self._clock = clock
        self._now_ns = now_ns
        self._identity: tuple[int, ...] | None = None
        self._data: bytes | None = None
        self._taken = False
        self._trouble: str | None = None
        self._before: Mapping[str, str] = {}
        self._changed_at = float("-inf")

    def refresh(self) -> None:
        """Take in the file if it is not the one that was read: one ``stat`` (2 us) when it is.  Never raises.

        A file that is missing, unreadable or half-written leaves the last
        good table in force, with one log line.
        """
        try:
            if _identity(os.stat(self.path)) == self._identity:  # noqa: PTH116  # this is the hot path of every login
                return
            data, status = _read(self.path)
        except OSError as error:
            self._identity = None
            self._report(error)
            return
        self._identity = _identity(status) if self._is_settled(status) else None
        if self._trouble is not None:
            self.log.info("the password file {path} can be read again", path=self.path)
            self._trouble = None
        if data != self._data or not self._taken:
            self._data, self._taken = data, True
            self._take(parse(decode(data)))

    def reload(self) -> None:
        """Read the file, whatever its times say, and log what came of it.  Never raises."""
        self._identity, self._trouble = None, None
        self._taken = False
        self.refresh()

    def just_lost(self, user: str) -> bool:
        """Was this user in the table that was in force until a moment (``SETTLE``) ago, and is gone?"""
        return (
            user in self._before
            and user not in self.table.entries
            and self._clock.seconds() - self._changed_at < SETTLE
        )

    def _is_settled(self, status: os.stat_result) -> bool:
        """Would the next change be seen by the times of the file?  A time to come is taken as it is."""
        return not -PROVISIONAL_NS < self._now_ns() - status.st_mtime_ns < PROVISIONAL_NS

    def _take(self, table: PasswordTable) -> None:
        for number, problem in table.problems:
            self.log.warn("line {number} of {path}: {problem}", number=number, path=self.path, problem=problem)
        if table.cut_off and self.table.entries:
            self.log.warn(
                "{path} ends within a line, as if it were half-written: its last good version stays in force",
                path=self.path,
            )
            return
        if table.entries != self.table.entries:
            self._before = self.table.entries
            self._changed_at = self._clock.seconds()
            self.generation += 1
        self.table = table
        self.log.info("{count} users can log in, by {path}", count=len(table.entries), path=self.path)

    def _report(self, error: OSError) -> None:
        """Say once what is wrong, until it is right again or something else is."""
        trouble = error.strerror or str(error)
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if self._data is None and isinstance(error, FileNotFoundError):
            self.log.info(
                "There is no password file {path} yet: nobody can log in until it is there, which needs no restart",
                path=self.path,
            )
            return
        if self._data is None:
            consequence = "nobody can log in until it can be read, which needs no restart"
        else:
            consequence = "its last good version stays in force"
        self.log.warn(
            "the password file {path} cannot be read ({trouble}): {consequence}",
            path=self.path,
            trouble=trouble,
            consequence=consequence,
        )


def _identity(status: os.stat_result) -> tuple[int, ...]:
    # The ctime tells of changes by those who set the mtime back (rsync --inplace, touch).
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev, status.st_ctime_ns


def _read(path: str) -> tuple[bytes, os.stat_result]:
    """Return the bytes and what ``fstat`` said before they were read.  Never waits for the writer of a pipe."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:  # noqa: PTH123  # a descriptor has no path
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is not a regular file")
        if status.st_size > LARGEST:
            raise OSError(0, f"it is larger than {LARGEST} bytes")
        return file.read(LARGEST + 1), status
