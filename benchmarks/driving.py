"""Loads for several servers in turns: how many requests a second, and what each costs."""

from __future__ import annotations

import selectors
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from tempfile import NamedTemporaryFile
from typing import NamedTuple

from benchmarks.figures import percentile
from benchmarks.heads import first_number, lua
from benchmarks.servers import OTHER_CORE, on_core
from tests.clients.server import Process


class Load(NamedTuple):
    """What one load came to."""

    rate: float
    """Requests a second."""
    p50: float
    """Milliseconds."""
    p99: float


@dataclass(slots=True)
class Target:
    """A server with what it is asked, and what was measured; one entry a round."""

    server: Process
    requests: Sequence[bytes]
    varied: bool = False
    """Is each request to have a number of its own, so that no two are the same bytes?"""
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    """CPU of a request, user's and system's, microseconds."""
    p99s: list[float] = field(default_factory=list)

    def ask(self, seconds: float, connections: int) -> Load:
        """Ask once for so long, and measure."""
        before, began = self.server.cpu_with_children(), time.monotonic()
        load = drive(self.server.port, self.requests, seconds, connections, varied=self.varied)
        took = time.monotonic() - began
        self.rates.append(load.rate)
        self.costs.append((self.server.cpu_with_children() - before) / (load.rate * min(took, seconds)) * 1e6)
        self.p99s.append(load.p99)
        return load


def in_turns(targets: Sequence[Target], rounds: int, seconds: float, connections: int) -> None:
    """Ask each in each round, after a first one that does not count."""
    for each in targets:
        drive(each.server.port, each.requests, 0.5, connections, varied=each.varied)
    for number in range(rounds):
        # Nobody is always behind the same one.
        for each in targets if number % 2 else reversed(targets):
            each.ask(seconds, connections)


def drive(port: int, requests: Sequence[bytes], seconds: float, connections: int, *, varied: bool = False) -> Load:
    """Send requests in turn on so many kept connections: by ``wrk`` where it is installed, else by sockets."""
    by = _by_wrk if shutil.which("wrk") else _by_sockets
    return by(port, requests, seconds, connections, varied=varied)


def _by_wrk(port: int, requests: Sequence[bytes], seconds: float, connections: int, *, varied: bool) -> Load:
    # wrk knows whole seconds only.
    whole = max(1, round(seconds))
    with NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(lua(requests, varied=varied))
        script.flush()
        command = [*on_core(OTHER_CORE), "wrk", "-t1", f"-c{connections}", f"-d{whole}s", "--timeout", "120s"]
        command += ["-s", script.name, f"http://127.0.0.1:{port}/"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    assert found, done.stdout + done.stderr
    sent, duration, failed, p50, p99 = map(int, found[0])
    if failed:
        raise RuntimeError(f"{failed} requests failed:\n{done.stdout}")
    return Load(sent / duration * 1e6, p50 / 1e3, p99 / 1e3)


def _by_sockets(port: int, requests: Sequence[bytes], seconds: float, connections: int, *, varied: bool) -> Load:
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        waits: list[float] = []
        sent = first_number()

        def send(each: socket.socket) -> None:
            nonlocal sent
            request = requests[sent % len(requests)]
            sent += 1
            # Before it is sent: an answer may come before this process goes on.
            pending[each] = [time.monotonic(), -1, b""]
            each.sendall(request[:-2] + b"X-Request-Id: %d\r\n\r\n" % sent if varied else request)

        pending: dict[socket.socket, list[object]] = {}
        for _ in range(connections):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), 120))
            selector.register(connection, selectors.EVENT_READ)
            send(connection)
        began = time.monotonic()
        while (now := time.monotonic()) - began < seconds:
            for key, _ in selector.select(began + seconds - now):
                ready = key.fileobj
                assert isinstance(ready, socket.socket)
                if _is_whole(pending[ready], ready.recv(1 << 20)):
                    started = pending[ready][0]
                    assert isinstance(started, float)
                    waits.append(time.monotonic() - started)
                    send(ready)
        rate = len(waits) / (time.monotonic() - began)
        return Load(rate, percentile(waits, 0.5) * 1e3, percentile(waits, 0.99) * 1e3)


def _is_whole(state: list[object], data: bytes) -> bool:
    """Take bytes of an answer; ``state`` is when it was asked for, the bytes of it that are missing, and its head."""
    assert data, "the server closed a connection"
    missing, head = state[1], state[2]
    assert isinstance(missing, int)
    assert isinstance(head, bytes)
    if missing < 0:
        head += data
        before, end, body = head.partition(b"\r\n\r\n")
        if not end:
            state[2] = head
            return False
        status = int(before.split(b" ", 2)[1])
        if status >= 400:
            raise RuntimeError(before.decode("latin-1"))
        length = before.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        missing = 0 if status == 304 else int(length) - len(body)
    else:
        missing -= len(data)
    state[1] = missing
    return missing == 0
