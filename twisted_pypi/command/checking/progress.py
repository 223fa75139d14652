"""How far long work is: a bar on a terminal, elsewhere a line from time to time."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from typing import TextIO

from twisted_pypi.command.update_progress import size_of

_REDRAWN = 0.1
"""Seconds between two states of the bar."""
_SAID = 10.0
"""Seconds between two lines."""


class Progress:
    """Counts files and bytes of a known whole, and shows them on a stream.  For every thread."""

    def __init__(
        self, out: TextIO, files: int, size: int, *, verb: str, now: Callable[[], float] = time.monotonic
    ) -> None:
        """``verb`` is what happens to the files, as in "4 of 5 files read"; ``now`` counts seconds."""
        self._out = out
        self._whole = (files, size)
        self._verb = verb
        self._now = now
        self._bar = out.isatty()
        self._shown = now()
        self._files = 0
        self._size = 0
        self._lock = threading.Lock()

    def more(self, size: int) -> None:
        """Bytes were read."""
        with self._lock:
            self._size += size
            self._show()

    def file_done(self) -> None:
        """A file was done."""
        with self._lock:
            self._files += 1
            self._show()

    def clear(self) -> None:
        """Make room for a line of something else."""
        if self._bar:
            with self._lock:
                self._out.write("\r\x1b[K")
                self._out.flush()

    def _show(self) -> None:
        now = self._now()
        if now - self._shown < (_REDRAWN if self._bar else _SAID):
            return
        self._shown = now
        files, size = self._whole
        part = min(1.0, self._size / size) if size else 1.0
        text = f"{self._files} of {files} files {self._verb}, {size_of(self._size)} of {size_of(size)}"
        if self._bar:
            line = f"[{'#' * round(part * 24):.<24}] {part:4.0%}  {text}"
            self._out.write(f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}")
        else:
            self._out.write(f"{part:4.0%}  {text}\n")
        self._out.flush()
