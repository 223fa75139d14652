"""Our server and the old one, started for a measurement."""

from __future__ import annotations

import os
import re
import shutil
import time
from functools import cache
from pathlib import Path

from benchmarks.corpus import BUILD, collection, empty_folder
from tests.clients.environments import PYPISERVER, programs_of
from tests.clients.server import PROGRAMS, Process, clean_variables, free_port, twistd_pypi

LOGS = BUILD / "logs"
SERVER_CORE, OTHER_CORE = 0, 1
"""Where a server runs when it is measured beside a peer, and where whoever asks it runs."""
QUIET = 3
"""Seconds without noteworthy CPU after which a scan counts as over."""


def ours(root: Path, state: Path, *options: str | Path) -> Process:
    """``twistd pypi``, its access log written to a file as a service's would be."""
    access = LOGS / "access.log"
    return twistd_pypi(root, "--state-dir", state, "--access-log", access, *options, log=_log("ours"))


def on_core(core: int) -> tuple[str, ...]:
    """Return the beginning of a command that runs on one core only; nothing where there is no such program or core."""
    if shutil.which("taskset") and core in os.sched_getaffinity(0):
        return "taskset", "-c", str(core)
    return ()


def pinned(process: Process) -> Process:
    """Return a server that is not started yet, on the core for servers."""
    return Process([*on_core(SERVER_CORE), *process.command], process.port, process.log_path, process.variables)


def ours_without_fast_way(root: Path, state: Path, *options: str | Path) -> Process:
    """The same, with no request head remembered."""
    return _wrapped(ours(root, state, *options), "benchmarks.without_fast_way")


def ours_counting_fsyncs(root: Path, state: Path, count: Path, *options: str | Path) -> Process:
    """The same, with each fsync written down in a file."""
    return _wrapped(ours(root, state, *options), "benchmarks.counting_fsyncs", count)


def _wrapped(process: Process, module: str, *arguments: str | Path) -> Process:
    """Return a server that is run by a module of this package in the place of twistd."""
    command = [PROGRAMS / "python", "-m", module, *arguments, *process.command[1:]]
    return Process(command, process.port, process.log_path, process.variables)


def pypiserver(root: Path) -> Process:
    """The old server, 2.4.2, at its best: gunicorn with threads, and the cache that watchdog keeps."""
    port = free_port()
    application = f"pypiserver:app(roots=[{str(root)!r}], disable_fallback=True, backend_arg='cached-dir')"
    command: list[str | Path] = [programs_of(PYPISERVER) / "gunicorn", "--bind", f"127.0.0.1:{port}"]
    command += ["--workers", "1", "--worker-class", "gthread", "--threads", "8", "--timeout", "600", application]
    return Process(command, port, _log("pypiserver"), clean_variables() | {"HOME": str(BUILD)})


def pypi_server(root: Path) -> Process:
    """The same by the program that comes with it, as its own page says to start it: one request at a time."""
    port = free_port()
    options: list[str | Path] = ["run", "-i", "127.0.0.1", "-p", str(port), "--disable-fallback", root]
    command = [programs_of(PYPISERVER) / "pypi-server", *options]
    return Process(command, port, _log("pypi-server"), clean_variables() | {"HOME": str(BUILD)})


def anchors(page: bytes) -> int:
    """How many links a page has."""
    return len(re.findall(rb"<a\s", page))


def until_right(server: Process, path: str, expected: int, within: float = 600) -> float:
    """Ask for a page until it has so many links; return the seconds since now."""
    began = time.monotonic()
    while True:
        try:
            answer = server.get(path, {"Accept": "text/html"}, timeout=within)
        except OSError:
            answer = None
        if answer is not None and answer.status == 200 and anchors(answer.body) == expected:
            return time.monotonic() - began
        if time.monotonic() - began > within or not server.running:
            raise RuntimeError(f"no right answer from {server.command}; its log:\n{server.log[-3000:]}")
        time.sleep(0.005)


def until_quiet(server: Process, idle: float = 0.05) -> float:
    """Wait until the process has nothing to do (``idle``: seconds of CPU in half a second); return when that began."""
    last, since = server.cpu(), time.monotonic()
    while time.monotonic() - since < QUIET:
        time.sleep(0.5)
        now = server.cpu()
        if now - last > idle:
            since = time.monotonic()
        last = now
    return since


@cache
def known_state(files: int) -> Path:
    """Return the state folder of a server that has read a whole collection; made once a run."""
    state = empty_folder(f"state-{files}")
    with ours(collection(files), state) as server:
        until_quiet(server)
        assert server.stop() == 0
    return state


def _log(name: str) -> Path:
    LOGS.mkdir(parents=True, exist_ok=True)
    path = LOGS / f"{name}.log"
    path.unlink(missing_ok=True)
    return path
