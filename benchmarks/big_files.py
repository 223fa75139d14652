"""A file of 200 MB beside nginx: megabytes a second and CPU a gigabyte, one client and four."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.corpus import big_file, empty_folder
from benchmarks.figures import Figure, each_to_each, report
from benchmarks.nginx import nginx, program
from benchmarks.servers import OTHER_CORE, on_core, ours, pinned, until_quiet, until_right
from tests.clients.server import Process

ROUNDS = 7
DOWNLOADS = 4
"""In each round, by all clients together."""


def measure() -> None:
    """Measure and report."""
    if program() is None:
        return
    path = big_file(200)
    root = empty_folder("root-big")
    (root / "packages").mkdir()
    os.link(path, root / "packages" / path.name)
    with (
        pinned(ours(root / "packages", empty_folder("state-big"), "--metrics")) as mine,
        nginx(root) as theirs,
    ):
        until_right(mine, "/simple/acme-big-200/", 1)
        until_quiet(mine)
        for clients in (1, 4):
            rates: list[list[float]] = [[], []]
            costs: list[list[float]] = [[], []]
            for number in range(-1, ROUNDS):
                for which, server in ((0, mine), (1, theirs))[:: -1 if number % 2 else 1]:
                    rate, cost = _round(server, f"/packages/{path.name}", path.stat().st_size, clients)
                    if number >= 0:
                        rates[which].append(rate)
                        costs[which].append(cost)
            report(f"a file of 200 MB, clients: {clients}", _figures(rates, costs))


def _figures(rates: Sequence[Sequence[float]], costs: Sequence[Sequence[float]]) -> list[Figure]:
    return [
        Figure("ours", "MB/s", rates[0]),
        Figure("nginx", "MB/s", rates[1]),
        Figure("ours: CPU of a gigabyte", "s", costs[0]),
        Figure("nginx: CPU of a gigabyte", "s", costs[1]),
        Figure("of nginx's MB/s", "x", each_to_each(rates[0], rates[1]), "1.0 or more"),
        Figure("times nginx's CPU", "x", each_to_each(costs[0], costs[1]), "1.2 or less"),
    ]


def _round(server: Process, path: str, size: int, clients: int) -> tuple[float, float]:
    each = DOWNLOADS // clients
    command = [*on_core(OTHER_CORE), sys.executable, "-m", "benchmarks.big_files", str(server.port), path, str(each)]
    with ExitStack() as stack:
        before, began = server.cpu_with_children(), time.monotonic()
        processes = [
            stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)) for _ in range(clients)
        ]
        spans = [tuple(map(float, process.communicate()[0].split())) for process in processes]
        assert began
        # Python takes its time to start: what counts is from the first request to the last byte.
        took = max(end for _, end in spans) - min(start for start, _ in spans)
        cpu = server.cpu_with_children() - before
    total = size * each * clients
    return total / took / 1e6, cpu / total * 1e9


def _read(port: int, path: str, times: int) -> None:
    """Fetch a file so many times on one connection and throw it away; print when that began and ended."""
    piece = bytearray(1 << 20)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        began = time.monotonic()
        for _ in range(times):
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: identity\r\n\r\n".encode())
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(16_384)
            before, _, body = head.partition(b"\r\n\r\n")
            length = int(before.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            missing = length - len(body)
            while missing > 0:
                got = connection.recv_into(piece, min(len(piece), missing))
                assert got, "the server closed a connection"
                missing -= got
        print(began, time.monotonic())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _read(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    else:
        measure()
