"""What the image runs, for whatever stands behind its name on the command line."""

import os
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent.parent


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH on which every program says what it was called."""
    for name in ("pypi-server", "htpasswd"):
        program = tmp_path / name
        program.write_text('#!/bin/sh\necho "${0##*/} $*"\n')
        program.chmod(0o755)
    return f"{tmp_path}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("words", "run"),
    [
        ([], "pypi-server "),
        (["run"], "pypi-server run"),
        (["-p", "8080", "/pypi"], "pypi-server -p 8080 /pypi"),
        (["-U", "/pypi"], "pypi-server -U /pypi"),
        (["update", "-x"], "pypi-server update -x"),
        ([str(PROJECT), "-o"], f"pypi-server {PROJECT} -o"),
        (["pypi-server", "run", "/a b"], "pypi-server run /a b"),
        (["htpasswd", "-s", "/pypi/.htpasswd"], "htpasswd -s /pypi/.htpasswd"),
        (["/bin/echo", "x"], "x"),
    ],
)
def test_entrypoint(words: list[str], run: str, path: str) -> None:
    command = ["sh", str(PROJECT / "image" / "entrypoint"), *words]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env={"PATH": path})
    assert said.stdout == f"{run}\n"


def test_the_build_sees_what_it_copies() -> None:
    seen = {line.removeprefix("!") for line in (PROJECT / ".dockerignore").read_text().splitlines()}
    for line in (PROJECT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY") and "--from" not in line:
            sources = [word for word in line.split()[1:-1] if not word.startswith("--")]
            assert set(sources) <= seen
            assert all((PROJECT / source).exists() for source in sources)
