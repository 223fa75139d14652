"""pip and uv install what is ours and what is an upstream's from one index, whether the upstream is there or not."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.archives import Archive, sdist, wheel
from tests.clients.environments import PIP, UV, Client, Environment, Finished
from tests.clients.fixtures import Start, serving
from tests.clients.server import Process
from tests.processes.mirrored import JSON, age_pages, asked, kept, through, times

pytestmark = pytest.mark.clients

OURS = wheel("acme-app", "1.0", ["borrowed>=1"])
BORROWED = wheel("borrowed", "1.1", ["deeper"], payload=bytes(range(256)) * 2000)
DEEPER = wheel("deeper", "2.0")
STRANGE = wheel("acme-app", "9.0")
PUBLISHED = (BORROWED, wheel("borrowed", "1.0"), sdist("borrowed", "1.1"), DEEPER, STRANGE)
EXPECTED = {"acme_app": "1.0", "borrowed": "1.1", "deeper": "2.0"}

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

INSTALLERS = pytest.mark.parametrize("environment", [PIP, UV], ids=lambda each: each.name)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What the upstream was asked for."""
    return tmp_path / "asked"


@pytest.fixture
def upstream(tmp_path: Path, log: Path) -> Iterator[Process]:
    with serving(tmp_path / "upstream", PUBLISHED, "--access-log", log) as server:
        yield server


@pytest.fixture
def options(upstream: Process, root: Path) -> tuple[str, ...]:
    """The options of a server on a folder with our project."""
    OURS.lay_into(root)
    return through(f"{upstream.url}/simple/")


@pytest.fixture
def program(environment: Environment, client: Callable[[Environment], Client]) -> Client:
    return client(environment)


def install(program: Client, server: Process, target: Path, *more: str, code: int | None = 0) -> Finished:
    """Install our project, and what it needs, with nothing cached."""
    words = ("uv", "pip") if (program.programs / "uv").exists() else ("python", "-m", "pip")
    index = ("--no-cache-dir", "--index-url", f"{server.url}/simple/")
    return program.run(*words, "install", "--target", target, *index, *(more or ("acme-app",)), expected=code)


def versions(target: Path) -> dict[str, str]:
    found = {path.parent.name: path.read_text() for path in target.glob("*/__init__.py")}
    return {name: text.split('"')[1] for name, text in found.items()}


def files(*archives: Archive) -> dict[str, bytes]:
    """What is kept when these were fetched."""
    return {f"{each.filename.partition('-')[0]}/{each.filename}": each.content for each in archives}


@INSTALLERS
def test_ours_and_theirs_in_one_install(
    program: Client, options: tuple[str, ...], upstream: Process, log: Path, root: Path, start: Start, tmp_path: Path
) -> None:
    server = start(root, *options)
    install(program, server, tmp_path / "site")
    assert versions(tmp_path / "site") == EXPECTED
    wheels = {name: data for name, data in kept(root).items() if name.endswith(".whl")}
    assert wheels == files(BORROWED, DEEPER)
    metadata = {name for name in kept(root) if name.endswith(".metadata")}
    assert metadata == {f"{name}.metadata" for name in wheels}
    assert (tmp_path / "site/borrowed/payload.bin").read_bytes() == bytes(range(256)) * 2000
    assert upstream.comes_true(lambda: times(log, f"/packages/{DEEPER.filename}") == 1)
    assert not [each for each in asked(log) if "acme" in each]


@INSTALLERS
def test_the_upstream_is_gone(
    program: Client, options: tuple[str, ...], upstream: Process, root: Path, start: Start, tmp_path: Path
) -> None:
    server = start(root, *options)
    install(program, server, tmp_path / "first")
    upstream.kill()
    install(program, server, tmp_path / "gone")
    assert server.stop() == 0
    age_pages(root)
    for more in ((), ("--offline",)):
        server = start(root, *options, *more)
        install(program, server, tmp_path / f"restarted{more}")
        assert server.stop() == 0
        assert versions(tmp_path / f"restarted{more}") == versions(tmp_path / "gone") == EXPECTED


@INSTALLERS
def test_wrong_bytes_are_not_installed(
    program: Client, options: tuple[str, ...], upstream: Process, root: Path, start: Start, tmp_path: Path
) -> None:
    server = start(root, *options)
    assert BORROWED.filename in server.get("/simple/borrowed/", {"Accept": JSON}).text
    (tmp_path / "upstream/packages" / BORROWED.filename).write_bytes(BORROWED.content[:-1] + b"!")
    assert upstream.comes_true(lambda: upstream.get(f"/packages/{BORROWED.filename}").body.endswith(b"!"))
    done = install(program, server, tmp_path / "site", code=None)
    assert (done.exit_code != 0, versions(tmp_path / "site")) == (True, {}), done.output
    assert not [name for name in kept(root) if BORROWED.filename in name and name.endswith(".whl")]
    assert f"and its page says {BORROWED.sha256}" in server.log


@INSTALLERS
def test_a_file_that_is_held_back_is_passed_over(
    program: Client, options: tuple[str, ...], root: Path, start: Start, tmp_path: Path
) -> None:
    (root / ".rules.toml").write_text('deny = ["borrowed>1.0"]\n')
    server = start(root, *options)
    install(program, server, tmp_path / "site")
    assert versions(tmp_path / "site") == {"acme_app": "1.0", "borrowed": "1.0"}
    install(program, server, tmp_path / "pinned", "borrowed==1.1", code=1)
    address = f"{server.url}/files/borrowed/{BORROWED.filename}"
    done = install(program, server, tmp_path / "direct", address, code=None)
    assert (done.exit_code != 0, "403" in done.output) == (True, True)
    assert "rule deny = borrowed>1.0" in server.get(f"/files/borrowed/{BORROWED.filename}").text


def test_a_lock_works_cold_after_a_restart(
    client: Callable[[Environment], Client], options: tuple[str, ...], root: Path, start: Start, tmp_path: Path
) -> None:
    uv, project = client(UV), tmp_path / "project"
    server = start(root, *options)
    project.mkdir()
    (project / "pyproject.toml").write_text(PROJECT.format(url=server.url))
    uv.run("uv", "lock", cwd=project)
    locked = tomllib.loads((project / "uv.lock").read_text())
    found = {each["url"]: each["hash"] for package in locked["package"] for each in package.get("wheels", [])}
    for archive in (BORROWED, DEEPER):
        address = f"{server.url}/files/{archive.filename.partition('-')[0]}/{archive.filename}"
        assert found[address] == f"sha256:{archive.sha256}"
    assert not [name for name in kept(root) if name.endswith(".whl")]
    server.stop()
    server = start(root, *options, port=server.port)
    log = len(server.log)
    uv.run("uv", "sync", "--frozen", "--no-cache", cwd=project)
    assert list(project.glob(".venv/lib/*/site-packages/deeper/__init__.py"))
    assert "GET /simple/" not in server.log[log:]
    uv.run("uv", "lock", "--check", "--no-cache", cwd=project)
