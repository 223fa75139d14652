"""Commands of old Pythons, run for real where these are; ``table_recorded`` replays what they send anyway.

pip 9 and pip 21 of these Pythons are in ``tests/clients``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.server import Process, twistd_pypi
from tests.conformance.corpus import OLD_SDIST_NAME, lay_out

pytestmark = pytest.mark.clients

PYTHONS = ("2.7", "3.6", "3.9")
LONGEST_RUN = 60
"""Seconds after which a command counts as hung."""

SETUP = """
from distutils.core import setup
setup(
    name="old-upload-{version}", version="1.0", py_modules=["old_upload"], description="An old tool",
    author="Ada", author_email="ada@example.com", url="https://example.com/",
    classifiers=["Programming Language :: Python", "Topic :: Utilities"],
)
"""
PYPIRC = """[distutils]
index-servers =
    internal

[internal]
repository: http://127.0.0.1:{port}
username: ada
password: count-me-in
"""


def interpreter(version: str) -> Path | None:
    """The interpreter, if one on the search path or of pyenv really starts (some are only stand-ins)."""
    folders = [*map(Path, os.get_exec_path()), *sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin"))]
    for folder in folders:
        found = shutil.which(f"python{version}", path=folder)
        if found is not None and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            return Path(found)
    return None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    root = lay_out(tmp_path_factory.mktemp("old"))
    options = ("--password-file", root.parent / "htpasswd", "--state-dir", root.parent / "state")
    with twistd_pypi(root, *options, log=root.parent / "log") as process:
        yield process


class OldPython:
    """An interpreter, and the project that it runs in."""

    def __init__(self, version: str, python: Path, folder: Path, port: int) -> None:
        self.version = version
        self.python = python
        self.folder = folder
        (folder / ".pypirc").write_text(PYPIRC.format(port=port))
        (folder / "setup.py").write_text(SETUP.format(version=version))
        (folder / "old_upload.py").write_text("answer = 42\n")

    def run(self, *arguments: str | Path) -> str:
        """Run it to its end, and return what it said."""
        done = subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            env={
                "HOME": str(self.folder),
                "PATH": os.defpath,
                "PYTHONPATH": str(self.folder),
                "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST_RUN,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture(params=PYTHONS)
def old(request: pytest.FixtureRequest, server: Process, tmp_path: Path) -> OldPython:
    """An old Python."""
    found = interpreter(request.param)
    if found is None:
        pytest.skip(f"there is no python{request.param} here")
    return OldPython(request.param, found, tmp_path, server.port)


def test_uploads_and_registers(old: OldPython, server: Process) -> None:
    said = old.run("setup.py", "sdist", "upload", "-r", "internal", "register", "-r", "internal")
    assert said.count("Server response (200): OK") == 2
    page = server.get(f"/simple/old-upload-{old.version.replace('.', '-')}/")
    assert f"old-upload-{old.version}-1.0.tar.gz" in page.text


@pytest.mark.parametrize("old", PYTHONS[:2], indirect=True)
def test_searches(old: OldPython, server: Process) -> None:
    assert "acme_core (1.1+linux.1)" in old.run("-m", "pip", "search", "--index", server.url, "acme")


@pytest.mark.parametrize("old", PYTHONS[:2], indirect=True)
def test_easy_installs(old: OldPython, server: Process) -> None:
    said = old.run("-m", "easy_install", "-i", f"{server.url}/simple/", "-d", old.folder, "-m", "--no-deps", "old_tool")
    assert f"/packages/{OLD_SDIST_NAME}" in said
    assert list(old.folder.glob("old_tool-1.0-*.egg"))
