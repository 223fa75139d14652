"""pip 9 on Python 2.7 and pip 21 on Python 3.6, where these interpreters are; their requests are replayed anyway."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.archives import sdist, wheel
from tests.clients.environments import VENVS, Client
from tests.clients.fixtures import PASSWORD, USER, Start
from tests.clients.server import Process

pytestmark = pytest.mark.clients

CORE = wheel("acme-core", "1.0", requires_python=">=2.7", python="py2.py3")
TOO_NEW = wheel("acme-core", "2.0", requires_python=">=3.11", python="py2.py3")
SOURCE = sdist("acme-core", "1.0")


@dataclass(frozen=True, slots=True)
class OldClient:
    """An interpreter and the pip for it."""

    python: str
    pip: str


OLD_CLIENTS = (OldClient("python2.7", "pip==9.0.3"), OldClient("python3.6", "pip==21.3.1"))


def _interpreter(program: str) -> str | None:
    """The interpreter's own path, if one on the search path really starts (some are only stand-ins)."""
    for folder in os.get_exec_path():
        found = shutil.which(program, path=folder)
        if found is None:
            continue
        told = subprocess.run(
            [found, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True, check=False
        )
        if told.returncode == 0:
            return told.stdout.strip()
    return None


@pytest.fixture(params=OLD_CLIENTS, ids=lambda each: f"{each.pip}-on-{each.python}")
def old(request: pytest.FixtureRequest, home: Path) -> Client:
    """An old interpreter, its pip beside it."""
    wanted: OldClient = request.param
    interpreter = _interpreter(wanted.python)
    if interpreter is None:
        pytest.skip(f"{wanted.pip} did not run: there is no {wanted.python} here")
    target = VENVS / f"{wanted.pip}-on-{wanted.python}"
    if not (target / "pip").exists():
        install = ("-m", "pip", "install", "--quiet", "--target", str(target), wanted.pip)
        subprocess.run([interpreter, *install], check=True, capture_output=True)
    (home / "python").write_text(f'#!/bin/sh\nPYTHONPATH="{target}" exec "{interpreter}" "$@"\n')
    (home / "python").chmod(0o755)
    return Client(home, home)


@pytest.fixture
def index(root: Path, passwords: Path, start: Start) -> Process:
    """A protected server on a folder with one project."""
    for each in (CORE, TOO_NEW, SOURCE):
        each.lay_into(root)
    return start(root, "--passwords", passwords, "--authenticate", "update,download,list")


def test_downloads(old: Client, index: Process, tmp_path: Path) -> None:
    url = index.url_for(USER, PASSWORD) + "/simple/"
    old.run("python", "-m", "pip", "download", "--no-deps", "-d", tmp_path / "got", "-i", url, "acme-core")
    (got,) = (tmp_path / "got").iterdir()
    assert (got.name, got.read_bytes()) == (CORE.filename, CORE.content)


def test_finds_links(old: Client, index: Process, tmp_path: Path) -> None:
    url = index.url_for(USER, PASSWORD) + "/packages/"
    old.run("python", "-m", "pip", "install", "--no-index", "-t", tmp_path / "site", "-f", url, "acme-core==1.0")
    assert (tmp_path / "site" / "acme_core" / "__init__.py").exists()
