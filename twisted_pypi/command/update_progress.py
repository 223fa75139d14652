"""What is shown while ``update`` fetches: a bar on a terminal, else one line a file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TextIO

from twisted_pypi.mirroring.outcomes import ProjectOutcome


class Lines:
    """The ``Progress`` of a pass that fetches, where nobody watches: one line a file."""

    def __init__(self, out: TextIO) -> None:
        """Write to ``out``."""
        self._out = out

    def begun(self, projects: int) -> None:
        """Say nothing."""

    def ended(self, outcome: ProjectOutcome) -> None:
        """Say nothing."""

    def fetching(self, filename: str, size: int | None) -> None:
        """Say which file."""
        self._out.write(f"fetching {filename}{'' if size is None else f' ({size_of(size)})'}\n")
        self._out.flush()

    def received(self, size: int) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Say nothing."""


class Bar:
    """The ``Progress`` of a pass that fetches, on a terminal: one line that is written again and again."""

    def __init__(self, out: TextIO, total: int, now: Callable[[], float]) -> None:
        """Write to the terminal ``out``; ``total`` bytes are expected, and ``now`` counts seconds."""
        self._out = out
        self._total = total
        self._now = now
        self._drawn = 0.0
        self._size = 0
        self._filename = ""

    def begun(self, projects: int) -> None:
        """Draw nothing yet."""

    def ended(self, outcome: ProjectOutcome) -> None:
        """Draw nothing new."""

    def fetching(self, filename: str, size: int | None) -> None:  # noqa: ARG002  # as in the Protocol
        """Show its name."""
        self._filename = filename
        self._draw()

    def received(self, size: int) -> None:
        """Show more of the bar, ten times a second at most."""
        self._size += size
        if self._now() - self._drawn > 0.1:
            self._draw()

    def close(self) -> None:
        """Leave an empty line."""
        self._out.write("\r\x1b[K")
        self._out.flush()

    def _draw(self) -> None:
        self._drawn = self._now()
        part = min(1.0, self._size / self._total) if self._total else 0.0
        done = "#" * round(part * 24)
        line = f"[{done:.<24}] {part:4.0%}  {size_of(self._size)} of {size_of(self._total)}  {self._filename}"
        self._out.write(f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}")
        self._out.flush()


def size_of(size: int) -> str:
    """Return a number of bytes as people read it."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
