"""poetry, flit, hatch and pdm publish what they built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.environments import FLIT, HATCH, PDM, POETRY, Client, Environment
from tests.clients.fixtures import PASSWORD, USER, Built, write_project
from tests.clients.server import Process

pytestmark = pytest.mark.clients

Clients = Callable[[Environment], Client]


def _arrived(uploads: Process, root: Path, files: tuple[Path, ...]) -> None:
    assert {path.name for path in root.iterdir() if not path.name.startswith(".")} == {path.name for path in files}
    page = uploads.get("/simple/acme-tool/").text
    for each in files:
        assert (root / each.name).read_bytes() == each.read_bytes()
        assert f">{each.name}</a>" in page


def test_poetry(client: Clients, uploads: Process, built: Built, root: Path) -> None:
    poetry = client(POETRY)
    variables = {"POETRY_REPOSITORIES_INTERNAL_URL": f"{uploads.url}/"}
    for _ in range(2):
        poetry.run(
            *("poetry", "publish", "--no-interaction", "-r", "internal", "-u", USER, "-p", PASSWORD),
            cwd=built.project,
            variables=variables,
        )
    _arrived(uploads, root, built.files)


def test_poetry_is_told_of_a_wrong_password(client: Clients, uploads: Process, built: Built, root: Path) -> None:
    done = client(POETRY).run(
        *("poetry", "publish", "--no-interaction", "-r", "internal", "-u", USER, "-p", "wrong"),
        cwd=built.project,
        variables={"POETRY_REPOSITORIES_INTERNAL_URL": f"{uploads.url}/"},
        expected=1,
    )
    assert "401" in done.output
    _arrived_nothing(root)


def _arrived_nothing(root: Path) -> None:
    assert [path for path in root.rglob("*") if path.suffix in {".whl", ".gz"}] == []


def test_flit(client: Clients, uploads: Process, root: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    write_project(project, "flit_core.buildapi")
    variables = {"FLIT_INDEX_URL": f"{uploads.url}/", "FLIT_USERNAME": USER, "FLIT_PASSWORD": PASSWORD}
    flit = client(FLIT)
    flit.run("flit", "publish", cwd=project, variables=variables)
    _arrived(uploads, root, tuple((project / "dist").iterdir()))


def test_hatch(client: Clients, uploads: Process, built: Built, root: Path) -> None:
    arguments = ("hatch", "--no-interactive", "publish", "--no-prompt", "-r", f"{uploads.url}/", "-u", USER)
    hatch = client(HATCH)
    hatch.run(*arguments, "-a", PASSWORD, *built.files, cwd=built.project)
    _arrived(uploads, root, built.files)


def test_hatch_is_told_of_a_wrong_password(client: Clients, uploads: Process, built: Built, root: Path) -> None:
    arguments = ("hatch", "--no-interactive", "publish", "--no-prompt", "-r", f"{uploads.url}/", "-u", USER)
    done = client(HATCH).run(*arguments, "-a", "wrong", *built.files, cwd=built.project, expected=1)
    assert "401" in done.output
    _arrived_nothing(root)


def test_pdm(client: Clients, uploads: Process, built: Built, root: Path) -> None:
    pdm = client(PDM)
    for _ in range(2):
        pdm.run(
            *("pdm", "publish", "--no-build", "-r", f"{uploads.url}/", "-u", USER, "-P", PASSWORD), cwd=built.project
        )
    _arrived(uploads, root, built.files)
