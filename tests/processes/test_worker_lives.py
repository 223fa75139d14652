"""How the processes of ``--workers`` begin, end and are replaced."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import time
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.clients.fixtures import Start
from tests.clients.server import PROGRAMS, Process, clean_variables, free_port
from tests.clients.uploading import big_wheel, connected, upload, upload_of
from tests.processes.together import (
    FIRST,
    LOGIN,
    SECOND,
    WORKERS,
    Connected,
    all_there,
    comes_true,
    is_gone,
    listens,
    one_each,
    stopped,
    workers_of,
)
from twisted_pypi.serving.ending import DRAIN_SECONDS

pytestmark = pytest.mark.clients


@pytest.fixture
def server(root: Path, passwords: Path, start: Start) -> Process:
    """A server of three processes on an empty folder."""
    return start(root, "--passwords", passwords, "--workers", str(WORKERS))


def test_a_worker_that_is_killed_is_replaced(server: Process, home: Path) -> None:
    victim, other = all_there(server)
    with connected(server.port):
        os.kill(victim, signal.SIGKILL)
        assert server.comes_true(lambda: victim not in workers_of(server))
        for _ in range(20):
            assert server.get("/health").status == 200
    assert other in all_there(server)
    assert "ended (A process has ended with a probable error condition: process ended by signal 9.)" in server.log
    assert upload(server.port, FIRST.put_into(home), LOGIN).status == 200
    with one_each(server, [server.pid, *workers_of(server)]) as everyone:
        assert everyone.show(FIRST.filename)


def test_a_hung_worker_stalls_nobody_else(server: Process, home: Path) -> None:
    hung, other = all_there(server)
    with one_each(server, [server.pid, other, hung]) as everyone:
        with stopped([hung]):
            keeper, worker = everyone.connections[:2]
            assert upload_of(FIRST.put_into(home), LOGIN).send(keeper.sock).status == 200
            assert upload_of(SECOND.put_into(home), LOGIN).send(worker.sock).status == 200
            assert Connected([keeper, worker]).show(FIRST.filename, SECOND.filename)
        assert everyone.show(FIRST.filename, SECOND.filename)


def test_workers_end_when_the_keeper_is_killed(server: Process) -> None:
    workers = all_there(server)
    server.kill()
    deadline = time.monotonic() + 8
    while not all(is_gone(each) for each in workers):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with pytest.raises(ConnectionRefusedError):
        server.get("/health")


def test_stopping_waits_for_what_a_worker_sends(root: Path, start: Start) -> None:
    path = big_wheel(root, "acme-big", 50_000_000)
    server = start(root, "--workers", "2")
    (worker,) = all_there(server, 1)
    assert server.comes_true(lambda: server.get("/simple/acme-big/").status == 200)
    with one_each(server, [worker, server.pid]) as everyone:
        of_worker = everyone.connections[0]
        of_worker.request("GET", f"/packages/{path.name}")
        response = of_worker.getresponse()
        body = response.read(100_000)
        server.send(signal.SIGTERM)
        body += response.read()
    assert body == path.read_bytes()
    assert server.ended() == 0
    assert is_gone(worker)


def test_ends_at_once_when_idle(server: Process) -> None:
    workers = all_there(server)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < DRAIN_SECONDS - 1
    assert all(is_gone(each) for each in workers)


@pytest.mark.parametrize("program", ["twistd", "twist", "pypi-server"])
def test_every_way_to_start_it(program: str, root: Path, tmp_path: Path) -> None:
    port = free_port()
    programs: dict[str, list[str | Path]] = {
        "twistd": [PROGRAMS / "twistd", "-n", "--pidfile=", "pypi", "--root", root],
        "twist": [PROGRAMS / "twist", "pypi", "--root", root],
        "pypi-server": [PROGRAMS / "pypi-server", "run", root],
    }
    more = ["--port", str(port), "--workers", "2"]
    with Process([*programs[program], *more], port, tmp_path / "log", clean_variables()) as server:
        (worker,) = all_there(server, 1)
        with one_each(server, [worker, server.pid]) as everyone:
            assert len(set(everyone.pages("/simple/"))) == 1
        assert server.stop() == 0
        assert is_gone(worker)


def test_a_unix_socket_stays_when_a_worker_ends(root: Path, tmp_path: Path, start: Start) -> None:
    path = tmp_path / "socket"
    server = start(
        root, "--workers", "2", "--listen", f"unix:{path}", "--listen", f"tcp:{(port := free_port())}", port=port
    )
    (worker,) = all_there(server, 1)
    mode = path.stat().st_mode
    os.kill(worker, signal.SIGTERM)
    assert server.comes_true(lambda: worker not in workers_of(server))
    all_there(server, 1)
    assert path.stat().st_mode == mode
    assert server.stop() == 0
    assert not path.exists()


def test_a_catalog_in_memory_is_no_place_to_meet(root: Path, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "file").touch()
    words: list[str | Path] = [PROGRAMS / "twistd", "-n", "--pidfile=", "pypi", "--root", root, "--port", str(port)]
    words += ["--workers", "2", "--state-dir", tmp_path / "file" / "state"]
    server = Process(words, port, tmp_path / "log", clean_variables())
    server.launch()
    assert server.ended() == 2
    assert "--workers 2 needs a catalog on a local disk" in server.log


def test_a_daemon_with_tls(root: Path, tmp_path: Path) -> None:
    """The log of a daemon has what its workers answer, and they have its certificate."""
    port, key, log, pid = free_port(), tmp_path / "key.pem", tmp_path / "twistd.log", tmp_path / "pid"
    key.write_bytes(_key_and_certificate())
    endpoint = f"ssl:{port}:privateKey={key}:certKey={key}"
    words: list[str | Path] = [PROGRAMS / "twistd", f"--pidfile={pid}", f"--logfile={log}", "pypi", "--root", root]
    subprocess.run([*words, "--listen", endpoint, "--workers", "2"], check=True, env=clean_variables(), cwd=tmp_path)
    daemon = int(pid.read_text())
    try:
        assert comes_true(lambda: "worker 1: " in log.read_text() or "worker 1 is process" in log.read_text())
        (worker,) = map(int, Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split())
        assert comes_true(lambda: listens(worker))
        with stopped([daemon]):
            context = ssl.create_default_context(cafile=key)
            context.check_hostname = False
            with closing(HTTPSConnection("127.0.0.1", port, context=context, timeout=30)) as connection:
                connection.request("GET", "/simple/?by-the-worker")
                assert connection.getresponse().status == 200
        assert comes_true(lambda: "/simple/?by-the-worker" in log.read_text())
        os.kill(daemon, signal.SIGTERM)
        assert comes_true(lambda: is_gone(daemon) and is_gone(worker))
    finally:
        with suppress(ProcessLookupError):
            os.kill(daemon, signal.SIGKILL)


def _key_and_certificate() -> bytes:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, *form) + made.public_bytes(serialization.Encoding.PEM)
