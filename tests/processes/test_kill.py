"""``kill -9`` at any moment of an upload leaves nothing that is not whole."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.clients.archives import wheel
from tests.clients.fixtures import PASSWORD, USER, Start
from tests.clients.server import Process
from tests.clients.uploading import Upload, big_wheel, connected, upload, upload_of

pytestmark = pytest.mark.clients

LOGIN = f"{USER}:{PASSWORD}"
SIZE = 24_000_000
LEFTOVER = 100_000
"""Bytes; nothing that the server keeps for itself beside a few packages is as large."""


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of 24 MB."""
    return big_wheel(tmp_path_factory.mktemp("big"), "acme-big", SIZE)


def _large_files(root: Path) -> set[str]:
    return {
        str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.stat().st_size > LEFTOVER
    }


def _sent_in_part(request: Upload, server: Process, part: float) -> None:
    wanted = int(part * (SIZE + len(request.head)))
    with connected(server.port) as connection:
        sent = 0
        for piece in request.pieces():
            connection.sendall(piece[: wanted - sent])
            sent += len(piece)
            if sent >= wanted:
                break
        server.kill()


def _sent_whole(request: Upload, server: Process, seconds: float) -> None:
    with connected(server.port) as connection:
        for piece in request.pieces():
            connection.sendall(piece)
        time.sleep(seconds)
        server.kill()


@pytest.mark.parametrize("part", [0.00001, 0.05, 0.5, 0.95, 0.99999])
def test_in_the_middle_of_the_body(
    part: float, big: Path, uploads: Process, root: Path, passwords: Path, start: Start
) -> None:
    _sent_in_part(upload_of(big, LOGIN), uploads, part)
    assert not (root / big.name).exists()
    server = start(root, "--passwords", passwords)
    assert server.get("/simple/acme-big/").status == 404
    assert big.name not in server.get("/packages/").text
    assert server.comes_true(lambda: _large_files(root) == set()), _large_files(root)
    _works(server, big, root)


@pytest.mark.parametrize("milliseconds", [0, 5, 20, 60, 150])
def test_while_the_last_steps_are_taken(
    milliseconds: int, big: Path, uploads: Process, root: Path, passwords: Path, start: Start
) -> None:
    _sent_whole(upload_of(big, LOGIN), uploads, milliseconds / 1000)
    published = root / big.name
    whole = published.exists()
    assert not whole or published.read_bytes() == big.read_bytes()
    server = start(root, "--passwords", passwords)
    assert server.get("/simple/acme-big/").status == (200 if whole else 404)
    expected = {big.name} if whole else set()
    assert server.comes_true(lambda: _large_files(root) == expected), _large_files(root)
    _works(server, big, root)


def test_the_catalog_outlives_it(uploads: Process, root: Path, passwords: Path, start: Start, home: Path) -> None:
    archives = [wheel("acme-core", f"1.{minor}") for minor in range(10)]
    for each in archives:
        assert upload(uploads.port, each.put_into(home), LOGIN).status == 200
    before = uploads.get("/simple/acme-core/").body
    uploads.kill()
    server = start(root, "--passwords", passwords)
    assert server.get("/simple/acme-core/").body == before


def _works(server: Process, big: Path, root: Path) -> None:
    answer = upload(server.port, big, LOGIN)
    assert (answer.status, answer.reason) == (200, "OK"), answer.body
    assert (root / big.name).read_bytes() == big.read_bytes()
    assert f">{big.name}</a>" in server.get("/simple/acme-big/").text
