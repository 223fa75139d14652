"""How a process starts and ends: its exit code, its last words, and what its clients see."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.processes.together import comes_true
from twisted_pypi.serving.ending import DRAIN_SECONDS

SUBJECT = str(Path(__file__).with_name("subject.py"))
BIN = Path(sys.executable).parent
PROJECT = Path(__file__).parent.parent.parent

FOREGROUND = [sys.executable, SUBJECT]
TWISTD = [str(BIN / "twistd"), "-n", "--pidfile=", "--logfile=-", "-y", SUBJECT]


class Running:
    """A server in a process of its own, on a port of its own."""

    def __init__(self, command: list[str], folder: Path, *more: str) -> None:
        options = ["--root", str(folder / "packages"), "--port", "0", "-i", "127.0.0.1", *more]
        self.log = folder / "output"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, *options] if command == FOREGROUND else command,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, "SUBJECT_ARGV": " ".join(options), "PYTHONPATH": str(PROJECT)},
            )

    def port(self, log: Path | None = None) -> int:
        found = wait_for(log or self.log, r"Listening on http://127\.0\.0\.1:(\d+)/")
        return int(found[1])

    def request(self, path: str) -> HTTPConnection:
        connection = HTTPConnection("127.0.0.1", self.port(), timeout=20)
        connection.request("GET", path)
        wait_for(self.log, "A request is there")
        return connection

    def code(self) -> int:
        return self.process.wait(timeout=20)


def wait_for(log: Path, pattern: str) -> re.Match[str]:
    """What a log says, within 20 seconds."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = re.search(pattern, log.read_text() if log.exists() else "")
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(log.read_text() if log.exists() else f"{log} is not there")


@pytest.fixture(params=[FOREGROUND, TWISTD], ids=["foreground", "twistd"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    server = Running(request.param, tmp_path)
    yield server
    server.process.kill()
    server.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_being_sent_is_finished(running: Running, number: signal.Signals) -> None:
    connection = running.request("/slow")
    running.process.send_signal(number)
    wait_for(running.log, "Ending: ")
    with socket.socket() as other:
        assert other.connect_ex(("127.0.0.1", running.port())) != 0
    assert len(connection.getresponse().read()) == 1_000_000
    assert running.code() == 0
    connection.close()


def test_a_second_signal_ends_at_once(running: Running) -> None:
    connection = running.request("/never")
    running.process.send_signal(signal.SIGTERM)
    wait_for(running.log, "Ending: ")
    began = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    assert running.code() == 0
    assert time.monotonic() - began < DRAIN_SECONDS - 1
    connection.close()


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def argv(folder: Path, port: int) -> list[str]:
    return ["--root", str(folder / "packages"), "--port", str(port), "-i", "127.0.0.1"]


@pytest.mark.parametrize("command", [FOREGROUND, TWISTD], ids=["foreground", "twistd"])
def test_a_port_in_use_is_one_sentence(command: list[str], tmp_path: Path, taken: int) -> None:
    options = argv(tmp_path, taken)
    ended = subprocess.run(
        [*command, *options] if command == FOREGROUND else command,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "SUBJECT_ARGV": " ".join(options), "PYTHONPATH": str(PROJECT)},
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Port {taken} of 127.0.0.1 is in use by another program")
    assert (ended.stderr.count("\n"), "Traceback" in ended.stdout) == (1, False)


def test_the_daemon_ends_in_order(tmp_path: Path) -> None:
    daemon = [str(BIN / "twistd"), "--pidfile=pid", "--logfile=log", "-y", SUBJECT]
    server = Running(daemon, tmp_path)
    assert server.code() == 0
    port = server.port(tmp_path / "log")
    with socket.socket() as client:
        client.connect(("127.0.0.1", port))
        client.sendall(b"GET /slow")
        wait_for(tmp_path / "log", "A request is there")
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)
        received = 0
        while data := client.recv(1 << 20):
            received += len(data)
    assert received > 1_000_000
    wait_for(tmp_path / "log", "Server Shut Down")
    assert comes_true(lambda: not (tmp_path / "pid").exists())


def test_the_daemon_hands_its_failure_to_the_terminal(tmp_path: Path, taken: int) -> None:
    ended = subprocess.run(
        [str(BIN / "twistd"), "--pidfile=pid", "--logfile=log", "-y", SUBJECT],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "SUBJECT_ARGV": " ".join(argv(tmp_path, taken)), "PYTHONPATH": str(PROJECT)},
    )
    assert ended.returncode == 1
    assert f"Port {taken} of 127.0.0.1 is in" in ended.stderr
    wait_for(tmp_path / "log", f"Port {taken} of 127.0.0.1 is in use by another program")
    # The terminal hears of it before the daemon has ended.
    assert comes_true(lambda: not (tmp_path / "pid").exists())


def test_hangup_opens_the_log_file_again(tmp_path: Path) -> None:
    log = tmp_path / "pypi.log"
    server = Running(FOREGROUND, tmp_path, "--log-file", str(log))
    server.port(log)
    log.rename(tmp_path / "pypi.log.1")
    server.process.send_signal(signal.SIGHUP)
    assert comes_true(log.exists)
    server.process.terminate()
    assert server.code() == 0
    assert "Ending: " in log.read_text()
    assert server.log.read_text() == ""
