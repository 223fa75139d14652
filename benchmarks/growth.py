"""How cost grows: with files and projects (start, memory, pages, files, 304, the list of all), and with clients."""

from __future__ import annotations

import http.client
import time
from contextlib import ExitStack, closing

from benchmarks.beside_nginx import ASKED, FILE, PAGE
from benchmarks.corpus import collection, files_of, project_name, projects_in
from benchmarks.driving import Target, in_turns
from benchmarks.figures import Figure, each_to_each, report
from benchmarks.heads import JSON, heads
from benchmarks.servers import anchors, known_state, ours, pinned, until_quiet, until_right
from tests.clients.server import Process

SIZES = (1_000, 10_000, 100_000)
STARTS = 5
ROUNDS, SECONDS, CONNECTIONS = 5, 1.0, 16
CLIENTS = (1, 4, 16, 64, 256, 1024)
"""Connections that ask at once."""
SPREAD = 60
"""Projects whose pages are asked for in turn in one of the rows."""


def measure() -> None:
    """Measure and report."""
    for files in SIZES:
        _start(files)
    _rates()
    _clients()


def _start(files: int) -> None:
    root, state = collection(files), known_state(files)
    starts, costs, first, walked = [], [], [], []
    for number in range(STARTS):
        server = pinned(ours(root, state, "--metrics"))
        began = time.monotonic()
        server.launch()
        try:
            until_right(server, PAGE, files_of(ASKED))
            starts.append(time.monotonic() - began)
            costs.append(server.cpu())
            first.append(server.memory() / 1e6)
            if number == STARTS - 1:
                walk(server, files)
                walked.append(server.memory() / 1e6)
        finally:
            server.stop()
    report(
        f"start at {files:,} known files",
        [
            Figure("until the first right page", "s", starts, "1.5 or less"),
            Figure("CPU until then", "s", costs),
            Figure("memory then", "MB", first),
            Figure("memory after a walk over all pages", "MB", walked, "150 or less"),
        ],
    )


def walk(server: Process, files: int) -> None:
    """Ask for each project's page once, and check it."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)) as connection:
        for number in range(projects_in(files)):
            connection.request("GET", f"/simple/{project_name(number)}/")
            response = connection.getresponse()
            body = response.read()
            assert (response.status, anchors(body)) == (200, files_of(number)), number


def _rates() -> None:
    with ExitStack() as stack:
        servers = [
            stack.enter_context(pinned(ours(collection(each), known_state(each), "--metrics"))) for each in SIZES
        ]
        for each in servers:
            until_right(each, PAGE, files_of(ASKED))
            until_quiet(each)
        etag = servers[0].get(PAGE, {"Accept": JSON, "Accept-Encoding": "gzip"}).headers["ETag"]
        rows = {
            "page, JSON": (heads(PAGE, JSON), False),
            "page, JSON, every head different": (heads(PAGE, JSON), True),
            f"pages of {SPREAD} projects, JSON": (
                [heads(f"/simple/{project_name(number)}/", JSON)[number % 20] for number in range(SPREAD)],
                False,
            ),
            "page, JSON: 304": (heads(PAGE, JSON, f"If-None-Match: {etag}"), False),
            "wheel of 1.5 KB": (heads(FILE, "*/*", encoding="identity"), False),
            ".metadata": (heads(f"{FILE}.metadata", "*/*", encoding="identity"), False),
        }
        figures: list[Figure] = []
        for name, (requests, varied) in rows.items():
            targets = [Target(each, requests, varied=varied) for each in servers]
            in_turns(targets, ROUNDS, SECONDS, CONNECTIONS)
            for files, target in zip(SIZES, targets, strict=True):
                figures += [
                    Figure(f"{name}: requests a second at {files:,} files", "/s", target.rates),
                    Figure(f"{name}: CPU of one at {files:,} files", "us", target.costs),
                ]
            least, most = targets[0], targets[-1]
            goal = "0.9 or more"
            figures += [
                Figure(f"{name}: rate, most of least files", "x", each_to_each(most.rates, least.rates), goal),
                Figure(f"{name}: CPU, least of most files", "x", each_to_each(least.costs, most.costs), goal),
            ]
        targets = [Target(each, heads("/simple/", JSON)) for each in servers]
        in_turns(targets, ROUNDS, SECONDS, CONNECTIONS)
        figures += [
            Figure(f"/simple/ of {projects_in(files):,} projects, JSON: CPU of one", "us", target.costs)
            for files, target in zip(SIZES, targets, strict=True)
        ]
    report("how cost grows with files", figures)


def _clients() -> None:
    """One page, asked for on more and more connections."""
    with pinned(ours(collection(SIZES[0]), known_state(SIZES[0]), "--metrics")) as server:
        until_right(server, PAGE, files_of(ASKED))
        figures: list[Figure] = []
        for name, varied in (("page, JSON", False), ("page, JSON, every head different", True)):
            # In turns, so that a busy minute is nobody's alone.
            targets = {each: Target(server, heads(PAGE, JSON), varied=varied) for each in CLIENTS}
            for _ in range(ROUNDS):
                for connections, target in targets.items():
                    target.ask(SECONDS, connections)
            for connections, target in targets.items():
                figures += [
                    Figure(f"{name}: requests a second, {connections:,} clients", "/s", target.rates),
                    Figure(f"{name}: CPU of one, {connections:,} clients", "us", target.costs),
                ]
        figures.append(Figure("memory after that", "MB", [server.memory() / 1e6]))
    report("how cost grows with clients", figures)


if __name__ == "__main__":
    measure()
