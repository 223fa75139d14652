"""Charts of what was measured, as SVG; needs the extra ``twisted-pypi[bench]``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from benchmarks.growth import CLIENTS, SIZES

OURS, NGINX, OTHERS = "#1f6feb", "#5a9e5a", "#b0b0b0"
ROWS = (
    "page, HTML",
    "page, JSON",
    "page, JSON: 304",
    ".metadata",
    "wheel of 1.5 KB",
    "page of 1,500 releases, JSON, gzip",
)
Found = dict[tuple[str, str], dict[str, Any]]


def draw(results: dict[str, Any], folder: Path) -> None:
    """Draw all charts of which the figures are there."""
    # The same figures make the same bytes.
    mpl.rcParams["svg.hashsalt"] = "benchmarks"
    mpl.rcParams["svg.fonttype"] = "none"
    folder.mkdir(exist_ok=True)
    found: Found = {
        (part, figure["name"]): figure
        for part, measured in results.items()
        if isinstance(measured, dict) and "figures" in measured
        for figure in measured["figures"]
    }
    charts = {"requests": _requests, "peers": _peers, "growth": _growth, "clients": _clients, "files": _files}
    for name, chart in charts.items():
        drawing = Drawing(figsize=(8, 4), layout="constrained")
        if chart(drawing.add_subplot(), found):
            drawing.savefig(folder / f"{name}.svg", metadata={"Date": None})


def _bars(axes: Axes, labels: list[str], series: dict[str, tuple[str, list[dict[str, Any]]]], unit: str) -> bool:
    """Draw bars side by side, each with its least and its most."""
    width = 0.8 / max(1, len(series))
    for number, (name, (colour, figures)) in enumerate(series.items()):
        at = [each + (number - (len(series) - 1) / 2) * width for each in range(len(labels))]
        middles = [each["median"] for each in figures]
        below = [each["median"] - each["min"] for each in figures]
        above = [each["max"] - each["median"] for each in figures]
        axes.bar(at, middles, width, yerr=(below, above), label=name, color=colour, ecolor="#444444", capsize=2)
    axes.set_xticks(range(len(labels)), [each.replace(", ", ",\n") for each in labels], fontsize=8)
    axes.set_ylabel(unit)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return bool(labels)


def _requests(axes: Axes, found: Found) -> bool:
    part = "beside nginx, 16 connections"
    rows = [row for row in ROWS if (part, f"{row}: CPU of one") in found]
    ours = [found[part, f"{row}: CPU of one"] for row in rows]
    theirs = [found[part, f"{row}: nginx, CPU of one"] for row in rows]
    axes.set_title("CPU of one request beside nginx, access log and figures on")
    return _bars(axes, rows, {"twisted_pypi": (OURS, ours), "nginx": (NGINX, theirs)}, "microseconds")


def _peers(axes: Axes, found: Found) -> bool:
    part = "beside Python, page as HTML"
    names = {
        "twisted_pypi": "CPU of one",
        "twisted_pypi, fast way off": "fast way off: CPU of one",
        "proxpi": "proxpi: CPU of one",
        "simple-repository-server": "simple-repository-server: CPU of one",
        "pypiserver": "pypiserver: CPU of one",
    }
    there = {name: found[part, figure] for name, figure in names.items() if (part, figure) in found}
    axes.set_title("CPU of a project's page, 1,000 files")
    axes.set_yscale("log")
    colours = [OURS if name.startswith("twisted") else OTHERS for name in there]
    axes.bar(list(there), [each["median"] for each in there.values()], color=colours)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_ylabel("microseconds")
    axes.spines[["top", "right"]].set_visible(False)
    return bool(there)


def _growth(axes: Axes, found: Found) -> bool:
    part = "how cost grows with files"
    rows = sorted(
        {name.split(": CPU of one at")[0] for where, name in found if where == part and ": CPU of one at" in name}
    )
    for row in rows:
        axes.plot(
            SIZES, [found[part, f"{row}: CPU of one at {each:,} files"]["median"] for each in SIZES], "o-", label=row
        )
    old = [found.get((f"a project's page, {each:,} files", "pypiserver: CPU of one")) for each in SIZES]
    points = [(size, each["median"]) for size, each in zip(SIZES, old, strict=True) if each is not None]
    if points:
        axes.plot(*zip(*points, strict=True), "s--", color=OTHERS, label="pypiserver, page as HTML")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title("CPU of one request as the collection grows")
    axes.set_xlabel("files")
    axes.set_ylabel("microseconds")
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return bool(rows)


def _clients(axes: Axes, found: Found) -> bool:
    part = "how cost grows with clients"
    for row in ("page, JSON", "page, JSON, every head different"):
        there = [(each, found.get((part, f"{row}: CPU of one, {each:,} clients"))) for each in CLIENTS]
        points = [(each, figure["median"]) for each, figure in there if figure is not None]
        if not points:
            return False
        axes.plot(*zip(*points, strict=True), "o-", label=row)
    axes.set_xscale("log", base=4)
    axes.set_xticks(CLIENTS, [f"{each:,}" for each in CLIENTS])
    axes.set_ylim(bottom=0)
    axes.set_title("CPU of one request as more clients ask at once")
    axes.set_xlabel("connections")
    axes.set_ylabel("microseconds")
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return True


def _files(axes: Axes, found: Found) -> bool:
    parts = [f"a file of 200 MB, clients: {clients}" for clients in (1, 4)]
    parts = [part for part in parts if (part, "ours") in found]
    labels = [part.removeprefix("a file of 200 MB, ") for part in parts]
    axes.set_title("A file of 200 MB")
    series = {
        "twisted_pypi": (OURS, [found[part, "ours"] for part in parts]),
        "nginx": (NGINX, [found[part, "nginx"] for part in parts]),
    }
    return _bars(axes, labels, series, "MB a second")
