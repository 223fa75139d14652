"""Large uploads over loopback: how fast, how much memory, and what others wait meanwhile."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import time
from contextlib import ExitStack, closing
from pathlib import Path

from benchmarks.corpus import BUILD, big_file, empty_folder
from benchmarks.figures import Figure, percentile, report
from benchmarks.load import Meanwhile
from benchmarks.servers import ours, ours_counting_fsyncs
from tests.clients.archives import wheel
from tests.clients.fixtures import PASSWORD, USER, bcrypt_line
from tests.clients.server import Process
from tests.clients.uploading import answer_on, connected, upload, upload_of

ROUNDS = 5
LOGIN = f"{USER}:{PASSWORD}"
SMALL = wheel("acme-core", "1.0")


def measure() -> None:
    """Measure and report."""
    two_hundred, thousand = big_file(200), big_file(1000)
    rates, growths, calibrations = [], [], []
    waits: list[float] = []
    for _ in range(ROUNDS):
        calibrations.append(_by_hand(two_hundred))
        rate, growth, _ = _one(two_hundred, asked_meanwhile=False)
        rates.append(rate)
        growths.append(growth)
        waits += _one(two_hundred, asked_meanwhile=True)[2]
    giga_rate, giga_growth, giga_waits = _one(thousand, asked_meanwhile=True)
    report(
        "uploads",
        (
            Figure("200 MB wheel", "MB/s", rates, "150 or more"),
            Figure("calibration: the same bytes hashed, written, fsynced by one thread", "MB/s", calibrations),
            Figure("fsyncs of one upload (the database apart)", "", [_fsyncs(two_hundred)]),
            Figure("growth by 200 MB", "MB", growths, "less than 64"),
            Figure("others' pages meanwhile, p99", "ms", [percentile(waits, 0.99) * 1000], "less than 50"),
            Figure("others' pages meanwhile, longest", "ms", [max(waits) * 1000]),
            Figure("1 GB wheel (pages asked meanwhile)", "MB/s", [giga_rate]),
            Figure("growth by 1 GB", "MB", [giga_growth], "less than 64"),
            Figure("others' pages meanwhile, p99", "ms", [percentile(giga_waits, 0.99) * 1000], "less than 50"),
            Figure("others' pages meanwhile, longest", "ms", [max(giga_waits) * 1000]),
        ),
    )


def _prepared() -> tuple[Path, Path, Path]:
    passwords = BUILD / "htpasswd"
    passwords.write_text(bcrypt_line(USER, PASSWORD))
    return empty_folder("root-uploads"), empty_folder("state-uploads"), passwords


def _one(path: Path, *, asked_meanwhile: bool) -> tuple[float, float, list[float]]:
    root, state, passwords = _prepared()
    with ours(root, state, "--password-file", passwords) as server, ExitStack() as stack:
        _warm(server)
        request = upload_of(path, LOGIN)
        before = server.memory()
        pages = stack.enter_context(closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)))

        def ask(_: int) -> None:
            pages.request("GET", "/simple/acme-core/")
            response = pages.getresponse()
            assert SMALL.filename.encode() in response.read()

        meanwhile = Meanwhile(ask, pause=0.002)
        connection = stack.enter_context(connected(server.port))
        file = stack.enter_context(path.open("rb"))
        with meanwhile.going_on() if asked_meanwhile else ExitStack():
            began = time.monotonic()
            connection.sendall(request.head)
            connection.sendfile(file)
            connection.sendall(request.tail)
            answer = answer_on(connection)
            took = time.monotonic() - began
        assert answer.status == 200, answer
        growth = server.memory("VmHWM") - before
    assert (root / path.name).stat().st_size == path.stat().st_size
    shutil.rmtree(root)
    return path.stat().st_size / took / 1e6, growth / 1e6, meanwhile.seconds


def _warm(server: Process) -> None:
    folder = empty_folder("small")
    assert upload(server.port, SMALL.put_into(folder), LOGIN).status == 200
    assert server.get("/simple/acme-core/").status == 200


def _fsyncs(path: Path) -> int:
    root, state, passwords = _prepared()
    count = BUILD / "fsyncs"
    with ours_counting_fsyncs(root, state, count, "--password-file", passwords) as server:
        _warm(server)
        before = count.stat().st_size
        assert upload(server.port, path, LOGIN).status == 200
        return count.stat().st_size - before


def _by_hand(path: Path) -> float:
    copy = empty_folder("copy") / path.name
    digest = hashlib.sha256()
    began = time.monotonic()
    with path.open("rb") as source, copy.open("wb", buffering=0) as target:
        while piece := source.read(256 * 1024):
            digest.update(piece)
            target.write(piece)
        os.fsync(target.fileno())
    took = time.monotonic() - began
    copy.unlink()
    return path.stat().st_size / took / 1e6


if __name__ == "__main__":
    measure()
