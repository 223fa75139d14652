"""What was measured: printed, and kept in ``results.json``."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity, measured once or several times."""

    name: str
    unit: str
    values: Sequence[float]
    goal: str = ""
    """What is to be reached, in words; empty: something to compare with."""

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    def line(self) -> str:
        """Return the figure as one line of text."""
        spread = f"  ({short(min(self.values))} to {short(max(self.values))})" if len(self.values) > 1 else ""
        goal = f"  [goal: {self.goal}]" if self.goal else ""
        return f"  {self.name:<66} {short(self.median):>9} {self.unit}{spread}{goal}"

    def for_json(self) -> dict[str, object]:
        """Return the figure as it is kept."""
        spread = {"min": min(self.values), "median": self.median, "max": max(self.values)}
        return {"name": self.name, "unit": self.unit, "goal": self.goal, "rounds": len(self.values)} | {
            name: float(f"{value:.6g}") for name, value in spread.items()
        }


def report(part: str, figures: Iterable[Figure]) -> None:
    """Print the figures of one part and put them into ``results.json`` in place of its last ones."""
    measured = list(figures)
    print(f"{part}:", *(each.line() for each in measured), sep="\n", flush=True)
    keep(
        part,
        {
            "measured": datetime.now(UTC).isoformat(timespec="minutes"),
            "load average": [round(each, 2) for each in os.getloadavg()],
            "figures": [each.for_json() for each in measured],
        },
    )


def keep(part: str, value: object) -> None:
    """Put something into ``results.json`` in place of what was there."""
    results = kept()
    results[part] = value
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


def kept() -> dict[str, Any]:
    """Return what is in ``results.json``."""
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return results


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that ``share`` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Return the least, the median and the greatest ratio of two series."""
    return [
        min(ours) / max(theirs),
        statistics.median(ours) / statistics.median(theirs),
        max(ours) / min(theirs),
    ]


def each_to_each(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Return the ratio of each round: what slows a machine for a while slows both."""
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def short(value: float) -> str:
    """Return a number with as many digits as say something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
