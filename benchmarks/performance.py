"""The page about performance: its tables, from ``results.json``, and its charts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.figures import kept, short

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- figures: written by python -m benchmarks performance -->", "<!-- end of figures -->"


def measure() -> None:
    """Write the tables into the page, and the charts beside it where matplotlib is installed."""
    results = kept()
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{''.join(_tables(results))}{END}{after}")
    if find_spec("matplotlib") is None:
        print("  matplotlib is not installed: the charts stay as they were (pip install 'twisted-pypi[bench]')")
        return
    from benchmarks.charts import draw  # noqa: PLC0415  # it needs a package that may be missing

    draw(results, PAGE.parent / "performance")


def _tables(results: dict[str, Any]) -> Iterator[str]:
    machine = results.get("machine", {})
    yield "".join(f"- {name}: {value}\n" for name, value in machine.items()) + "\n"
    for part, found in results.items():
        # Parts that were measured before there was a date are left out.
        if part == "machine" or not isinstance(found, dict):
            continue
        yield f"### {part[0].upper()}{part[1:]}\n\n"
        yield f"{found['measured'][:10]}, load average at the end {found['load average'][0]}.\n\n"
        yield "| what | median | least | most | unit | to reach | |\n|---|--:|--:|--:|---|---|---|\n"
        for each in found["figures"]:
            numbers = " | ".join(short(each[name]) for name in ("median", "min", "max"))
            yield f"| {each['name']} | {numbers} | {each['unit']} | {each['goal']} | {verdict(each)} |\n"
        yield "\n"


def verdict(figure: dict[str, Any]) -> str:
    """Return whether the median reaches its goal: ``yes``, ``no``, or nothing where that cannot be read off."""
    found = re.match(r"(less than )?([\d.,]+)( or more| or less)?$", figure["goal"])
    if found is None:
        return ""
    limit, value = float(found[2].replace(",", "")), figure["median"]
    if found[3] == " or more":
        return "yes" if value >= limit else "**no**"
    if found[3] == " or less" or found[1]:
        return "yes" if value <= limit else "**no**"
    return "yes" if value == limit else "**no**"


if __name__ == "__main__":
    measure()
