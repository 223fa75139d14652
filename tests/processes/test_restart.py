"""A server that is stopped and started again is the same server."""

from __future__ import annotations

import http.client
import os
import signal
from contextlib import closing
from pathlib import Path

import pytest

from tests.clients.archives import sdist, wheel
from tests.clients.fixtures import PASSWORD, USER, Start
from tests.clients.server import Answer, Process
from tests.clients.uploading import big_wheel, connected, upload

pytestmark = pytest.mark.clients

LOGIN = f"{USER}:{PASSWORD}"
UPLOADED = (wheel("acme-core", "1.0"), wheel("acme-core", "1.1"), sdist("acme-core", "1.1"))
DROPPED = wheel("acme-core", "0.9")
JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


def _pages(server: Process) -> list[tuple[int, bytes, str | None]]:
    def of(answer: Answer) -> tuple[int, bytes, str | None]:
        return answer.status, answer.body, answer.headers["ETag"]

    return [of(server.get(path, accept)) for path in ("/simple/", "/simple/acme-core/") for accept in ({}, JSON)]


def test_the_same_pages_byte_for_byte(uploads: Process, root: Path, passwords: Path, start: Start, home: Path) -> None:
    for each in UPLOADED:
        assert upload(uploads.port, each.put_into(home), LOGIN).status == 200
    DROPPED.put_into(root)
    assert uploads.comes_true(lambda: DROPPED.filename in uploads.get("/simple/acme-core/").text)
    before = _pages(uploads)
    assert uploads.stop() == 0
    # Long ago, so that it need not be seen to stay as it is before it counts as whole.
    os.utime(root / DROPPED.filename, (1_700_000_000, 1_700_000_000))
    assert _pages(start(root, "--passwords", passwords)) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_at_once_when_idle(number: int, uploads: Process) -> None:
    with connected(uploads.port) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert uploads.stop(number) == 0


def test_finishes_what_is_being_sent(root: Path, start: Start) -> None:
    path = big_wheel(root, "acme-big", 50_000_000)
    server = start(root)
    assert server.comes_true(lambda: server.get("/simple/acme-big/").status == 200)
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request("GET", f"/packages/{path.name}")
        response = connection.getresponse()
        body = response.read(100_000)
        server.send(signal.SIGTERM)
        body += response.read()
        assert body == path.read_bytes()
        assert server.ended() == 0


def test_waits_for_no_client_for_ever(root: Path, start: Start) -> None:
    path = big_wheel(root, "acme-big", 50_000_000)
    server = start(root)
    assert server.comes_true(lambda: server.get("/simple/acme-big/").status == 200)
    with connected(server.port) as connection:
        connection.sendall(f"GET /packages/{path.name} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert server.stop() == 0
