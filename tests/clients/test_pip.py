"""pip, the newest and 21, reads from a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.archives import Archive, sdist, wheel
from tests.clients.environments import PIP, PIP_21, Client, Environment
from tests.clients.fixtures import PASSWORD, USER, Start, serving
from tests.clients.server import Process

pytestmark = pytest.mark.clients

CORE = wheel("acme-core", "1.0")
OLD = wheel("Acme.App", "1.0", ["acme-core>=1.0"])
NEW = wheel("Acme.App", "1.1", ["acme-core>=1.0"])
SOURCE = sdist("acme-app", "1.1")
TOO_NEW = wheel("Acme.App", "2.0", requires_python=">=99")
LOCAL = wheel("acme-local", "1.0+linux.1")
EVERYTHING = (CORE, OLD, NEW, SOURCE, TOO_NEW, LOCAL)

PIPS = pytest.mark.parametrize("environment", [PIP, PIP_21], ids=lambda each: each.name)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server on a folder with three projects."""
    with serving(tmp_path_factory.mktemp("index"), EVERYTHING) as server:
        yield server


@pytest.fixture
def pip(environment: Environment, client: Callable[[Environment], Client]) -> Client:
    """One of the pips."""
    return client(environment)


def _download(pip: Client, target: Path, server: str, *arguments: str | Path) -> dict[str, bytes]:
    pip.run("python", "-m", "pip", "download", "-d", target, "--index-url", f"{server}/simple/", *arguments)
    return {path.name: path.read_bytes() for path in target.glob("*.*") if path.is_file()}


def _contents(*archives: Archive) -> dict[str, bytes]:
    return {each.filename: each.content for each in archives}


@PIPS
def test_downloads_the_very_bytes_with_what_they_need(pip: Client, index: Process, tmp_path: Path) -> None:
    found = _download(pip, tmp_path / "got", index.url, "acme_app", "acme-core==1.0")
    assert found == _contents(NEW, CORE)


@PIPS
def test_downloads_a_source_distribution(pip: Client, index: Process, tmp_path: Path) -> None:
    arguments = ("--no-deps", "--no-build-isolation", "--no-binary", ":all:", "acme-app")
    assert _download(pip, tmp_path / "got", index.url, *arguments) == _contents(SOURCE)


@PIPS
def test_installs_by_index_url_from_the_environment(pip: Client, index: Process, tmp_path: Path) -> None:
    pip.run(
        *("python", "-m", "pip", "install", "--target", tmp_path / "site", "Acme.App", "acme.local"),
        variables={"PIP_INDEX_URL": f"{index.url}/simple/"},
    )
    assert (tmp_path / "site" / "acme_app" / "__init__.py").read_text() == '__version__ = "1.1"\n'
    assert (tmp_path / "site" / "acme_local" / "__init__.py").read_text() == '__version__ = "1.0+linux.1"\n'


@PIPS
def test_installs_with_required_hashes(pip: Client, index: Process, tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(
        f"acme-app==1.1 --hash=sha256:{NEW.sha256}\nacme-core==1.0 --hash=sha256:{CORE.sha256}\n", "utf-8"
    )
    assert _download(pip, tmp_path / "got", index.url, "--require-hashes", "-r", requirements) == _contents(NEW, CORE)


@PIPS
def test_refuses_other_bytes_than_the_hash_says(pip: Client, index: Process, tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"acme-core==1.0 --hash=sha256:{NEW.sha256}\n")
    done = pip.run(
        *("python", "-m", "pip", "install", "--target", tmp_path / "site", "-i", f"{index.url}/simple/"),
        *("--require-hashes", "-r", requirements),
        expected=1,
    )
    assert "DO NOT MATCH" in done.output


@PIPS
def test_a_release_for_another_python_is_passed_over(pip: Client, index: Process, tmp_path: Path) -> None:
    done = pip.run(
        *("python", "-m", "pip", "install", "--target", tmp_path / "site", "-i", f"{index.url}/simple/"),
        "acme-app==2.0",
        expected=1,
    )
    assert "No matching distribution found for acme-app==2.0" in done.output
    assert "warning" not in done.output.lower().replace("deprecation warning", "")


@PIPS
def test_finds_links_on_the_flat_list(pip: Client, index: Process, tmp_path: Path) -> None:
    pip.run(
        *("python", "-m", "pip", "download", "-d", tmp_path / "got", "--no-index"),
        *("--find-links", f"{index.url}/packages/", "acme-app", "acme-core==1.0"),
    )
    assert {path.name for path in (tmp_path / "got").iterdir()} == {NEW.filename, CORE.filename}


@PIPS
def test_lists_the_versions(pip: Client, index: Process) -> None:
    done = pip.run("python", "-m", "pip", "index", "versions", "acme-app", "-i", f"{index.url}/simple/")
    assert "Available versions: 1.1, 1.0" in done.output


@PIPS
def test_a_project_that_is_not_here(pip: Client, index: Process, tmp_path: Path) -> None:
    done = pip.run(
        *("python", "-m", "pip", "download", "-d", tmp_path / "got", "-i", f"{index.url}/simple/", "nowhere"),
        expected=1,
    )
    assert "No matching distribution found for nowhere" in done.output


@PIPS
def test_what_pip_downloads_into_the_root_is_served(pip: Client, index: Process, tmp_path: Path, start: Start) -> None:
    other = tmp_path / "other"
    other.mkdir()
    server = start(other)
    assert server.get("/simple/acme-core/").status == 404
    _download(pip, other, index.url, "acme-core==1.0")
    assert _download(pip, tmp_path / "got", server.url, "acme-core") == _contents(CORE)


@PIPS
@pytest.mark.parametrize("how", ["url", "netrc"])
def test_installs_from_a_protected_index(
    pip: Client, how: str, root: Path, passwords: Path, start: Start, tmp_path: Path
) -> None:
    CORE.lay_into(root)
    server = start(root, "--passwords", passwords, "--authenticate", "update,download,list")
    if how == "netrc":
        netrc = pip.home / ".netrc"
        netrc.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
        netrc.chmod(0o600)
    url = server.url if how == "netrc" else server.url_for(USER, PASSWORD)
    assert _download(pip, tmp_path / "got", url, "acme-core") == _contents(CORE)


@PIPS
def test_a_protected_index_without_a_login(
    pip: Client, root: Path, passwords: Path, start: Start, tmp_path: Path
) -> None:
    CORE.lay_into(root)
    server = start(root, "--passwords", passwords, "--authenticate", "update,download,list")
    answer = server.get("/simple/acme-core/")
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="pypi"')
    done = pip.run(
        *("python", "-m", "pip", "download", "-d", tmp_path / "got", "-i", f"{server.url}/simple/", "acme-core"),
        expected=1,
    )
    assert "No matching distribution found" in done.output
