"""A file that whole lines are appended to, by several processes perhaps."""

from __future__ import annotations

import os

from twisted_pypi.auditing.lines import write_line
from twisted_pypi.boundaries.happenings import Happening

MODE = 0o600
"""The permissions of a new file: names and addresses of people are in it."""

# A pipe without a reader is refused at once, instead of being waited for.
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK


class AppendOnlyFile:
    """A file that nothing is ever changed in."""

    def __init__(self, path: str) -> None:
        """Nothing is opened."""
        self.path = path
        self._descriptor: int | None = None
        self._torn = False

    def open(self) -> None:
        """Open the file, if it is not open yet.  Raises ``OSError``."""
        if self._descriptor is None:
            self._descriptor = os.open(self.path, _FLAGS, MODE)
            self._torn = False

    def reopen(self) -> None:
        """Open the file again under its name.  Raises ``OSError``, and then the old one stays open."""
        if self._descriptor is not None:
            new = os.open(self.path, _FLAGS, MODE)
            # One step: a thread that writes right now writes to the one or to the other.
            os.dup2(new, self._descriptor, inheritable=False)
            os.close(new)

    def append(self, lines: bytes) -> tuple[int, OSError | None]:
        """Append whole lines, in one piece where the system takes them so.  Blocking.

        Returns how many bytes of whole lines were written, and why not all
        of them.  Whatever was left of a line is ended before the next.
        """
        if self._descriptor is None:
            return 0, OSError(0, "it is not open")
        data, done = b"\n" * self._torn + lines, 0
        try:
            while done < len(data):
                done += os.write(self._descriptor, data[done:])
        except OSError as problem:
            whole = data.rfind(b"\n", 0, done) + 1
            written = max(0, whole - self._torn)
            if done:
                self._torn = whole != done
            return written, problem
        self._torn = False
        return len(lines), None

    def close(self) -> None:
        """Close the file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def append(path: str, happening: Happening) -> None:
    """Append one line to the audit log at ``path``, for a command that runs beside a server or without one.

    Blocking.  Raises ``OSError``.
    """
    file = AppendOnlyFile(path)
    file.open()
    try:
        _, problem = file.append(write_line(happening))
    finally:
        file.close()
    if problem is not None:
        raise OSError(problem.errno, problem.strerror, path)
