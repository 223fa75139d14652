"""Users come and go in the htpasswd file while the server runs."""

from __future__ import annotations

import base64
import http.client
import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from passlib.apache import HtpasswdFile

from tests.clients.fixtures import PASSWORD, USER, Start, bcrypt_line, sha_line
from tests.clients.server import Process

pytestmark = pytest.mark.clients


def basic(user: str, password: str) -> dict[str, str]:
    """The header of a login."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def server(root: Path, passwords: Path, start: Start) -> Process:
    """A server whose pages need a login."""
    return start(root, "--passwords", passwords, "--authenticate", "update,download,list")


def _status(server: Process, user: str, password: str) -> int:
    return server.get("/simple/", basic(user, password)).status


def test_added_with_sha_as_htpasswd_does_it(server: Process, passwords: Path) -> None:
    assert _status(server, "grace", "hopper") == 401
    table = HtpasswdFile(str(passwords), default_scheme="ldap_sha1")
    table.set_password("grace", "hopper")
    table.save()
    assert "grace:{SHA}" in passwords.read_text()
    assert _status(server, "grace", "hopper") == 200
    assert _status(server, USER, PASSWORD) == 200
    assert _status(server, "grace", "wrong") == 401


@pytest.mark.skipif(shutil.which("htpasswd") is None, reason="the program htpasswd is not on this machine")
@pytest.mark.parametrize("option", ["-s", "-m", "-B", "-d", "-p", "-2", "-5"])
def test_added_with_the_program(option: str, server: Process, passwords: Path) -> None:
    subprocess.run(["htpasswd", "-b", option, passwords, "grace", "hopper"], check=True, capture_output=True)
    assert _status(server, "grace", "hopper") == 200
    subprocess.run(["htpasswd", "-D", passwords, "grace"], check=True, capture_output=True)
    assert _status(server, "grace", "hopper") == 401
    assert _status(server, USER, PASSWORD) == 200


def test_removed_is_refused_at_once(server: Process, passwords: Path) -> None:
    passwords.write_text(bcrypt_line(USER, PASSWORD) + sha_line("grace", "hopper"))
    assert _status(server, "grace", "hopper") == 200
    passwords.write_text(bcrypt_line(USER, PASSWORD))
    assert _status(server, "grace", "hopper") == 401


def test_removed_is_refused_on_a_connection_that_is_kept(server: Process, passwords: Path) -> None:
    passwords.write_text(bcrypt_line(USER, PASSWORD) + sha_line("grace", "hopper"))
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:

        def status() -> int:
            connection.request("GET", "/simple/", headers=basic("grace", "hopper"))
            response = connection.getresponse()
            response.read()
            return response.status

        assert status() == 200
        kept = connection.sock
        assert status() == 200
        assert connection.sock is kept
        passwords.write_text(bcrypt_line(USER, PASSWORD))
        assert status() == 401


def _in_place(path: Path, text: str) -> None:
    path.write_text(text)


def _by_rename(path: Path, text: str) -> None:
    beside = path.with_name("htpasswd~")
    beside.write_text(text)
    beside.replace(path)


def _anew(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def _by_linked_folder(path: Path, text: str) -> None:
    """What Kubernetes does with a secret: a link to a link to a folder, the inner one replaced."""
    versions = path.parent / "versions"
    folder = versions / str(len(list(versions.iterdir())) if versions.exists() else 0)
    folder.mkdir(parents=True)
    (folder / "htpasswd").write_text(text)
    data = path.parent / "..data"
    beside = path.parent / "..data_new"
    beside.symlink_to(folder)
    beside.replace(data)
    if not path.is_symlink():
        path.unlink()
        path.symlink_to(data / "htpasswd")


@pytest.mark.parametrize("write", [_in_place, _by_rename, _anew, _by_linked_folder], ids=lambda each: each.__name__)
def test_a_change_however_it_is_written(write: Callable[[Path, str], None], server: Process, passwords: Path) -> None:
    for round_ in range(3):
        write(passwords, sha_line("grace", f"hopper{round_}"))
        assert _status(server, "grace", f"hopper{round_}") == 200
        assert _status(server, "grace", f"hopper{round_ - 1}") == 401
        assert _status(server, USER, PASSWORD) == 401


def test_the_last_good_table_stays_while_the_file_is_away(server: Process, passwords: Path) -> None:
    assert _status(server, USER, PASSWORD) == 200
    passwords.unlink()
    assert _status(server, USER, PASSWORD) == 200
    assert _status(server, USER, "wrong") == 401


def test_a_bad_line_hides_no_other_user(server: Process, passwords: Path) -> None:
    passwords.write_text("no colon here\n" + bcrypt_line(USER, PASSWORD) + "broken:$2b$nonsense\n")
    assert _status(server, USER, PASSWORD) == 200
    assert server.comes_true(lambda: "line 1" in server.log)


def test_a_file_that_comes_later_is_taken(root: Path, tmp_path: Path, start: Start) -> None:
    passwords = tmp_path / "later"
    server = start(root, "--passwords", passwords, "--authenticate", "list")
    assert _status(server, USER, PASSWORD) == 401
    passwords.write_text(bcrypt_line(USER, PASSWORD))
    assert _status(server, USER, PASSWORD) == 200


def test_a_wrong_password_after_many_right_ones(server: Process) -> None:
    assert {_status(server, USER, PASSWORD) for _ in range(50)} == {200}
    assert _status(server, USER, PASSWORD + " ") == 401
