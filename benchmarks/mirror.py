"""Files and pages that come from another index through our server."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.corpus import BUILD, big_file, collection, empty_folder, files_of, project_name
from benchmarks.figures import Figure, each_to_each, report
from benchmarks.limited_upstream import limited_upstream, project_of
from benchmarks.load import requests_per_second
from benchmarks.servers import LOGS, ours, until_quiet, until_right
from tests.clients.server import Process

SIZE = 200
"""Megabytes of the large file."""
GIGABIT = 100_000_000
"""Bytes a second of an upstream at the other end of a line of 1 Gbit/s."""
ROUNDS = 7
CLIENTS = 50
PAGE_ROUNDS = 5
PAGE_CONNECTIONS = 16
ASKED = 7


def measure() -> None:
    """Measure and report."""
    _one_client(GIGABIT, "at most 100 MB/s from the upstream", "1.1 or less")
    _one_client(3 * GIGABIT, "at most 300 MB/s from the upstream", "1.1 or less")
    _one_client(0, "the upstream as fast as it goes", "")
    _many_clients()
    _pages()


@dataclass(slots=True)
class Transfers:
    """What curl said of the same file time and again; milliseconds."""

    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    def get(self, url: str, size: int) -> None:
        """Fetch it once."""
        words = [
            "curl",
            "-sS",
            "--fail",
            "-o",
            "/dev/null",
            "-w",
            "%{time_starttransfer} %{time_total} %{size_download}",
            url,
        ]
        said = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
        assert int(said[2]) == size, said
        self.first.append(float(said[0]) * 1000)
        self.whole.append(float(said[1]) * 1000)


@contextmanager
def _between(rate: int, path: Path) -> Iterator[tuple[Process, Process, Path]]:
    """An upstream, our server before it, and our server's folder."""
    root = empty_folder("root-mirror")
    with ExitStack() as stack:
        upstream = stack.enter_context(limited_upstream(LOGS / "limited.log", rate, path))
        options = ("--fallback", "proxy", "--upstream", f"{upstream.url}/simple/")
        server = stack.enter_context(ours(root, empty_folder("state-mirror-files"), *options))
        until_quiet(server)
        yield upstream, server, root


def _one_client(rate: int, how: str, goal: str) -> None:
    path = big_file(SIZE)
    size, address = path.stat().st_size, f"/files/{project_of(path)}/{path.name}"
    direct, cold, kept = Transfers(), Transfers(), Transfers()
    calibration: list[float] = []
    cpu: list[float] = []
    with _between(rate, path) as (upstream, server, root):
        for number in range(ROUNDS + 1):
            if number == 1:
                for each in (direct, cold, kept):
                    each.first.clear()
                    each.whole.clear()
                cpu.clear()
            direct.get(f"{upstream.url}/files/{path.name}", size)
            shutil.rmtree(root / ".upstream", ignore_errors=True)
            before = server.cpu()
            cold.get(server.url + address, size)
            _until_kept(root, server)
            cpu.append((server.cpu() - before) * 1000)
            kept.get(server.url + address, size)
            calibration.append(_hash_and_write(path))
        growth = server.memory("VmHWM") - server.memory()
    report(
        f"a cold file of {SIZE} MB, {how}",
        (
            Figure("through our server", "ms", cold.whole),
            Figure("direct", "ms", direct.whole),
            Figure("times the direct download", "x", each_to_each(cold.whole, direct.whole), goal),
            Figure("first byte through our server", "ms", cold.first, "100 or less"),
            Figure("first byte direct", "ms", direct.first),
            Figure("CPU of our server for it", "ms", cpu),
            Figure("the same when it is kept", "ms", kept.whole),
            Figure("to compare: one thread that hashes it and writes it", "ms", calibration),
            Figure("memory of our server at most, above what it has now", "MB", [growth / 1e6]),
        ),
    )


def _until_kept(root: Path, server: Process) -> None:
    assert server.comes_true(lambda: any((root / ".upstream").glob("*/*.whl")))


def _hash_and_write(path: Path) -> float:
    """The least that can be done with a file: milliseconds."""
    began, found = time.perf_counter(), hashlib.sha256()
    with path.open("rb") as file, (BUILD / "copy-of-a-file").open("wb") as copy:
        while block := file.read(1 << 20):
            found.update(block)
            copy.write(block)
    took = (time.perf_counter() - began) * 1000
    (BUILD / "copy-of-a-file").unlink()
    return took


def _many_clients() -> None:
    path = big_file(SIZE)
    size, address = path.stat().st_size, f"/files/{project_of(path)}/{path.name}"
    with _between(GIGABIT, path) as (upstream, server, _):
        before, transfers = server.memory(), Transfers()
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(lambda _: transfers.get(server.url + address, size), range(CLIENTS)))
        growth = server.memory("VmHWM") - before
        downloads = json.loads(upstream.get("/asked").body)[f"/files/{path.name}"]
    report(
        f"{CLIENTS} clients for the same cold file of {SIZE} MB, at most 100 MB/s from the upstream",
        (
            Figure("downloads from the upstream", "", [downloads], "1"),
            Figure("the last client has all of it after", "ms", [max(transfers.whole)]),
            Figure("the first byte of the last client", "ms", [max(transfers.first)]),
            Figure("growth of memory", "MB", [growth / 1e6]),
        ),
    )


def _pages() -> None:
    path = f"/simple/{project_name(ASKED)}/"
    mine: list[float] = []
    theirs: list[float] = []
    with ExitStack() as stack:
        local = stack.enter_context(ours(collection(1_000), empty_folder("state-mirror-local"), "--disable-fallback"))
        until_right(local, path, files_of(ASKED))
        until_quiet(local)
        options = ("--fallback", "proxy", "--upstream", f"{local.url}/simple/")
        server = stack.enter_context(ours(empty_folder("root-mirror"), empty_folder("state-mirror-pages"), *options))
        until_right(server, path, files_of(ASKED))
        until_quiet(server)
        for _ in range(PAGE_ROUNDS):
            for process, rates in ((server, mine), (local, theirs)):
                rates.append(requests_per_second(process.port, path, seconds=3, connections=PAGE_CONNECTIONS))
    report(
        "a kept project page of an upstream's",
        (
            Figure("requests a second", "/s", mine),
            Figure("a local one: requests a second", "/s", theirs),
            Figure("times a local one's", "x", each_to_each(mine, theirs), "1, within 1.3 either way"),
        ),
    )


if __name__ == "__main__":
    measure()
