"""A start with 100,000 known files, and the memory after a walk over all pages."""

from __future__ import annotations

import http.client
import os
import time
from contextlib import closing
from pathlib import Path

from benchmarks.corpus import collection, files_of, project_name, projects_in
from benchmarks.figures import Figure, report
from benchmarks.servers import anchors, known_state, ours, until_right
from tests.clients.server import Process

FILES = 100_000
ROUNDS = 5
ASKED = 7
"""The project whose page is the first right answer."""


def measure() -> None:
    """Measure and report."""
    root, state = collection(FILES), known_state(FILES)
    restarts, costs, warm = [], [], []
    for _ in range(ROUNDS):
        server = ours(root, state)
        began = time.monotonic()
        server.launch()
        until_right(server, f"/simple/{project_name(ASKED)}/", files_of(ASKED))
        restarts.append(time.monotonic() - began)
        costs.append(server.cpu())
        assert server.stop() == 0
    with ours(root, state) as server:
        until_right(server, f"/simple/{project_name(ASKED)}/", files_of(ASKED))
        at_start = server.memory()
        _walk(server)
        warm.append(server.memory())
        most = server.memory("VmHWM")
    report(
        "100,000 known files",
        (
            Figure("start until the first right page", "s", restarts, "2 or less"),
            Figure("CPU until then", "s", costs),
            Figure("calibration: names and stats of the folder, once", "s", [_stats(root) for _ in range(ROUNDS)]),
            Figure("memory after the first page", "MB", [at_start / 1e6]),
            Figure("memory after a walk over all pages", "MB", [each / 1e6 for each in warm], "150 or less"),
            Figure("memory at the most", "MB", [most / 1e6]),
        ),
    )


def _walk(server: Process) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)) as connection:
        for number in range(projects_in(FILES)):
            connection.request("GET", f"/simple/{project_name(number)}/")
            response = connection.getresponse()
            body = response.read()
            assert (response.status, anchors(body)) == (200, files_of(number)), number


def _stats(root: Path) -> float:
    began = time.monotonic()
    with os.scandir(root) as entries:
        for entry in entries:
            entry.stat()
    return time.monotonic() - began


if __name__ == "__main__":
    measure()
