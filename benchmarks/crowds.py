"""Many at once: pages for 64 connections during four large uploads, and 10,000 connections that say nothing."""

from __future__ import annotations

import resource
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing

from benchmarks.beside_nginx import ASKED, PAGE
from benchmarks.corpus import BUILD, big_file, collection, empty_folder, files_of
from benchmarks.driving import drive
from benchmarks.figures import Figure, percentile, report
from benchmarks.heads import JSON, heads
from benchmarks.servers import OTHER_CORE, known_state, on_core, ours, pinned, until_quiet, until_right
from tests.clients.archives import wheel
from tests.clients.fixtures import PASSWORD, USER, bcrypt_line
from tests.clients.uploading import answer_on, connected, upload_of

ROUNDS, SECONDS = 5, 3
UPLOADERS = 4
CONNECTIONS = 10_000
LOGIN = f"{USER}:{PASSWORD}"


def measure() -> None:
    """Measure and report."""
    _uploads()
    _idle()


def _uploads() -> None:
    big_file(200)
    passwords = BUILD / "htpasswd"
    passwords.write_text(bcrypt_line(USER, PASSWORD))
    root = empty_folder("root-crowd")
    for number in range(10):
        wheel("acme-core", f"1.{number}").lay_into(root)
    with pinned(
        ours(root, empty_folder("state-crowd"), "--metrics", "--overwrite", "--password-file", passwords)
    ) as mine:
        until_right(mine, "/simple/acme-core/", 10)
        until_quiet(mine)
        requests = heads("/simple/acme-core/", JSON)
        quiet = [drive(mine.port, requests, 1, 64) for _ in range(ROUNDS)]
        busy, uploaded = [], []
        for _ in range(ROUNDS):
            with ExitStack() as stack:
                # They share the core of whoever measures, and what that waits for them is none of the server's.
                command = [
                    *politely(),
                    *on_core(OTHER_CORE),
                    sys.executable,
                    "-m",
                    "benchmarks.crowds",
                    str(mine.port),
                    str(SECONDS),
                ]
                uploaders = [
                    stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
                    for _ in range(UPLOADERS)
                ]
                time.sleep(1.5)  # until they have begun
                busy.append(drive(mine.port, requests, SECONDS, 64))
                uploaded.append(sum(float(each.communicate()[0]) for each in uploaders))
    shutil.rmtree(root)
    report(
        "pages for 64 connections while four upload 200 MB again and again",
        [
            Figure("p99 of a page", "ms", [each.p99 for each in busy], "20 or less"),
            Figure("median of a page", "ms", [each.p50 for each in busy]),
            Figure("requests a second", "/s", [each.rate for each in busy]),
            Figure("uploaded meanwhile", "MB/s", uploaded),
            Figure("to compare: p99 of a page without uploads", "ms", [each.p99 for each in quiet]),
            Figure("to compare: requests a second without uploads", "/s", [each.rate for each in quiet]),
        ],
    )


def politely() -> tuple[str, ...]:
    """Return the beginning of a command that others on its core come before; nothing where there is no such program."""
    return ("nice", "-n", "10") if shutil.which("nice") else ()


def _upload_for(port: int, seconds: float) -> None:
    """Upload 200 MB again and again, for so long and until the last is answered; print the MB a second."""
    request = upload_of(big_file(200), LOGIN)
    began, sent = time.monotonic(), 0
    while time.monotonic() - began < seconds + 2:
        with connected(port) as connection, request.path.open("rb") as file:
            connection.settimeout(120)
            connection.sendall(request.head)
            connection.sendfile(file)
            connection.sendall(request.tail)
            answer = answer_on(connection)
            assert answer.status == 200, answer
            sent += request.path.stat().st_size
    print(sent / (time.monotonic() - began) / 1e6)


def _idle() -> None:
    _allow_files(2 * CONNECTIONS)
    request = heads(PAGE, JSON)[0]
    with pinned(ours(collection(1_000), known_state(1_000), "--metrics")) as mine, ExitStack() as stack:
        until_right(mine, PAGE, files_of(ASKED))
        until_quiet(mine)
        before = mine.memory()
        began = time.monotonic()
        sockets = []
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", mine.port), 60))
            connection.sendall(request)
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200"), "no page"
            sockets.append(connection)
        opened = time.monotonic() - began
        after = mine.memory()
        cpu = mine.cpu()
        waits = []
        with closing(socket.create_connection(("127.0.0.1", mine.port))) as one:
            for number in range(1_000):
                began = time.perf_counter()
                one.sendall(heads(PAGE, JSON)[number % 20])
                assert one.recv(1 << 16).startswith(b"HTTP/1.1 200"), "no page"
                waits.append((time.perf_counter() - began) * 1e3)
        fresh = []
        for _ in range(100):
            began = time.perf_counter()
            with closing(socket.create_connection(("127.0.0.1", mine.port))) as one:
                one.sendall(request)
                assert one.recv(1 << 16).startswith(b"HTTP/1.1 200"), "no page"
            fresh.append((time.perf_counter() - began) * 1e3)
        cpu = mine.cpu() - cpu
    report(
        f"{CONNECTIONS:,} kept connections that ask for nothing",
        [
            Figure("memory of the server", "MB", [after / 1e6], "250 or less"),
            Figure("growth by a connection", "KB", [(after - before) / CONNECTIONS / 1e3]),
            Figure("a page meanwhile, median", "ms", [percentile(waits, 0.5)]),
            Figure("a page meanwhile, p99", "ms", [percentile(waits, 0.99)], "5 or less"),
            Figure("a page meanwhile on a new connection, p99", "ms", [percentile(fresh, 0.99)], "5 or less"),
            Figure("connections opened, each with a page", "/s", [CONNECTIONS / opened]),
            Figure("CPU of a page meanwhile", "us", [cpu / 1_100 * 1e6]),
        ],
    )


def _allow_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _upload_for(int(sys.argv[1]), float(sys.argv[2]))
    else:
        measure()
