"""An update pass over 2,000 projects that are current, from an upstream on loopback."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.corpus import RELEASES, collection, empty_folder, project_name
from benchmarks.figures import Figure, report
from benchmarks.servers import ours, until_quiet
from tests.clients.server import PROGRAMS, clean_variables

FILES = 14_000
"""Of the upstream, which makes 2,100 projects."""
PROJECTS = 2_000
PASSES = 4
"""The first asks for whole pages and compares, the others revalidate."""


def measure() -> None:
    """Measure and report."""
    root = _newest_releases()
    with ours(collection(FILES), empty_folder("state-upstream"), "--disable-fallback") as upstream:
        until_quiet(upstream)
        upstream_cpu = upstream.cpu()
        runs = _passes(root, f"{upstream.url}/simple")
        upstream_cpu = upstream.cpu() - upstream_cpu
    assert all(each["states"] == {"current": PROJECTS} for each in runs), runs
    again = runs[1:]
    report(
        f"update pass over {PROJECTS:,} projects that are current",
        (
            Figure("with pages that are known (ETags)", "s", [each["seconds"] for each in again], "20 or less"),
            Figure("CPU of it", "s", [each["cpu"] for each in again]),
            Figure(
                "growth of memory by all passes", "MB", [(runs[-1]["after"] - runs[0]["before"]) / 1e6], "60 or less"
            ),
            Figure("growth of memory by the last pass", "MB", [(runs[-1]["after"] - runs[-1]["before"]) / 1e6]),
            Figure("the first pass, which fetches the pages and compares files put by hand", "s", [runs[0]["seconds"]]),
            Figure("calibration: CPU of the upstream for all passes", "s", [upstream_cpu]),
        ),
    )


def _newest_releases() -> Path:
    """A folder with the newest release of each project."""
    root, wanted = empty_folder("mirror"), {project_name(number) for number in range(PROJECTS)}
    for path in collection(FILES).iterdir():
        name, version = path.name.removesuffix(".tar.gz").split("-")[:2]
        if version == f"1.{RELEASES - 1}" and name.replace("_", "-") in wanted:
            os.link(path, root / path.name)
    return root


def _passes(root: Path, url: str) -> list[dict[str, Any]]:
    command: list[str | Path] = [
        PROGRAMS / "python",
        "-m",
        "benchmarks.update_passes",
        root,
        empty_folder("state-mirror"),
        url,
        str(PASSES),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=clean_variables())
    return [json.loads(line) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    measure()
