"""What signals do to a real server: an end in order at any moment, and everything read again."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from tests.clients.archives import wheel
from tests.clients.fixtures import PASSWORD, USER, Start, bcrypt_line
from tests.clients.server import PROGRAMS, Process, clean_variables, free_port
from tests.clients.uploading import answer_on, big_wheel, connected, upload, upload_of
from tests.processes.together import all_there, comes_true, has_open, is_gone, one_each

pytestmark = pytest.mark.clients

CORE = wheel("acme-core", "1.0")
LOGIN = f"{USER}:{PASSWORD}"
NOBODY = 65534


@pytest.mark.parametrize("workers", [1, 2])
def test_an_upload_that_has_begun_is_finished_and_no_other_begins(
    workers: int, root: Path, passwords: Path, start: Start, tmp_path: Path
) -> None:
    server = start(root, "--passwords", passwords, "--workers", str(workers))
    pids = [*(all_there(server, workers - 1) if workers > 1 else ()), server.pid]
    path = big_wheel(tmp_path / "dist", "acme-big", 3_000_000)
    begin, *rest = upload_of(path, LOGIN).pieces()
    with one_each(server, pids) as everyone:
        sock = everyone.connections[0].sock
        sock.sendall(begin.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n", 1))
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(rest[0])
        server.send(signal.SIGTERM)
        assert comes_true(lambda: "Ending: 1 requests" in server.log)
        assert comes_true(lambda: _refuses(server.port))
        for piece in rest[1:]:
            sock.sendall(piece)
        assert answer_on(sock).status == 200
        assert server.ended() == 0
    assert (root / path.name).read_bytes() == path.read_bytes()


def _refuses(port: int) -> bool:
    try:
        connected(port).close()
    except ConnectionRefusedError:
        return True
    return False


def test_hangup_reads_everything_again(root: Path, passwords: Path, start: Start, tmp_path: Path) -> None:
    log, access, rules = tmp_path / "pypi.log", tmp_path / "access.log", tmp_path / "rules.toml"
    rules.write_text('deny = ["acme-bad"]\n')
    server = start(
        *(root, "--passwords", passwords, "--rules", rules, "--fallback", "off", "--log-file", log),
        *("--access-log", access, "--authenticate", "update,list"),
    )
    assert upload(server.port, CORE.put_into(tmp_path / "dist"), LOGIN).status == 200
    with passwords.open("a") as file:
        file.write(bcrypt_line("grace", PASSWORD))
    rules.write_text('deny = ["acme-worse"]\n')
    for each in (log, access):
        each.rename(each.with_suffix(".old"))
    server.send(signal.SIGHUP)
    assert server.comes_true(lambda: log.exists() and f"The rules in {rules} are in force now" in log.read_text())
    assert "2 users can log in" in log.read_text()
    server.send(signal.SIGHUP)
    assert server.comes_true(lambda: "are the ones that are in force" in log.read_text())
    assert log.read_text().count("2 users can log in") == 2
    assert server.get("/simple/").status == 401
    assert server.comes_true(lambda: '"GET /simple/' in access.read_text())
    assert not has_open(server.pid, access.with_suffix(".old"))
    assert not has_open(server.pid, log.with_suffix(".old"))
    assert server.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("program", ["pypi-server", "twistd"])
def test_a_signal_while_it_starts_is_no_crash(program: str, number: int, root: Path, tmp_path: Path) -> None:
    words: dict[str, list[str | Path]] = {
        "pypi-server": [PROGRAMS / "pypi-server", "run", root],
        "twistd": [PROGRAMS / "twistd", "-n", "--pidfile=", "pypi", "--root", root],
    }
    port = free_port()
    server = Process([*words[program], "--port", str(port)], port, tmp_path / "log", clean_variables())
    server.launch()
    assert comes_true(lambda: _catches(server.pid, signal.SIGTERM) and _catches(server.pid, number))
    server.send(signal.SIGHUP)
    assert server.stop(number) == 0, server.log
    assert "Traceback" not in server.log


def _catches(pid: int, number: int) -> bool:
    """Has a process a handler for a signal?"""
    with suppress(OSError):
        (line,) = [each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith("SigCgt")]
        return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


class Daemon:
    """``twistd`` without ``-n``: it forks, and says its number in a file."""

    def __init__(self, folder: Path, root: Path, *outer: str, options: tuple[str | Path, ...] = ()) -> None:
        self.port, self.log, self.pid_file = free_port(), folder / "twistd.log", folder / "twistd.pid"
        words: list[str | Path] = [PROGRAMS / "twistd", *outer, f"--pidfile={self.pid_file}", f"--logfile={self.log}"]
        words += ["pypi", "--root", root, "--port", str(self.port), "--disable-fallback", *options]
        self.started = subprocess.run(words, env=clean_variables(), cwd=folder, capture_output=True, check=False)
        # One that could not start removes the file a moment later.
        self.pid = int(self.pid_file.read_text()) if self.started.returncode == 0 else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Send SIGTERM and wait for the end."""
        os.kill(self.pid, signal.SIGTERM)
        assert comes_true(lambda: is_gone(self.pid)), self.log.read_text()


def test_a_daemon_serves_reloads_and_ends(root: Path, tmp_path: Path) -> None:
    with Daemon(tmp_path, root) as daemon:
        assert daemon.started.returncode == 0, daemon.started.stderr
        server = Process([], daemon.port, daemon.log, {})
        assert server.get("/simple/").status == 200
        assert comes_true(lambda: '"GET /simple/' in daemon.log.read_text())
        os.kill(daemon.pid, signal.SIGHUP)
        assert server.get("/health").status == 200
        daemon.stop()
        assert not daemon.pid_file.exists()
        assert "Server Shut Down" in daemon.log.read_text()


def test_a_daemon_that_cannot_start_says_why_in_its_log(root: Path, tmp_path: Path) -> None:
    with Daemon(tmp_path, root, options=("--tls-cert", tmp_path / "no.pem")) as daemon:
        assert daemon.started.returncode != 0
        # twistd shows the first hundred bytes of the reason on the terminal.
        assert b"Please look at log file" in daemon.started.stderr
        assert "no.pem cannot be read (No such file or directory)" in daemon.log.read_text()
        assert comes_true(lambda: not daemon.pid_file.exists())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_daemon_that_becomes_somebody_else(open_folder: Path) -> None:
    root, logs = open_folder / "packages", open_folder / "logs"
    for each in (root, logs):
        each.mkdir()
        os.chown(each, NOBODY, NOBODY)
    access = logs / "access.log"
    outer = (f"--uid={NOBODY}", f"--gid={NOBODY}")
    with Daemon(open_folder, root, *outer, options=("--access-log", access)) as daemon:
        assert daemon.started.returncode == 0, daemon.started.stderr
        status = Path(f"/proc/{daemon.pid}/status").read_text()
        assert f"Uid:\t{NOBODY}\t{NOBODY}\t{NOBODY}\t{NOBODY}\n" in status
        server = Process([], daemon.port, daemon.log, {})
        assert server.get("/health").status == 200
        access.rename(logs / "access.old")
        os.kill(daemon.pid, signal.SIGHUP)
        assert comes_true(access.exists)
        assert server.get("/simple/").status == 200
        assert comes_true(lambda: "/simple/" in access.read_text())
        assert access.stat().st_uid == NOBODY
        daemon.stop()
