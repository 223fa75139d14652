"""Large bodies, slow clients, and clients that go away."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clients.archives import wheel
from tests.clients.fixtures import PASSWORD, USER, Start
from tests.clients.server import Process
from tests.clients.uploading import answer_on, big_wheel, connected, upload, upload_of

pytestmark = pytest.mark.clients

LOGIN = f"{USER}:{PASSWORD}"
SIZE = 100_000_000
GROWTH = 64 * 1024 * 1024
READERS = 20


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of 100 MB."""
    return big_wheel(tmp_path_factory.mktemp("big"), "acme-big", SIZE)


@pytest.fixture
def downloads(root: Path, big: Path, start: Start) -> Process:
    """A server that has the wheel."""
    (root / big.name).hardlink_to(big)
    server = start(root)
    assert server.comes_true(lambda: server.get("/simple/acme-big/").status == 200)
    return server


def _open_files(server: Process) -> int:
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))


def _visible(root: Path) -> set[str]:
    return {path.name for path in root.iterdir() if not path.name.startswith(".")}


def _staged(server: Process, root: Path) -> list[str]:
    """What lies below the root for an upload, under a name or without one."""
    large = [str(path) for path in root.rglob("*") if path.is_file() and path.stat().st_size > SIZE // 100]
    descriptors = Path(f"/proc/{server.pid}/fd").iterdir()
    opened = [str(each.readlink()) for each in descriptors if each.is_symlink()]
    return large + [each for each in opened if each.startswith(str(root)) and each.endswith("(deleted)")]


def test_an_upload_never_lies_in_memory(big: Path, uploads: Process, root: Path, home: Path) -> None:
    assert upload(uploads.port, wheel("acme-core", "1.0").put_into(home), LOGIN).status == 200
    assert uploads.get("/simple/acme-core/").status == 200
    before = uploads.memory()
    request = upload_of(big, LOGIN)
    with connected(uploads.port) as connection:
        for number, piece in enumerate(request.pieces()):
            connection.sendall(piece)
            if number % 50 == 49:
                assert uploads.get("/simple/acme-core/").status == 200
                assert uploads.get("/simple/acme-big/").status == 404
        answer = answer_on(connection)
    assert (answer.status, answer.reason) == (200, "OK")
    assert uploads.memory("VmHWM") - before < GROWTH
    with (root / big.name).open("rb") as stored, big.open("rb") as sent:
        assert stored.read() == sent.read()


def test_several_uploads_at_once_share_the_server(uploads: Process, tmp_path: Path) -> None:
    wheels = [big_wheel(tmp_path / "wheels", f"acme-big-{number}", SIZE // 10) for number in range(4)]
    before = uploads.memory()
    with ExitStack() as stack:
        requests = [upload_of(path, LOGIN) for path in wheels]
        connections = [stack.enter_context(connected(uploads.port)) for _ in wheels]
        for pieces in zip(*(request.pieces() for request in requests), strict=True):
            for connection, piece in zip(connections, pieces, strict=True):
                connection.sendall(piece)
        assert [answer_on(connection).status for connection in connections] == [200] * len(wheels)
    assert uploads.memory("VmHWM") - before < GROWTH


def test_two_uploads_of_one_name_one_wins(uploads: Process, root: Path, tmp_path: Path) -> None:
    rivals = [wheel("acme-core", "1.0", payload=bytes([number])).put_into(tmp_path / str(number)) for number in (1, 2)]
    with ExitStack() as stack:
        connections = [stack.enter_context(connected(uploads.port)) for _ in rivals]
        requests = [upload_of(path, LOGIN) for path in rivals]
        for connection, request in zip(connections, requests, strict=True):
            connection.sendall(b"".join(request.pieces())[:-1])
        for connection in connections:
            connection.sendall(b"\n")
        statuses = [answer_on(connection).status for connection in connections]
    assert sorted(statuses) == [200, 409]
    assert (root / rivals[0].name).read_bytes() == rivals[statuses.index(200)].read_bytes()


def test_who_goes_away_while_uploading_leaves_nothing(big: Path, uploads: Process, root: Path) -> None:
    with connected(uploads.port) as connection:
        for number, piece in enumerate(upload_of(big, LOGIN).pieces()):
            if number == 200:
                break
            connection.sendall(piece)
        assert uploads.comes_true(lambda: _staged(uploads, root) != [])
    assert uploads.comes_true(lambda: _staged(uploads, root) == [])
    assert _visible(root) == set()
    assert upload(uploads.port, big, LOGIN).status == 200
    assert _visible(root) == {big.name}


def test_slow_readers_cost_a_socket_each(big: Path, downloads: Process) -> None:
    before = downloads.memory()
    with ExitStack() as stack:
        readers = [stack.enter_context(_slow_reader(downloads, big.name)) for _ in range(READERS)]
        for reader in readers:
            assert reader.recv(1).startswith(b"H")
        assert downloads.get(f"/packages/{big.name}").body == big.read_bytes()
        assert downloads.get("/simple/acme-big/").status == 200
        assert downloads.memory("VmHWM") - before < GROWTH
        assert downloads.get("/health").status == 200


def test_who_goes_away_while_downloading_is_forgotten(big: Path, downloads: Process) -> None:
    before = _open_files(downloads)
    with ExitStack() as stack:
        for _ in range(READERS):
            assert stack.enter_context(_slow_reader(downloads, big.name)).recv(1000)
        assert _open_files(downloads) >= before + READERS
    assert downloads.comes_true(lambda: _open_files(downloads) <= before)
    assert "Traceback" not in downloads.log


def _slow_reader(server: Process, filename: str) -> socket.socket:
    reader = connected(server.port)
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.sendall(f"GET /packages/{filename} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return reader
