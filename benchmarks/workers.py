"""What a second process adds to the first: a project's page, by the processor time that each of them takes.

Who asks needs a core as well, so that on a machine of two cores the server is
kept on one of them, with one process and with two, and whoever asks on the
other.  Two processes with a core each answer as many times more as follows
from the processor time of a request: measured while both share the core, with
all that changing between them costs, and while one of them is stopped, which is
how each of them runs with a core of its own.
"""

from __future__ import annotations

import os
import signal
import timeit
from pathlib import Path

from twisted.internet.task import Clock

from benchmarks.corpus import collection, files_of, project_name
from benchmarks.figures import Figure, each_to_each, report
from benchmarks.load import requests_per_second
from benchmarks.servers import SERVER_CORE, known_state, ours, pinned, until_quiet, until_right
from tests.clients.server import Process
from twisted_pypi.catalog import Catalog
from twisted_pypi.catalog.journal import Journal
from twisted_pypi.sharing import SharedMemory
from twisted_pypi.storage.following import Following

ROUNDS = 7
SECONDS = 3
CONNECTIONS = 64
FILES = 1_000
ASKED = 7
PATH = f"/simple/{project_name(ASKED)}/"
COMPARED = 1_000_000


def measure() -> None:
    """Measure and report."""
    mine = os.sched_getaffinity(0)
    if len(mine) > 1:
        os.sched_setaffinity(0, mine - {SERVER_CORE})
    rounds = [(_round(1), _round(2), _round(2, alone=True)) for _ in range(ROUNDS)]
    os.sched_setaffinity(0, mine)
    one, two, alone = ([each[at] for each in rounds] for at in range(3))
    twice = [2 * each[1] for each in one]
    report(
        "workers",
        (
            Figure("one process: requests a second, all on one core", "/s", [each[0] for each in one]),
            Figure("two processes: requests a second, all on one core", "/s", [each[0] for each in two]),
            Figure("one process: CPU of one request", "us", [each[1] for each in one]),
            Figure("two processes: CPU of one request", "us", [each[1] for each in two]),
            Figure("two processes, the other one stopped: CPU of one request", "us", [each[1] for each in alone]),
            Figure("two processes: part of the busier one", "", [each[2] for each in two]),
            Figure(
                "two on one core: twice the CPU of one, by that of both",
                "x",
                each_to_each(twice, [each[1] for each in two]),
            ),
            Figure(
                "two with a core each: twice the CPU of one, by that of one of two",
                "x",
                each_to_each(twice, [each[1] for each in alone]),
                "1.8 or more",
            ),
            Figure("comparing the counters, on each request", "us", _comparing()),
        ),
    )


def _round(workers: int, *, alone: bool = False) -> tuple[float, float, float]:
    """Requests a second; CPU of one; the busiest process's part of all CPU.

    With ``alone`` the first process answers all, as it does with a core of its own.
    """
    with pinned(ours(collection(FILES), known_state(FILES), "--workers", str(workers), "--metrics")) as server:
        until_right(server, PATH, files_of(ASKED))
        until_quiet(server)
        before = _cpu(server)
        assert len(before) == workers
        stopped = _processes(server)[1:] if alone else []
        for each in stopped:
            os.kill(each, signal.SIGSTOP)
        rate = requests_per_second(server.port, PATH, seconds=SECONDS, connections=CONNECTIONS)
        for each in stopped:
            os.kill(each, signal.SIGCONT)
        took = [after - of for after, of in zip(_cpu(server), before, strict=True)]
        return rate, sum(took) / (rate * SECONDS) * 1e6, max(took) / sum(took)


def _cpu(server: Process) -> list[float]:
    """Seconds of processor time of each process, the first one first."""
    return [_of(pid) for pid in _processes(server)]


def _processes(server: Process) -> list[int]:
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [server.pid, *map(int, children)]


def _of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _comparing() -> list[float]:
    memory, journal = SharedMemory(2), Journal(begins=True)
    catalog = Catalog(["/nowhere"], state_dir="/nowhere", cache_dir="/nowhere", journal=journal)
    following = Following(memory, catalog, journal, Clock())
    following.opening()
    following._seen = memory.counts()  # noqa: SLF001  # as if the catalog were open
    took = timeit.repeat(following.catch_up, number=COMPARED, repeat=ROUNDS)
    memory.close()
    return [each / COMPARED * 1e6 for each in took]


if __name__ == "__main__":
    measure()
