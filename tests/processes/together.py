"""Servers of several processes, and connections to each of them."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

from tests.clients.archives import wheel
from tests.clients.fixtures import PASSWORD, USER
from tests.clients.server import Process
from twisted_pypi.tap.together import WORKER

LOGIN = f"{USER}:{PASSWORD}"
WORKERS = 3
FIRST, SECOND, THIRD = (wheel("acme-core", version) for version in ("1.0", "1.1", "1.2"))
PAGE = "/simple/acme-core/"


def workers_of(server: Process) -> list[int]:
    """The processes besides the keeper."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [int(each) for each in children]


def all_there(server: Process, count: int = WORKERS - 1) -> list[int]:
    """Wait until every worker listens."""

    def ready() -> bool:
        return len(workers_of(server)) == count and all(listens(each) for each in workers_of(server))

    assert server.comes_true(ready), server.log
    return workers_of(server)


def listens(pid: int) -> bool:
    """Has a process taken the handover, and opened an event loop over its socket?"""
    with suppress(OSError):
        # What the keeper has just forked has the keeper's event loop, and its command line.
        if WORKER.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes():
            return False
        return sum("eventpoll" in str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()) == 1
    return False


def is_gone(pid: int) -> bool:
    """Has a process ended, whether anybody asked how or not?"""
    with suppress(OSError):
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    return True


def has_open(pid: int, path: Path) -> bool:
    return any(each.readlink() == path for each in Path(f"/proc/{pid}/fd").iterdir())


class Connected:
    """One connection to each of the processes, the keeper's first."""

    def __init__(self, connections: list[HTTPConnection]) -> None:
        self.connections = connections

    def pages(self, path: str = PAGE) -> list[str]:
        """What each of them answers."""
        answers = []
        for each in self.connections:
            each.request("GET", path)
            response = each.getresponse()
            body = response.read().decode()
            answers.append(body if response.status == 200 else str(response.status))
        return answers

    def show(self, *filenames: str) -> bool:
        """Do all of them show these files and no others?"""
        return {tuple(re.findall(r">([^<]+\.whl)</a>", page)) for page in self.pages()} == {filenames}


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """Let these processes do nothing for a while."""
    for each in pids:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in pids:
            os.kill(each, signal.SIGCONT)


@contextmanager
def one_each(server: Process, pids: list[int]) -> Iterator[Connected]:
    """Connect to each process, while the others are stopped."""
    with ExitStack() as stack:
        connections = []
        for pid in pids:
            others = [each for each in pids if each != pid]
            with stopped(others):
                connection = stack.enter_context(closing(HTTPConnection("127.0.0.1", server.port, timeout=30)))
                connection.request("GET", "/health")
                assert connection.getresponse().read() == b"Ok"
                connections.append(connection)
        yield Connected(connections)


def comes_true(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
