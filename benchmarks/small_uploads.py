"""Small wheels uploaded one after the other on one connection, each safe on the disk, at 1,000 and at 100,000 files."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from pathlib import Path

from benchmarks.corpus import BUILD, collection, empty_folder, files_of
from benchmarks.figures import Figure, report
from benchmarks.pages import ASKED, PATH
from benchmarks.servers import known_state, ours, ours_counting_fsyncs, until_quiet, until_right
from tests.clients.archives import wheel
from tests.clients.fixtures import PASSWORD, USER, bcrypt_line
from tests.clients.server import Process
from tests.clients.uploading import answer_on, connected, upload_of
from twisted_pypi.project_records import PROJECTS

ROUNDS, UPLOADS = 5, 200
FSYNCS, EVEN = 3, 0.2e-3
"""Fsyncs of an upload, and the seconds of one by which disks are compared."""
SIZES = (1_000, 100_000)
LOGIN = f"{USER}:{PASSWORD}"
PREFIX = "acme_up_"
REUSE = 65
"""Seconds in which ext4 does not use the inodes of removed files again: it steps over each, for every new file."""


def measure() -> None:
    """Measure and report."""
    passwords = BUILD / "htpasswd"
    passwords.write_text(bcrypt_line(USER, PASSWORD))
    for files in SIZES:
        root = collection(files)
        if remove_uploads(root):
            time.sleep(REUSE)
        try:
            _measure(files, root, passwords)
        finally:
            remove_uploads(root)


def _measure(files: int, root: Path, passwords: Path) -> None:
    rates, costs, fsyncs, even = [], [], [], []
    with ours(root, known_state(files), "--metrics", "--password-file", passwords) as server:
        until_right(server, PATH, files_of(ASKED))
        until_quiet(server)
        _upload(server, "w", 20)
        for number in range(ROUNDS):
            some = [_fsync() for _ in range(40)]
            fsyncs += some
            before = server.cpu()
            rates.append(UPLOADS / _upload(server, f"r{number}", UPLOADS))
            costs.append((server.cpu() - before) / UPLOADS * 1e6)
            even.append(1 / (1 / rates[-1] - FSYNCS * (statistics.median(some) - EVEN)))
        assert server.stop() == 0
    count = BUILD / "fsyncs"
    count.unlink(missing_ok=True)
    with ours_counting_fsyncs(root, known_state(files), count, "--password-file", passwords) as server:
        until_right(server, PATH, files_of(ASKED))
        _upload(server, "c0", 2)
        synced = count.stat().st_size
        _upload(server, "c", 20)
        synced = count.stat().st_size - synced
    each = statistics.median(fsyncs)
    report(
        f"small wheels uploaded on one connection, {files:,} files",
        [
            Figure("uploads a second", "/s", rates),
            Figure(
                "the same, were each of its fsyncs to take 0.2 ms (reckoned by the round's)", "/s", even, "300 or more"
            ),
            Figure("CPU of one", "us", costs),
            Figure("fsyncs of one (the database apart)", "", [synced / 20], f"{FSYNCS}"),
            Figure("calibration: a small file written and fsynced", "ms", [value * 1e3 for value in fsyncs[::20]]),
            Figure("of the time of an upload, fsyncs", "%", [each * synced / 20 * rate * 100 for rate in rates]),
        ],
    )


def _upload(server: Process, word: str, count: int) -> float:
    """Upload so many wheels; return the seconds that they took."""
    folder = empty_folder("small")
    made = [
        upload_of(wheel(f"{PREFIX}{word}-{number % 20}", f"1.{number}").put_into(folder), LOGIN)
        for number in range(count)
    ]
    requests = [b"".join(each.pieces()) for each in made]
    with connected(server.port) as connection:
        began = time.monotonic()
        for each in requests:
            connection.sendall(each)
            answer = answer_on(connection)
            assert answer.status == 200, answer
        return time.monotonic() - began


def _fsync() -> float:
    path = empty_folder("aside") / "fsync"
    with path.open("wb") as file:
        file.write(b"x" * 1500)
        file.flush()
        began = time.perf_counter()
        os.fsync(file.fileno())
        return time.perf_counter() - began


def remove_uploads(root: Path) -> int:
    """Remove what this program uploads to a collection, and what is remembered of its projects; return how many files."""
    shutil.rmtree(root / PROJECTS, ignore_errors=True)
    found = [entry.path for entry in os.scandir(root) if PREFIX in entry.name and entry.is_file()]
    for path in found:
        Path(path).unlink()
    return len(found)


if __name__ == "__main__":
    measure()
