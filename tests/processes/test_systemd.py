"""The units for systemd, and what systemd does with a service: a port that it opens, and words about how it goes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import closing
from pathlib import Path

import pytest

from tests.clients.environments import CHECKOUT
from tests.clients.server import PROGRAMS, Process, clean_variables
from tests.clients.uploading import answer_on, connected
from tests.processes.secure import Secure
from tests.processes.together import all_there, one_each

pytestmark = pytest.mark.clients

UNITS = CHECKOUT / "operations" / "systemd"
INSTALLED = "/opt/twisted-pypi/bin"

LAUNCHER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_FDNAMES="twisted-pypi.socket", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Starts a program as systemd does: the listening socket is number 3, and three variables say so."""


def command_of(unit: Path) -> list[str]:
    """What a unit starts, in this environment."""
    lines = [line.removeprefix("ExecStart=") for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
    return lines[-1].replace(INSTALLED, str(PROGRAMS)).split()


def section(unit: Path, name: str) -> dict[str, str]:
    """A section of a unit; of what is said twice the last counts."""
    reader = ConfigParser(strict=False, interpolation=None, comment_prefixes=("#",))
    reader.optionxform = str  # type: ignore[assignment,method-assign]  # the one way to keep capital letters
    reader.read_string(unit.read_text())
    return dict(reader[name])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")
@pytest.mark.parametrize("variant", ["port", "socket"])
def test_the_units_are_what_systemd_understands(variant: str, tmp_path: Path) -> None:
    shutil.copytree(UNITS, tmp_path / "units")
    if variant == "port":
        shutil.rmtree(tmp_path / "units" / "twisted-pypi.service.d")
    for each in [*(tmp_path / "units").rglob("*.service"), *(tmp_path / "units").rglob("*.conf")]:
        each.write_text(each.read_text().replace(INSTALLED, str(PROGRAMS)))
    service, port = (tmp_path / "units" / f"twisted-pypi.{kind}" for kind in ("service", "socket"))
    units = [service, port] if variant == "socket" else [service]
    variables = {**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path / 'units'}:"}
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], env=variables, capture_output=True, text=True, check=False
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if "pypi" in line]) == (0, [])
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=25", service],
        env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unrecognized option" not in rated.stderr:  # before systemd 250
        assert rated.returncode == 0, rated.stdout[-200:]


def test_it_is_notified_only_what_the_unit_expects() -> None:
    service = section(UNITS / "twisted-pypi.service", "Service")
    assert (service["Type"], service["KillMode"], service["RestartPreventExitStatus"]) == ("notify", "mixed", "2")
    assert float(service["TimeoutStopSec"]) > 8
    assert command_of(UNITS / "twisted-pypi.service")[1:] == ["run"]


class Systemd:
    """As much of systemd as a service sees: a port, and somebody who listens to how it goes."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self.root = root
        self.port = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.words = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.words.bind(str(folder / "notify"))
        self.words.settimeout(30)

    def service(self, *more: str | Path) -> Process:
        """Start the service of the unit with the port, and wait until it says that it serves."""
        command = [*command_of(UNITS / "twisted-pypi.service.d" / "socket.conf"), "--disable-fallback", *more]
        descriptor = os.dup(self.port.fileno())
        os.set_inheritable(descriptor, True)
        variables = clean_variables() | {"PYPI_ROOT": str(self.root), "NOTIFY_SOCKET": str(self.folder / "notify")}
        launch: list[str | Path] = [sys.executable, "-c", LAUNCHER, str(descriptor), *command]
        server = Inheriting(launch, self.port.getsockname()[1], self.folder / "log", variables, descriptor)
        server.launch()
        try:
            assert self.said() == "READY=1"
        except BaseException:
            server.kill()
            print(server.log)  # noqa: T201 - pytest shows it with a failed test
            raise
        return server

    def said(self) -> str:
        """The next word."""
        return self.words.recv(1000).decode()


class Inheriting(Process):
    """A process that is given a descriptor."""

    def __init__(
        self, command: list[str | Path], port: int, log: Path, variables: dict[str, str], descriptor: int
    ) -> None:
        super().__init__(command, port, log, variables)
        self._descriptor = descriptor

    def launch(self) -> None:
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.variables,
                cwd=self.log_path.parent, pass_fds=[self._descriptor],
            )  # fmt: skip
        os.close(self._descriptor)


@pytest.fixture
def systemd(tmp_path: Path, root: Path) -> Iterator[Systemd]:
    """One that ends with the test."""
    made = Systemd(tmp_path, root)
    with made.port, made.words:
        yield made


def test_nobody_is_refused_while_the_service_is_started_again(systemd: Systemd) -> None:
    first = systemd.service()
    try:
        assert first.get("/health").text == "Ok"
        first.send(signal.SIGHUP)
        assert systemd.said().startswith("RELOADING=1\nMONOTONIC_USEC=")
        assert systemd.said() == "READY=1"
        first.send(signal.SIGTERM)
        assert systemd.said() == "STOPPING=1"
        assert first.ended() == 0
    finally:
        first.kill()
    with connected(first.port) as waiting:
        waiting.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        second = systemd.service()
        try:
            assert answer_on(waiting).text == "Ok"
            assert second.stop() == 0
        finally:
            second.kill()


def test_without_a_socket_of_systemd_it_says_so(root: Path, tmp_path: Path) -> None:
    words: list[str | Path] = [PROGRAMS / "pypi-server", "run", root, "--listen", "systemd:domain=INET:index=0"]
    server = Process(words, 0, tmp_path / "log", clean_variables())
    server.launch()
    assert server.ended() == 2
    assert "systemd has handed over no such socket" in server.log


def test_workers_and_tls_on_the_port_of_systemd(systemd: Systemd, tmp_path: Path) -> None:
    secure = Secure(tmp_path)
    secure.port = systemd.port.getsockname()[1]
    server = systemd.service("--workers", "2", "--tls-cert", secure.certificate)
    try:
        all_there(server, 1)
        assert secure.shown() == secure.serial
        assert server.stop() == 0
        assert systemd.said() == "STOPPING=1"
    finally:
        server.kill()
    plain = systemd.service("--workers", "2")
    try:
        with one_each(plain, [plain.pid, *all_there(plain, 1)]) as everyone:
            assert len(set(everyone.pages("/simple/"))) == 1
        with closing(systemd.words):
            assert plain.stop() == 0, "nobody who listens is no trouble"
    finally:
        plain.kill()
