"""A load of requests for one page: by ``wrk`` where it is installed, else by sockets of our own."""

from __future__ import annotations

import re
import selectors
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from benchmarks.corpus import empty_folder

HEAD = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: pip/26.3\r\nAccept-Encoding: identity\r\n"
    "Accept: text/html\r\nConnection: keep-alive\r\nCache-Control: max-age=0\r\n\r\n"
)

NUMBER = b"X-Request-Id: %d\r\n\r\n"
VARIED = """
local number = 0
request = function()
  number = number + 1
  wrk.headers["X-Request-Id"] = number
  return wrk.format()
end
"""


def requests_per_second(port: int, path: str, *, seconds: int, connections: int, varied: bool = False) -> float:
    """Ask for a page again and again on so many kept connections; ``varied``: no two requests are the same bytes."""
    ask = _by_wrk if shutil.which("wrk") else _by_sockets
    return ask(port, path, seconds, connections, varied=varied)


def _by_wrk(port: int, path: str, seconds: int, connections: int, *, varied: bool) -> float:
    headers = [line for line in HEAD.split("\r\n")[2:] if line]
    command: list[str | Path] = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "120s"]
    for header in headers:
        command += ["-H", header]
    if varied:
        script = empty_folder("wrk") / "varied.lua"
        script.write_text(VARIED)
        command += ["-s", script]
    done = subprocess.run([*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True)
    if "Non-2xx" in done.stdout:
        raise RuntimeError(done.stdout)
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


def _by_sockets(port: int, path: str, seconds: int, connections: int, *, varied: bool) -> float:
    request = HEAD.format(path=path, port=port).encode()
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 120)) for _ in range(connections)]
        length = [_answer_length(each, request) for each in sockets][-1]
        missing = dict.fromkeys(sockets, length)
        for each in sockets:
            selector.register(each, selectors.EVENT_READ)
            each.sendall(request)
        done = 0
        began = time.monotonic()
        while (now := time.monotonic()) - began < seconds:
            for key, _ in selector.select(began + seconds - now):
                ready = key.fileobj
                assert isinstance(ready, socket.socket)
                received = len(ready.recv(262_144))
                assert received, "the server closed a connection"
                missing[ready] -= received
                if missing[ready] <= 0:
                    done += 1
                    missing[ready] = length
                    ready.sendall(request[:-2] + NUMBER % done if varied else request)
        return done / (time.monotonic() - began)


def _answer_length(connection: socket.socket, request: bytes) -> int:
    connection.sendall(request)
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(262_144)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.split()[1] == b"200", head
    found = re.search(rb"(?i)content-length:\s*(\d+)", head)
    assert found is not None, head
    missing = int(found[1]) - len(body)
    while missing > 0:
        missing -= len(connection.recv(262_144))
    return len(head) + 4 + int(found[1])


class Meanwhile:
    """What is asked in a thread of its own while something else goes on."""

    def __init__(self, ask: Callable[[int], None], pause: float = 0.01) -> None:
        """Take the question, which is told the number of its call, and the seconds between two."""
        self.seconds: list[float] = []
        """How long each answer took."""
        self.errors: list[Exception] = []
        self._ask = ask
        self._pause = pause
        self._over = threading.Event()

    @contextmanager
    def going_on(self) -> Iterator[Self]:
        """Ask as long as the block takes; the first error is raised at its end."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()
        if self.errors:
            raise self.errors[0]

    def _run(self) -> None:
        number = 0
        while not self._over.is_set():
            began = time.perf_counter()
            try:
                self._ask(number)
            except Exception as error:  # noqa: BLE001 - whatever goes wrong is told by the main thread
                self.errors.append(error)
            self.seconds.append(time.perf_counter() - began)
            number += 1
            self._over.wait(self._pause)
