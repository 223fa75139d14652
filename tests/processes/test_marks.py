"""Yanks and statuses as their users see them: set by the command and the API, seen by pip and uv."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.archives import wheel
from tests.clients.environments import PIP, UV, Client, Environment
from tests.clients.fixtures import PASSWORD, USER, Start
from tests.clients.server import NOTICED, PROGRAMS, Process

pytestmark = pytest.mark.clients

OLD, NEW = wheel("acme-core", "1.0"), wheel("acme-core", "1.1")
JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def server(root: Path, passwords: Path, start: Start) -> Process:
    """A server on a folder with two versions."""
    OLD.lay_into(root)
    NEW.lay_into(root / "deep")
    return start(root, "--passwords", passwords)


def command(*words: str | Path, answer: str = "", code: int = 0) -> str:
    """What ``twisted-pypi`` says."""
    done = subprocess.run(
        [PROGRAMS / "twisted-pypi", *words], input=answer, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def yanked(server: Process) -> dict[str, object]:
    files = json.loads(server.get("/simple/acme-core/", {"Accept": JSON}).body)["files"]
    return {file["filename"]: file["yanked"] for file in files if file.get("yanked", False) is not False}


def status(server: Process) -> object:
    return json.loads(server.get("/simple/acme-core/", {"Accept": JSON}).body).get("project-status")


def test_the_command_beside_a_server_that_runs(server: Process, root: Path) -> None:
    assert yanked(server) == {}
    said = command("yank", "Acme.Core", "1.1", "--reason", "breaks < 3.12", "--root", root)
    assert said.startswith(f"{NEW.filename} is yanked; a server that is running shows it within moments")
    assert server.comes_true(lambda: yanked(server) == {NEW.filename: "breaks < 3.12"}, within=NOTICED)
    page = server.get("/simple/acme-core/").text
    assert 'data-yanked="breaks &lt; 3.12"' in page
    command("unyank", "acme-core", NEW.filename, "--root", root)
    assert server.comes_true(lambda: yanked(server) == {}, within=NOTICED)
    command("status", "acme-core", "quarantined", "--reason", "malware", "--root", root)
    expected = {"status": "quarantined", "reason": "malware"}
    assert server.comes_true(lambda: status(server) == expected, within=NOTICED)
    refused = server.get(f"/packages/{OLD.filename}")
    assert (refused.status, "is quarantined: malware" in refused.reason) == (403, True)
    assert server.get(f"/packages/deep/{NEW.filename}.metadata").status == 403
    (root / ".projects" / "acme-core" / ".project.json").unlink()
    assert server.comes_true(lambda: status(server) is None, within=NOTICED)
    assert server.get(f"/packages/{OLD.filename}").status == 200


def test_the_command_through_the_api(server: Process) -> None:
    there = ("--url", f"{server.url}/simple/", "-u", USER)
    assert command("yank", "acme-core", "1.1", *there, answer=f"{PASSWORD}\n") == "acme-core 1.1 is yanked.\n"
    assert yanked(server) == {NEW.filename: True}
    said = command("status", "acme-core", "archived", "--reason", "done", *there, answer=f"{PASSWORD}\n")
    assert said == "acme-core is archived: done.\n"
    assert status(server) == {"status": "archived", "reason": "done"}
    said = command("status", "acme-core", "--url", server.url)
    assert said == f"acme-core is archived: done.\n{NEW.filename} is yanked.\n"
    command("unyank", "acme-core", NEW.filename, *there, answer=f"{PASSWORD}\n")
    assert yanked(server) == {}
    assert "(401)" in command("yank", "acme-core", "1.1", *there, answer="wrong\n", code=1)
    assert "has no version and no file 7" in command("yank", "acme-core", "7", *there, answer=f"{PASSWORD}\n", code=1)


def test_what_was_marked_stays_over_a_restart(server: Process, root: Path, passwords: Path, start: Start) -> None:
    login = {"Authorization": f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"}
    headers = {**login, "Content-Type": "application/x-www-form-urlencoded"}
    for verb, body in (("yank", b"version=1.0&reason=old"), ("status", b"status=deprecated")):
        answer = server.get(f"/-/projects/acme-core/{verb}", headers, method="POST", body=body)
        assert answer.status == 200, answer.body
    assert (yanked(server), status(server)) == ({OLD.filename: "old"}, {"status": "deprecated"})
    assert server.stop() == 0
    again = start(root, "--passwords", passwords)
    assert (yanked(again), status(again)) == ({OLD.filename: "old"}, {"status": "deprecated"})


@pytest.mark.parametrize("environment", [PIP, UV], ids=lambda each: each.name)
def test_installers_pass_over_what_is_yanked(
    environment: Environment, client: Callable[[Environment], Client], server: Process, root: Path, tmp_path: Path
) -> None:
    program = client(environment)
    command("yank", "acme-core", "1.1", "--reason", "breaks builds", "--root", root)
    assert server.comes_true(lambda: yanked(server) != {}, within=NOTICED)
    installer = ("uv", "pip") if environment is UV else ("python", "-m", "pip")
    install = (*installer, "install", "--index-url", f"{server.url}/simple/", "--target")
    program.run(*install, tmp_path / "any", "acme-core")
    assert (tmp_path / "any/acme_core/__init__.py").read_text() == '__version__ = "1.0"\n'
    said = program.run(*install, tmp_path / "pinned", "acme-core==1.1").output
    assert (tmp_path / "pinned/acme_core/__init__.py").read_text() == '__version__ = "1.1"\n'
    assert "breaks builds" in said
    command("status", "acme-core", "quarantined", "--root", root)
    assert server.comes_true(lambda: status(server) is not None, within=NOTICED)
    program.run(*install, tmp_path / "none", "acme-core", expected=1)
