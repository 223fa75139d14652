"""The commands of an old README: ``python setup.py sdist upload -r internal`` and ``register``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.environments import SETUPTOOLS_65, Client, Environment
from tests.clients.fixtures import PASSWORD, USER
from tests.clients.server import Process

pytestmark = pytest.mark.clients

SETUP = """
from setuptools import setup
setup(
    name="acme-old-tool", version="1.0", description="An old tool: na\\u00efve", py_modules=["old_tool"],
    author="Ada", author_email="ada@example.com", url="https://example.com/",
    classifiers=["Programming Language :: Python :: 3", "Topic :: Utilities"],
)
"""

PYPIRC = """[distutils]
index-servers =
    internal

[internal]
repository: http://localhost:{port}
username: {user}
password: {password}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a ``setup.py``."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "setup.py").write_text(SETUP)
    (folder / "old_tool.py").write_text("answer = 42\n")
    return folder


@pytest.fixture
def python(client: Callable[[Environment], Client], uploads: Process) -> Client:
    """A Python with setuptools 65, and a ``.pypirc`` that names the server without a path."""
    found = client(SETUPTOOLS_65)
    (found.home / ".pypirc").write_text(PYPIRC.format(port=uploads.port, user=USER, password=PASSWORD))
    return found


def test_sdist_upload(python: Client, project: Path, uploads: Process, root: Path) -> None:
    done = python.run("python", "setup.py", "sdist", "upload", "-r", "internal", cwd=project)
    assert "Server response (200): OK" in done.output
    (sdist,) = (project / "dist").iterdir()
    assert (root / sdist.name).read_bytes() == sdist.read_bytes()
    assert f">{sdist.name}</a>" in uploads.get("/simple/acme-old-tool/").text


def test_bdist_wheel_is_not_needed_for_a_zip(python: Client, project: Path, uploads: Process, root: Path) -> None:
    python.run("python", "setup.py", "sdist", "--formats=zip", "upload", "-r", "internal", cwd=project)
    assert [path.name for path in root.glob("*.zip")] == ["acme-old-tool-1.0.zip"]
    assert "acme-old-tool-1.0.zip" in uploads.get("/simple/acme-old-tool/").text


def test_again_with_other_bytes(python: Client, project: Path) -> None:
    python.run("python", "setup.py", "sdist", "upload", "-r", "internal", cwd=project)
    (project / "old_tool.py").write_text("answer = 43\n")
    done = python.run("python", "setup.py", "sdist", "upload", "-r", "internal", cwd=project, expected=None)
    assert done.exit_code != 0
    assert "Upload failed (409): File already exists" in done.output


def test_register(python: Client, project: Path) -> None:
    done = python.run("python", "setup.py", "register", "-r", "internal", cwd=project)
    assert "Server response (200): OK" in done.output


def test_wrong_password(python: Client, project: Path, uploads: Process, root: Path) -> None:
    (python.home / ".pypirc").write_text(PYPIRC.format(port=uploads.port, user=USER, password="wrong"))
    done = python.run("python", "setup.py", "sdist", "upload", "-r", "internal", cwd=project, expected=None)
    assert done.exit_code != 0
    assert "Upload failed (401)" in done.output
    assert list(root.glob("*.tar.gz")) == []
