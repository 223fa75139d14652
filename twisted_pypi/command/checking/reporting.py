"""How findings are told: as lines for people, or as one JSON document for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TextIO

from twisted_pypi.command.checking.finding import Finding, Level, Matter

MOST_LINES = 50
"""Findings of one matter that are shown to people; programs get all of them."""


class Report:
    """Takes findings as they come, repairs what may be repaired, and says how it ended."""

    def __init__(self, out: TextIO, *, as_json: bool, repair: bool, room: Callable[[], None] = lambda: None) -> None:
        """Write to ``out``; ``room`` is called before each line."""
        self._out = out
        self._json: list[dict[str, object]] | None = [] if as_json else None
        self._repair = repair
        self._room = room
        self._counts: Counter[Level] = Counter()
        self._lines: Counter[Matter] = Counter()
        self._repaired = 0

    @property
    def needs_a_hand(self) -> bool:
        """Is something bad left?"""
        return self._counts[Level.BAD] > 0

    def take(self, finding: Finding) -> None:
        """Tell of it, and mend it if that is wanted and can be done."""
        outcome = self._mended(finding)
        if outcome is None:
            self._counts[finding.level] += 1
        else:
            self._repaired += 1
        if self._json is None:
            self._say(finding, outcome)
        else:
            self._json.append(
                {
                    "matter": finding.matter,
                    "level": finding.level,
                    "sentence": finding.sentence,
                    "advice": finding.advice,
                    "path": finding.path,
                    "repair": None if finding.repair is None else finding.repair.would,
                    "repaired": outcome is not None,
                }
            )

    def end(self, sentence: str = "", more: Mapping[str, object] | None = None) -> None:
        """Say the last line, which begins with ``sentence``, or the document, which has ``more`` in it."""
        self._room()
        bad, notes = self._counts[Level.BAD], self._counts[Level.NOTE]
        if self._json is not None:
            found = {"needs_a_hand": self.needs_a_hand, **(more or {}), "findings": self._json}
            json.dump(found, self._out, indent=2)
            self._out.write("\n")
            return
        for matter, count in self._lines.items():
            if count > MOST_LINES:
                self._out.write(f"... and {count - MOST_LINES} more about {matter} (--json has them all)\n")
        repaired = f" {self._repaired} repaired." if self._repaired else ""
        begin = f"{sentence} " if sentence else ""
        self._out.write(f"\n{begin}{bad} to be mended (!), {notes} to be looked at (~).{repaired}\n")

    def _mended(self, finding: Finding) -> str | None:
        if finding.repair is None or not self._repair:
            return None
        try:
            return finding.repair.done if finding.repair.do() else None
        except OSError as problem:
            self._room()
            if self._json is None:
                self._out.write(f"  {finding.path} could not be repaired ({problem.strerror}).\n")
            return None

    def _say(self, finding: Finding, outcome: str | None) -> None:
        self._lines[finding.matter] += 1
        if self._lines[finding.matter] > MOST_LINES:
            return
        self._room()
        self._out.write(f"{finding.level.mark if outcome is None else '+'} {finding.sentence}\n")
        if outcome is not None:
            self._out.write(f"    {outcome}\n")
            return
        if finding.advice:
            self._out.write(f"    {finding.advice}\n")
        if finding.repair is not None and not self._repair:
            self._out.write(f"    --repair {finding.repair.would}.\n")
