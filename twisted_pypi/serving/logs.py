"""Log files that are opened again when something has moved them away."""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TextIO, cast

from twisted.logger import FileLogObserver, Logger, textFileLogObserver

from twisted_pypi.config import LogFormat
from twisted_pypi.serving.json_lines import json_observer
from twisted_pypi.serving.starting import CannotStart


class Reopened(Protocol):
    """What the server opens when it starts, opens again at SIGHUP, and closes at the very end."""

    @property
    def path(self) -> str:
        """Where it is."""

    def open(self) -> None:
        """Open it, if it is not open yet.  Raises ``CannotStart``."""

    def reopen(self) -> None:
        """Open it again under its name.  Raises ``OSError``, and then the old one stays open."""

    def close(self) -> None:
        """Close it."""


class LogFile:
    """A file that whole lines are appended to, or standard output for ``-``.

    Nothing is opened before ``open``, so one can be made before a daemon forks.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._stream: TextIO | None = None

    def open(self) -> None:
        """Open the file, if it is not open yet.  Raises ``CannotStart``."""
        if self._stream is None:
            try:
                self._stream = self._opened()
            except OSError as error:
                raise CannotStart(
                    f"The log file {self.path} cannot be opened ({error.strerror}): expected one that can be written."
                ) from None

    def write(self, text: str) -> None:
        """Append text."""
        if self._stream is not None:
            self._stream.write(text)
            self._stream.flush()

    def flush(self) -> None:
        """Nothing is held back."""

    def reopen(self) -> None:
        """Open the file again under its name.  Raises ``OSError``, and then the old one stays open."""
        if self._stream is not None and self.path != "-":
            before, self._stream = self._stream, self._opened()
            _close(before)

    def close(self) -> None:
        """Close the file; what is written from now on is lost."""
        if self._stream is not None and self.path != "-":
            _close(self._stream)
        self._stream = None

    def observer(self, form: LogFormat = LogFormat.TEXT) -> FileLogObserver:
        """Whoever writes the events of the log to this file, one a line."""
        return observer_of(cast("TextIO", self), form)

    def _opened(self) -> TextIO:
        if self.path == "-":
            # twistd puts its log in the place of sys.stdout.
            return sys.__stdout__ or sys.stdout
        return Path(self.path).open("a", encoding="utf-8", errors="backslashreplace")


def _close(stream: TextIO) -> None:
    # Lines that found no room were said to be lost when they were written.
    with suppress(OSError):
        stream.close()


def observer_of(stream: TextIO, form: LogFormat) -> FileLogObserver:
    """Whoever writes the events of the log to a stream, one a line."""
    return json_observer(stream) if form is LogFormat.JSON else textFileLogObserver(stream)


class SharedLogFile(LogFile):
    """The same for a file, or a pipe, that several processes append to: no line is torn by another."""

    def write(self, text: str) -> None:
        """Append whole lines, as many at a time as the system takes in one piece, whatever it is."""
        if self._stream is None:
            return
        descriptor, piece = self._stream.fileno(), b""
        for line in text.encode("utf-8", "backslashreplace").splitlines(keepends=True):
            if piece and len(piece) + len(line) > select.PIPE_BUF:
                _write_all(descriptor, piece)
                piece = b""
            piece += line
        _write_all(descriptor, piece)


def _write_all(descriptor: int, data: bytes) -> None:
    """Write bytes in one piece where that is possible.  Raises ``OSError``."""
    while data:
        data = data[os.write(descriptor, data) :]


class LogLines:
    """Lines that become events of the log, for a daemon, which has no standard output."""

    path = "-"
    _log = Logger("access")

    def open(self) -> None:
        """Nothing has to be opened."""

    def write(self, text: str) -> None:
        """Log every line."""
        for line in text.splitlines():
            self._log.info("{line}", line=line)

    def reopen(self) -> None:
        """Nothing has to be opened."""

    def close(self) -> None:
        """Nothing has to be closed."""
