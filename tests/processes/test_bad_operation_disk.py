"""Full disks: an upload is refused and leaves nothing behind, and a state folder that is full costs no names."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.archives import wheel
from tests.clients.fixtures import PASSWORD, USER, Start
from tests.clients.server import Process
from tests.clients.uploading import answer_on, big_wheel, connected, upload, upload_of

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk"),
]

LOGIN = f"{USER}:{PASSWORD}"
MEGABYTE = 1_000_000
ACME, CORE = wheel("acme", "1.0"), wheel("core", "1.0")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", path], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


def free(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


def fill(disk: Path, leave: int = 0) -> Path:
    """Take all the room of a disk, but for some bytes."""
    filler = disk / ".filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free(disk) - leave))
    return filler


def everything(root: Path) -> set[str]:
    return {str(each.relative_to(root)) for each in root.rglob("*")}


@pytest.fixture
def small(disk: Path, passwords: Path, start: Start, tmp_path: Path) -> Process:
    """A server whose packages are on that disk, and whose state is not."""
    ACME.lay_into(disk)
    server = start(disk, "--passwords", passwords, "--state-dir", tmp_path / "state")
    assert server.comes_true(lambda: ACME.filename in server.get("/packages/").text)
    return server


def test_no_room_for_an_upload(small: Process, disk: Path, tmp_path: Path) -> None:
    before, room = everything(disk), free(disk)
    answer = upload(small.port, big_wheel(tmp_path / "home", "big", 7 * MEGABYTE), LOGIN)
    assert (answer.status, "has no room for an upload of" in answer.text) == (507, True)
    # The disk fills up while it comes.
    request = upload_of(big_wheel(tmp_path / "home", "mid", 4 * MEGABYTE), LOGIN)
    with connected(small.port) as connection:
        pieces = list(request.pieces())
        for piece in pieces[:10]:
            connection.sendall(piece)
        assert small.comes_true(lambda: free(disk) < room - 500_000)
        filler = fill(disk)
        for piece in pieces[10:]:
            connection.sendall(piece)
        answer = answer_on(connection)
    assert (answer.status, "the disk of the index is full" in answer.text) == (507, True)
    filler.unlink()
    assert small.comes_true(lambda: free(disk) == room)
    assert everything(disk) == before
    assert upload(small.port, CORE.put_into(tmp_path / "home"), LOGIN).status == 200
    assert small.stop() == 0
    assert "Traceback" not in small.log


def test_no_room_for_what_is_remembered(disk: Path, root: Path, passwords: Path, start: Start, tmp_path: Path) -> None:
    ACME.lay_into(root)
    options = ("--passwords", passwords, "--state-dir", disk / "state", "--fallback-url", "http://127.0.0.1:1/simple")
    server = start(root, *options)
    assert server.comes_true(lambda: ACME.filename in server.get("/packages/").text)
    filler = fill(disk)
    many = [wheel("core", f"1.{number}") for number in range(30)]
    for each in many:
        each.put_into(root)
    assert server.comes_true(lambda: all(each.filename in server.get("/simple/core/").text for each in many))
    assert upload(server.port, wheel("tool", "1.0").put_into(tmp_path / "home"), LOGIN).status == 200
    assert server.get("/simple/tool/").status == 200
    assert server.log.count("so it is kept in memory from here on") == 1
    assert server.stop() == 0
    assert "Traceback" not in server.log
    filler.unlink()
    server = start(root, *options)
    assert len(server.get("/packages/").text.split(".whl</a>")) == 33
    assert server.stop() == 0
