"""Users and packages looked after by ``twisted-pypi`` beside a server that runs."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest

from tests.clients.archives import wheel
from tests.clients.fixtures import Start
from tests.clients.server import NOTICED, PROGRAMS, Process

pytestmark = pytest.mark.clients

FILE = wheel("acme-core", "1.0")
PAGE = "/simple/acme-core/"


def command(*words: str | Path, answer: str = "", code: int = 0) -> str:
    """What ``twisted-pypi`` says."""
    done = subprocess.run(
        [PROGRAMS / "twisted-pypi", *words], input=answer, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_removed_project_is_gone_stays_in_and_comes_back(root: Path, start: Start) -> None:
    FILE.lay_into(root / "deep")
    server = start(root, "--fallback", "redirect", "--fallback-url", "https://index.example.com/simple")
    assert server.get("/simple/other/").status == 303
    assert server.get(PAGE).status == 200
    statuses = set()

    def gone() -> bool:
        statuses.add(server.get(PAGE).status)
        return 404 in statuses

    command("remove", "acme-core", "1.0", "--root", root)
    assert server.comes_true(gone, within=NOTICED)
    # It was put there by hand, so that only its record keeps the name in.
    assert 303 not in statuses
    assert server.get(PAGE).status == 404
    (entry,) = (root / ".trash").iterdir()
    assert server.get(f"/packages/.trash/{entry.name}/{FILE.filename}").status == 404
    assert [
        each["version"] for each in json.loads(command("list", "--trash", "--json", "--root", root))["removed"]
    ] == ["1.0"]
    command("restore", "acme-core", "1.0", "--root", root)
    assert server.comes_true(lambda: server.get(PAGE).status == 200, within=NOTICED)
    assert server.get(f"/packages/deep/{FILE.filename}").body == FILE.content
    assert "nothing of acme-core" in command("restore", "acme-core", "1.0", "--root", root, code=1)


def logs_in(server: Process, password: str) -> bool:
    login = b64encode(f"me:{password}".encode()).decode()
    return server.get("/simple/", {"Authorization": f"Basic {login}"}).status == 200


def test_a_user_logs_in_at_once(root: Path, tmp_path: Path, start: Start) -> None:
    users = tmp_path / "users"
    server = start(root, "--passwords", users, "--authenticate", "list update")
    assert not logs_in(server, "first")
    command("user", "add", "me", "--file", users, answer="first\n")
    assert logs_in(server, "first")
    assert "may log in with that" in command("user", "verify", "me", "--file", users, answer="first\n")
    command("user", "add", "me", "--file", users, answer="second\n")
    assert (logs_in(server, "first"), logs_in(server, "second")) == (False, True)
    command("user", "remove", "me", "--file", users)
    assert not logs_in(server, "second")
