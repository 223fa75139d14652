"""The first scan of 100,000 files, and what pages do meanwhile."""

from __future__ import annotations

import hashlib
import http.client
import time
import zipfile
from contextlib import closing
from pathlib import Path

from benchmarks.corpus import collection, empty_folder, files_of, project_name, projects_in
from benchmarks.figures import Figure, percentile, report
from benchmarks.load import Meanwhile
from benchmarks.servers import anchors, ours, until_quiet

FILES = 100_000
SAMPLE = 5_000
PAGES_ALONE = 0.15
"""Seconds of CPU; what the pages of half a second cost at the most."""
STRIDE = 7_919
"""A prime: every project comes once before any comes again, neighbours far apart."""


class Walker:
    """Asks for one project's page after the other on a kept connection and checks that each is whole."""

    def __init__(self, port: int) -> None:
        """Take the port of the server."""
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self.waited = 0
        """Answers that said: not yet."""

    def ask(self, number: int) -> None:
        """Ask for a page that was hardly asked for before."""
        project = number * STRIDE % projects_in(FILES)
        self.connection.request("GET", f"/simple/{project_name(project)}/")
        response = self.connection.getresponse()
        body = response.read()
        if response.status == 503 and response.headers["Retry-After"]:
            self.waited += 1
        elif response.status != 200 or anchors(body) != files_of(project):
            raise RuntimeError(f"{response.status} with {anchors(body)} of {files_of(project)} files")


def measure() -> None:
    """Measure and report."""
    root = collection(FILES)
    server = ours(root, empty_folder("state-scan"), "--disable-fallback")
    began = time.monotonic()
    with server:
        first_answer = time.monotonic() - began
        walker = Walker(server.port)
        with closing(walker.connection), Meanwhile(walker.ask, pause=0.02).going_on() as meanwhile:
            first_page = _first(meanwhile, began)
            over = until_quiet(server, PAGES_ALONE) - began
        cpu = server.cpu()
    waits = sorted(meanwhile.seconds)[-3:]
    report(
        "first scan of 100,000 files",
        (
            Figure("CPU until it is over (pages meanwhile included)", "s", [cpu], "60 or less"),
            Figure("calibration: the same files read, hashed, opened by one thread", "s", [_by_hand(root)]),
            Figure("until it is over", "s", [over]),
            Figure("until /health answers", "s", [first_answer]),
            Figure("until the first page", "s", [first_page]),
            Figure("pages asked meanwhile, all whole, none redirected", "", [len(meanwhile.seconds) - walker.waited]),
            Figure("pages told to wait", "", [walker.waited]),
            Figure("median of a page meanwhile", "ms", [percentile(meanwhile.seconds, 0.5) * 1000]),
            Figure("p99 of a page meanwhile", "ms", [percentile(meanwhile.seconds, 0.99) * 1000], "50 or less"),
            Figure("the three longest waits", "ms", [each * 1000 for each in waits]),
        ),
    )


def _first(meanwhile: Meanwhile, began: float) -> float:
    while not meanwhile.seconds:
        time.sleep(0.005)
    return time.monotonic() - began


def _by_hand(root: Path) -> float:
    began = time.process_time()
    for path in sorted(root.glob("[!.]*"))[:: FILES // SAMPLE]:
        hashlib.sha256(path.read_bytes()).digest()
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as archive:
                archive.read(next(each for each in archive.namelist() if each.endswith("/METADATA")))
    return (time.process_time() - began) * FILES / SAMPLE


if __name__ == "__main__":
    measure()
