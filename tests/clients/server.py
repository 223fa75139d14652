"""The server as its users start it: ``twistd pypi`` in a process of its own."""

from __future__ import annotations

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PROGRAMS = Path(sys.executable).parent
LONGEST_START = 30
"""Seconds until the first answer, on a machine that has much else to do."""
LONGEST_STOP = 8
"""Seconds that may pass between SIGTERM and the end."""
NOTICED = 10
"""Seconds until a change by hand is noticed; 2 are promised, a busy machine gets more, a scan comes after 60."""
PORTS = range(15_000, 30_000)
"""Ports for servers of the tests.  The system gives them to nobody who asks for any: it could, until they are bound."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    reason: str
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


def free_port() -> int:
    """Return a port that nobody listens on."""
    for _ in range(100):
        port = secrets.choice(PORTS)
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("", port))
            return port
    raise AssertionError(f"no port of {PORTS} is free")


class Process:
    """A web server in a process of its own, its log in a file; as a context manager it runs in between."""

    def __init__(self, command: Sequence[str | Path], port: int, log: Path, variables: Mapping[str, str]) -> None:
        self.command = command
        self.port = port
        self.log_path = log
        self.variables = variables
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def url_for(self, user: str, password: str) -> str:
        """Where it answers, with a login in it."""
        return f"http://{user}:{password}@127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything it has said."""
        return self.log_path.read_text(errors="replace")

    def launch(self) -> None:
        """Start the process and do not wait for it."""
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.variables,
                cwd=self.log_path.parent,
            )

    def start(self, path: str = "/health") -> Self:
        """Start the process and wait until it answers 200 at ``path``."""
        self.launch()
        deadline = time.monotonic() + LONGEST_START
        while True:
            with suppress(OSError, http.client.HTTPException):
                if self.get(path, timeout=5).status == 200:
                    return self
            assert self._process is not None
            ended = self._process.poll()
            if ended is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"no answer from {self.command} (exit code {ended}); its log:\n{self.log}")
            time.sleep(0.02)

    def send(self, number: int) -> None:
        """Send the process a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def ended(self) -> int:
        """Wait for the end, a little longer than it may take, and return the exit code."""
        assert self._process is not None
        try:
            return self._process.wait(LONGEST_STOP + 2)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still there {LONGEST_STOP + 2} s after the signal; its log:\n{self.log}") from None

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.send(number)
        return self.ended()

    def kill(self) -> None:
        """End the process at once, as ``kill -9`` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def running(self) -> bool:
        """Is it there?"""
        return self._process is not None and self._process.poll() is None

    def memory(self, what: str = "VmRSS") -> int:
        """Bytes of memory, ``VmRSS`` now or ``VmHWM`` at the most."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(what + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(what)

    def cpu(self) -> float:
        """Seconds of processor time, user's and system's, of all threads."""
        return _cpu(self.pid)

    def cpu_with_children(self) -> float:
        """The same of the process and its living children."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return _cpu(self.pid) + sum(_cpu(int(each)) for each in children)

    def get(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        body: bytes | None = None,
        timeout: float = 60,
    ) -> Answer:
        """Send one request on a connection of its own and read the whole answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)) as connection:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.reason, response.headers, response.read())

    def comes_true(self, condition: Callable[[], bool], within: float = LONGEST_START) -> bool:
        """Ask again and again, until the condition is true or the seconds are over."""
        deadline = time.monotonic() + within
        while not condition():
            assert self.running, self.log
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def clean_variables() -> dict[str, str]:
    """Return this process's environment without settings for the server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYPI_")}


def twistd_pypi(root: Path, *options: str | Path, log: Path, port: int | None = None) -> Process:
    """Return ``twistd pypi`` for a folder, not yet started."""
    at = port or free_port()
    command: list[str | Path] = [PROGRAMS / "twistd", "-n", "--pidfile=", "--logfile=-", "pypi", "--root", root]
    command += ["--port", str(at), "--interface", "127.0.0.1"]
    if not any("fallback" in str(each) for each in options):
        command.append("--disable-fallback")
    return Process([*command, *options], at, log, clean_variables())
