"""uv reads, locks and publishes."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.archives import wheel
from tests.clients.environments import UV, Client, Environment
from tests.clients.fixtures import PASSWORD, USER, Start
from tests.clients.server import Process

pytestmark = pytest.mark.clients

CORE = wheel("acme-core", "1.0")
APP = wheel("Acme.App", "1.0", ["acme-core>=1.0"])
LATER = wheel("acme-core", "1.1")

PROJECT = """
[project]
name = "consumer"
version = "0.1"
requires-python = ">=3.11"
dependencies = ["acme-app"]

[[tool.uv.index]]
name = "internal"
url = "{url}/simple/"
default = true
"""


@pytest.fixture
def uv(client: Callable[[Environment], Client]) -> Client:
    """uv."""
    return client(UV)


@pytest.fixture
def index(root: Path, start: Start) -> Process:
    """A server on a folder with two projects."""
    APP.lay_into(root)
    CORE.lay_into(root / "deeper" / "still")
    return start(root)


def _project(folder: Path, url: str) -> Path:
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT.format(url=url))
    return folder


def test_pip_install_with_required_hashes(uv: Client, index: Process, tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(
        f"acme-app==1.0 --hash=sha256:{APP.sha256}\nacme-core==1.0 --hash=sha256:{CORE.sha256}\n", "utf-8"
    )
    site = tmp_path / "site"
    uv.run(
        *("uv", "pip", "install", "--target", site, "--default-index", f"{index.url}/simple/"),
        *("--require-hashes", "-r", requirements),
    )
    assert (site / "acme_core" / "__init__.py").read_text() == '__version__ = "1.0"\n'


def test_find_links_on_the_flat_list(uv: Client, index: Process, tmp_path: Path) -> None:
    site = tmp_path / "site"
    uv.run("uv", "pip", "install", "--target", site, "--no-index", "-f", f"{index.url}/packages/", "acme-app")
    assert (site / "acme_app" / "__init__.py").exists()


def test_locks_and_syncs_frozen(uv: Client, index: Process, tmp_path: Path) -> None:
    project = _project(tmp_path / "project", index.url)
    uv.run("uv", "lock", cwd=project)
    locked = tomllib.loads((project / "uv.lock").read_text())
    wheels = {each["url"]: each for package in locked["package"] for each in package.get("wheels", [])}
    where = {f"{index.url}/packages/{APP.filename}", f"{index.url}/packages/deeper/still/{CORE.filename}"}
    assert set(wheels) == where
    core = wheels[f"{index.url}/packages/deeper/still/{CORE.filename}"]
    assert core["hash"] == f"sha256:{CORE.sha256}"
    uv.run("uv", "sync", "--frozen", "--no-cache", cwd=project)
    assert list(project.glob(".venv/lib/*/site-packages/acme_core/__init__.py"))


def test_a_lock_stays_as_it_is_while_nothing_changes(uv: Client, index: Process, tmp_path: Path) -> None:
    project = _project(tmp_path / "project", index.url)
    uv.run("uv", "lock", cwd=project)
    uv.run("uv", "lock", "--check", "--no-cache", cwd=project)


def test_a_new_upload_is_seen_past_the_cache(uv: Client, index: Process, root: Path, tmp_path: Path) -> None:
    arguments = ("uv", "pip", "install", "--default-index", f"{index.url}/simple/", "--upgrade", "acme-core")
    uv.run(*arguments, "--target", tmp_path / "before")
    LATER.put_into(root)
    _listed(index, LATER.filename)
    uv.run(*arguments, "--target", tmp_path / "after")
    assert (tmp_path / "before/acme_core/__init__.py").read_text() == '__version__ = "1.0"\n'
    assert (tmp_path / "after/acme_core/__init__.py").read_text() == '__version__ = "1.1"\n'


def _listed(server: Process, filename: str) -> None:
    assert server.comes_true(lambda: filename in server.get("/simple/acme-core/").text)


@pytest.mark.parametrize("how", ["url", "netrc"])
def test_installs_from_a_protected_index(
    uv: Client, how: str, root: Path, passwords: Path, start: Start, tmp_path: Path
) -> None:
    CORE.lay_into(root)
    server = start(root, "--passwords", passwords, "--authenticate", "update,download,list")
    if how == "netrc":
        (uv.home / ".netrc").write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    url = server.url if how == "netrc" else server.url_for(USER, PASSWORD)
    uv.run("uv", "pip", "install", "--target", tmp_path, "--default-index", f"{url}/simple/", "acme-core")
    assert (tmp_path / "acme_core" / "__init__.py").exists()


def test_publishes(uv: Client, uploads: Process, root: Path) -> None:
    path = CORE.put_into(uv.home)
    uv.run("uv", "publish", "--publish-url", f"{uploads.url}/", "-u", USER, "-p", PASSWORD, path)
    assert (root / CORE.filename).read_bytes() == CORE.content
    assert f"#sha256={CORE.sha256}" in uploads.get("/simple/acme-core/").text


def test_the_same_bytes_again_are_no_error(uv: Client, uploads: Process) -> None:
    path = CORE.put_into(uv.home)
    for _ in range(2):
        uv.run("uv", "publish", "--publish-url", f"{uploads.url}/legacy/", "-u", USER, "-p", PASSWORD, path)


def test_check_url_skips_what_is_there(uv: Client, uploads: Process) -> None:
    path = CORE.put_into(uv.home)
    arguments = ("uv", "publish", "--publish-url", f"{uploads.url}/", "-u", USER, "-p", PASSWORD)
    check = ("--check-url", f"{uploads.url}/simple/")
    uv.run(*arguments, *check, path)
    done = uv.run(*arguments, *check, path)
    assert "already exists, skipping" in done.output
    assert uploads.comes_true(lambda: '"POST / HTTP/1.1"' in uploads.log)
    assert uploads.log.count('"POST / HTTP/1.1"') == 1


def test_other_bytes_are_refused_with_the_sentence(uv: Client, uploads: Process, root: Path) -> None:
    CORE.put_into(root)
    _listed(uploads, CORE.filename)
    path = wheel("acme-core", "1.0", payload=b"other").put_into(uv.home)
    done = uv.run("uv", "publish", "--publish-url", f"{uploads.url}/", "-u", USER, "-p", PASSWORD, path, expected=None)
    assert done.exit_code != 0
    assert "File already exists" in done.output
    assert (root / CORE.filename).read_bytes() == CORE.content


def test_a_wrong_password_is_said(uv: Client, uploads: Process, root: Path) -> None:
    path = CORE.put_into(uv.home)
    done = uv.run("uv", "publish", "--publish-url", f"{uploads.url}/", "-u", USER, "-p", "wrong", path, expected=None)
    assert done.exit_code != 0
    assert "401" in done.output
    assert list(root.glob("*.whl")) == []
