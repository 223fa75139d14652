"""A project's page, warm, against the old server in the same run."""

from __future__ import annotations

from benchmarks.corpus import collection, files_of, project_name
from benchmarks.figures import Figure, ratio, report
from benchmarks.load import requests_per_second
from benchmarks.servers import known_state, ours, pypiserver, until_quiet, until_right
from tests.clients.server import Process

ROUNDS = 3
CONNECTIONS = 16
ASKED = 7
PATH = f"/simple/{project_name(ASKED)}/"
GOALS = {1_000: 60, 100_000: 1_000}


def measure() -> None:
    """Measure and report."""
    for files, goal in GOALS.items():
        rounds = [_round(files) for _ in range(ROUNDS)]
        mine, parsed, theirs = ([each[kind][0] for each in rounds] for kind in range(3))
        costs, parsed_costs, their_costs = ([each[kind][1] for each in rounds] for kind in range(3))
        report(
            f"a project's page, {files:,} files",
            (
                Figure("requests a second", "/s", mine),
                Figure("CPU of one", "us", costs),
                Figure("each request a little different: requests a second", "/s", parsed),
                Figure("each request a little different: CPU of one", "us", parsed_costs),
                Figure("pypiserver: requests a second", "/s", theirs),
                Figure("pypiserver: CPU of one", "us", their_costs),
                Figure("times its requests a second", "x", ratio(mine, theirs), f"{goal} or more"),
                Figure("each request a little different: times its", "x", ratio(parsed, theirs)),
                Figure("times less CPU, however busy the machine is", "x", ratio(their_costs, costs)),
            ),
        )


def _round(files: int) -> tuple[tuple[float, float], ...]:
    root, state = collection(files), known_state(files)
    with ours(root, state) as server:
        until_right(server, PATH, files_of(ASKED))
        until_quiet(server)
        rates = (_rate(server, 4), _rate(server, 4, varied=True))
    # The old one runs alone: its cache is thrown away whenever anybody opens a file or a folder below its root.
    with pypiserver(root) as server:
        until_right(server, PATH, files_of(ASKED))
        return *rates, _rate(server, 4 if files < 10_000 else 12)


def _rate(server: Process, seconds: int, *, varied: bool = False) -> tuple[float, float]:
    before = server.cpu_with_children()
    rate = requests_per_second(server.port, PATH, seconds=seconds, connections=CONNECTIONS, varied=varied)
    return rate, (server.cpu_with_children() - before) / (rate * seconds) * 1e6


if __name__ == "__main__":
    measure()
