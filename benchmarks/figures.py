"""What was measured: printed, and kept in ``results.json``."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

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
        spread = f"  ({_short(min(self.values))} to {_short(max(self.values))})" if len(self.values) > 1 else ""
        goal = f"  [goal: {self.goal}]" if self.goal else ""
        return f"  {self.name:<66} {_short(self.median):>9} {self.unit}{spread}{goal}"

    def for_json(self) -> dict[str, object]:
        """Return the figure as it is kept."""
        return asdict(self) | {"min": min(self.values), "median": self.median, "max": max(self.values)}


def report(part: str, figures: Iterable[Figure]) -> None:
    """Print the figures of one part and put them into ``results.json`` in place of its last ones."""
    measured = list(figures)
    print(f"{part}:", *(each.line() for each in measured), sep="\n", flush=True)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[part] = [each.for_json() for each in measured]
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


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


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
