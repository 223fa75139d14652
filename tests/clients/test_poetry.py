"""poetry adds, locks and installs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.archives import wheel
from tests.clients.environments import POETRY, Client, Environment
from tests.clients.fixtures import PASSWORD, USER, Start

pytestmark = pytest.mark.clients

CORE = wheel("acme-core", "1.0")
APP = wheel("Acme.App", "1.0", ["acme-core>=1.0"])
TOO_NEW = wheel("acme-core", "2.0", requires_python=">=99")

PROJECT = """
[project]
name = "consumer"
version = "0.1"
requires-python = ">=3.11,<4"

[tool.poetry]
package-mode = false

[[tool.poetry.source]]
name = "internal"
url = "{url}/simple/"
priority = "primary"
"""


@pytest.mark.parametrize("protected", [False, True], ids=["open", "protected"])
def test_adds_and_installs(
    protected: bool,
    client: Callable[[Environment], Client],
    root: Path,
    passwords: Path,
    start: Start,
    tmp_path: Path,
) -> None:
    for each in (CORE, APP, TOO_NEW):
        each.lay_into(root)
    options = ("--authenticate", "update,download,list") if protected else ()
    server = start(root, "--passwords", passwords, *options)
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(PROJECT.format(url=server.url))
    variables = {"POETRY_VIRTUALENVS_IN_PROJECT": "true"}
    if protected:
        variables |= {"POETRY_HTTP_BASIC_INTERNAL_USERNAME": USER, "POETRY_HTTP_BASIC_INTERNAL_PASSWORD": PASSWORD}
    poetry = client(POETRY)
    poetry.run("poetry", "add", "--no-interaction", "acme-app", cwd=project, variables=variables)
    lock = (project / "poetry.lock").read_text()
    assert f'{{file = "{CORE.filename}", hash = "sha256:{CORE.sha256}"}}' in lock
    (project / ".venv").rename(tmp_path / "thrown-away")
    poetry.run("poetry", "install", "--no-interaction", "--no-cache", cwd=project, variables=variables)
    (installed,) = project.glob(".venv/lib/*/site-packages/acme_core/__init__.py")
    assert installed.read_text() == '__version__ = "1.0"\n'
