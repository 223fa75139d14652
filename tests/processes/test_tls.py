"""TLS without a proxy: real clients, a certificate that is renewed, and an end in order."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.clients.archives import wheel
from tests.clients.environments import PIP, UV, Client, Environment
from tests.clients.fixtures import PASSWORD, USER, Start
from tests.clients.server import PROGRAMS, Process, clean_variables, free_port
from tests.clients.uploading import big_wheel, upload, upload_of
from tests.processes.secure import Secure
from tests.processes.together import all_there, stopped

pytestmark = pytest.mark.clients

CORE = wheel("acme-core", "1.0")
LOGIN = f"{USER}:{PASSWORD}"


@pytest.fixture
def secure(tmp_path: Path) -> Secure:
    """A server that has a certificate, and is not yet started."""
    return Secure(tmp_path)


def test_uv_uploads_and_pip_and_uv_read(
    secure: Secure, root: Path, passwords: Path, start: Start, client: Callable[[Environment], Client], tmp_path: Path
) -> None:
    secure.start(start, root, "--passwords", passwords)
    pip, uv = client(PIP), client(UV)
    trusts = {"SSL_CERT_FILE": str(secure.trusted)}
    core = CORE.put_into(uv.home)
    uv.run("uv", "publish", "--publish-url", f"{secure.url}/", "-u", USER, "-p", PASSWORD, core, variables=trusts)
    uv.run(
        *("uv", "pip", "install", "--target", tmp_path / "uv", "--default-index", f"{secure.url}/simple/", "acme-core"),
        variables=trusts,
    )
    # From the plain port pip is sent on, and checks the certificate there.
    for name, url in (("tls", secure.url), ("plain", secure.process.url)):
        got = tmp_path / name
        pip.run(
            *("python", "-m", "pip", "download", "--no-cache-dir", "-d", got, "--index-url", f"{url}/simple/"),
            *("--cert", secure.trusted, "acme-core"),
        )
        assert (got / CORE.filename).read_bytes() == CORE.content
    assert (tmp_path / "uv" / "acme_core" / "__init__.py").exists()
    done = pip.run(
        *("python", "-m", "pip", "download", "--retries", "0", "--index-url", f"{secure.url}/simple/", "acme-core"),
        expected=1,
    )
    assert "certificate verify failed" in done.output.lower()
    refused = upload(secure.process.port, CORE.put_into(uv.home), LOGIN)
    assert refused.status == 403
    assert f"use https://127.0.0.1:{secure.port}/, and change the password" in refused.text


def test_the_certificate_is_renewed_while_it_runs(secure: Secure, root: Path, start: Start) -> None:
    server = secure.start(start, root, "--workers", "2")
    pids = [server.pid, *all_there(server, 1)]

    def all_show() -> set[int]:
        found = set()
        for pid in pids:
            with stopped([each for each in pids if each != pid]):
                found.add(secure.shown())
        return found

    with secure.connected() as before:
        assert all_show() == {secure.serial}
        second = secure.authority.issue(secure.certificate)
        assert all_show() == {second}
        secure.certificate.write_text("half of it")
        server.send(signal.SIGHUP)
        sentence = f"{secure.certificate} has no certificate that can be used"
        assert server.comes_true(lambda: server.log.count(sentence) == 2), server.log
        assert all_show() == {second}
        assert server.log.count(sentence) == 2
        third = secure.authority.issue(secure.certificate)
        assert all_show() == {third}
        before.request("GET", "/simple/")
        assert before.getresponse().status == 200, "who was connected stays so"


def test_files_whole_and_an_end_in_order(secure: Secure, root: Path, start: Start) -> None:
    path = big_wheel(root, "acme-big", 50_000_000)
    server = secure.start(start, root)
    with secure.connected() as idle, secure.connected() as busy, closing(socket.socket()) as silent:

        def listed() -> bool:
            idle.request("GET", "/simple/acme-big/")
            response = idle.getresponse()
            return response.read() != b"" and response.status == 200

        assert server.comes_true(listed)
        silent.connect(("127.0.0.1", secure.port))
        busy.request("GET", f"/packages/{path.name}", headers={"Range": "bytes=10-"})
        response = busy.getresponse()
        body = response.read(100_000)
        server.send(signal.SIGTERM)
        assert idle.sock.recv(1) == b"", "an idle connection is closed, whatever its client does"
        with suppress(ConnectionResetError):
            assert silent.recv(1) == b""
        body += response.read()
        assert body == path.read_bytes()[10:]
        assert server.ended() == 0
    assert "Connections were cut" not in server.log


def test_uploads_are_taken_as_fast_as_they_are_written(
    secure: Secure, root: Path, passwords: Path, start: Start, tmp_path: Path
) -> None:
    server = secure.start(start, root, "--passwords", passwords)
    path = big_wheel(tmp_path / "dist", "acme-big", 100_000_000)
    before = server.memory("VmHWM")
    with secure.connected() as connection:
        assert upload_of(path, LOGIN).send(connection.sock).status == 200
        connection.request("GET", f"/packages/{path.name}")
        response = connection.getresponse()
        time.sleep(0.5)  # a server that reads ahead of its client would have the whole file by then
        assert response.read() == path.read_bytes()
    assert server.memory("VmHWM") < before + 30_000_000


def test_plain_http_where_tls_is_spoken(secure: Secure, root: Path, start: Start) -> None:
    secure.start(start, root)
    with closing(HTTPConnection("127.0.0.1", secure.port, timeout=30)) as connection:
        connection.request("GET", "/simple/")
        response = connection.getresponse()
        assert response.status == 400
        assert b"this port speaks HTTPS" in response.read()


def test_a_certificate_that_cannot_be_used_ends_the_start(root: Path, tmp_path: Path) -> None:
    port = free_port()
    words: list[str | Path] = [
        PROGRAMS / "pypi-server",
        "run",
        root,
        "--port",
        str(port),
        "--tls-cert",
        tmp_path / "no",
    ]
    server = Process(words, port, tmp_path / "log", clean_variables())
    server.launch()
    assert server.ended() == 2
    assert f"{tmp_path / 'no'} cannot be read (No such file or directory)" in server.log
    assert "Traceback" not in server.log
