"""What bad operation gets: a sentence, the right exit code, and nothing lost."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clients.archives import wheel
from tests.clients.fixtures import PASSWORD, USER
from tests.clients.server import PROGRAMS, Process, clean_variables, twistd_pypi
from tests.clients.uploading import upload

pytestmark = pytest.mark.clients

LOGIN = f"{USER}:{PASSWORD}"
ACME, CORE, TOOL = wheel("acme", "1.0"), wheel("core", "1.0"), wheel("tool", "1.0")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program has."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def refused(folder: Path, *options: str | Path) -> tuple[int, str]:
    """Start a server that cannot start; return its exit code and what it said."""
    ended = subprocess.run(
        [PROGRAMS / "twisted-pypi", "run", "--interface", "127.0.0.1", *options],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False, cwd=folder,
        env=clean_variables(),
    )  # fmt: skip
    return ended.returncode, ended.stdout


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        ("--port {taken}", 1, "Port {taken} of 127.0.0.1 is in use by another program: end that one, or choose"),
        (
            "--port 0 --root file/packages",
            1,
            "/file/packages cannot be made (Not a directory): expected one that is there",
        ),
        ("--listen ssl:0:privateKey=no.pem:certKey=no.pem", 2, "no.pem cannot be read (No such file or directory)"),
        ("--listen ssl:0:privateKey=file:certKey=file", 2, "are no key and certificate that belong together"),
        ("--port 0 --tls-cert file --tls-key file", 2, "file has no certificate that can be used: expected PEM"),
        ("--port 0 --tls-cert no.pem --tls-key no.pem", 2, "no.pem cannot be read (No such file or directory)"),
    ],
)
def test_a_start_that_fails_is_one_sentence(
    options: str, code: int, sentence: str, root: Path, tmp_path: Path, taken: int
) -> None:
    (tmp_path / "file").write_text("nothing of use")
    words = options.format(taken=taken).split()
    exit_code, said = refused(tmp_path, *words, *([] if "--root" in words else ["--root", str(root)]))
    assert exit_code == code, said
    assert said.count(sentence.format(taken=taken)) == 1, said
    assert "Traceback" not in said


class House:
    """Servers whose caches are in the test's own folder."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self._count = 0

    def server(self, root: Path, *options: str | Path) -> Process:
        """Start one more."""
        self._count += 1
        process = twistd_pypi(root, *options, log=self.folder / f"server-{self._count}.log")
        process.variables = {**process.variables, "XDG_CACHE_HOME": str(self.folder / "cache")}
        return self._stack.enter_context(process)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Starts servers, and ends them."""
    with ExitStack() as stack:
        yield House(tmp_path, stack)


def lists(server: Process, *filenames: str) -> bool:
    """Does a server list these files, and no others?"""
    return set(re.findall(r">([^<>]+\.whl)</a>", server.get("/packages/").text)) == set(filenames)


def test_a_root_that_is_missing_is_made(tmp_path: Path, house: House) -> None:
    root = tmp_path / "not" / "there"
    server = house.server(root)
    ACME.put_into(root)
    assert server.comes_true(lambda: lists(server, ACME.filename))
    assert server.stop() == 0


def test_a_root_that_is_not_writable(root: Path, passwords: Path, house: House, tmp_path: Path) -> None:
    ACME.lay_into(root)
    with read_only(root):
        server = house.server(root, "--passwords", passwords)
        assert server.comes_true(lambda: lists(server, ACME.filename))
        answer = upload(server.port, CORE.put_into(tmp_path / "home"), LOGIN)
        assert (answer.status, "cannot be written to" in answer.text) == (403, True)
        assert server.stop() == 0
        assert "Traceback" not in server.log
        # What was read is remembered where there is room for it.
        assert list((tmp_path / "cache").rglob("catalog.sqlite"))


def read_only(root: Path) -> ExitStack:
    """Let nobody write to a folder while it lasts."""
    stack = ExitStack()
    if os.geteuid() != 0:
        root.chmod(0o555)
        stack.callback(root.chmod, 0o755)
        return stack
    mounted = subprocess.run(["mount", "--bind", root, root], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("nothing can be mounted here, and root may write to any folder")
    stack.callback(lambda: subprocess.run(["umount", "--lazy", root], check=True))
    with stack:
        subprocess.run(["mount", "-o", "remount,bind,ro", root], check=True)
        return stack.pop_all()


def test_two_servers_on_one_root(root: Path, passwords: Path, house: House, tmp_path: Path) -> None:
    ACME.lay_into(root)
    first = house.server(root, "--passwords", passwords)
    assert first.comes_true(lambda: lists(first, ACME.filename))
    second = house.server(root, "--passwords", passwords)
    assert second.comes_true(lambda: lists(second, ACME.filename))
    said = [line for line in second.log.splitlines() if "another server" in line]
    assert len(said) == 1
    assert f"another server (process {first.pid} on {os.uname().nodename}) scans {root}" in said[0]
    assert "begins with what that one has read" in said[0]
    assert upload(second.port, CORE.put_into(tmp_path / "home"), LOGIN).status == 200
    TOOL.put_into(root)
    everything = [each.filename for each in (ACME, CORE, TOOL)]
    assert first.comes_true(lambda: lists(first, *everything))
    assert second.comes_true(lambda: lists(second, *everything))
    assert first.stop() == 0
    (root / TOOL.filename).unlink()
    assert second.comes_true(lambda: lists(second, *everything[:2]))
    assert second.stop() == 0


def test_a_state_folder_that_is_corrupt(root: Path, house: House) -> None:
    ACME.lay_into(root)
    server = house.server(root)
    before = server.get("/simple/acme/").body
    assert server.stop() == 0
    (root / ".twisted-pypi" / "catalog.sqlite").write_bytes(b"x" * 50_000)
    server = house.server(root)
    assert server.get("/simple/acme/").body == before
    assert server.stop() == 0
    said = [line for line in server.log.splitlines() if re.search("#(warn|error|critical)", line)]
    assert len(said) == 1, said
    assert "is damaged; it is begun anew, and every file is read again" in said[0]
