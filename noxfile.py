"""`make test-all`: all tests on every Python from 3.11 up that is on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import nox

OLDEST = (3, 11)
NEWEST_LOOKED_FOR = 30
"""Minor versions of Python 3 up to this one are looked for."""
ANSWER_WITHIN = 20
"""Seconds in which an interpreter has to say its version; some are only stand-ins that do not start."""
MANAGED = (
    "~/.pyenv/versions",
    "~/.local/share/uv/python",
    "~/.asdf/installs/python",
    "~/.local/share/mise/installs/python",
)
"""Where version managers keep interpreters that need not be on the PATH."""

nox.options.envdir = "build/nox"
nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.stop_on_first_error = False


def _folders() -> Iterator[Path]:
    yield from (Path(each) for each in os.get_exec_path())
    for managed in MANAGED:
        yield from sorted(Path(managed).expanduser().glob("*/bin"), reverse=True)


def _says(program: Path) -> str:
    """What an interpreter says of its version, or nothing if it does not start."""
    command = [program, "-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_WITHIN, check=False)  # noqa: S603  # of this machine
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _interpreters() -> dict[str, Path]:
    """The folder with the first interpreter of each version that really starts."""
    found: dict[str, Path] = {}
    for folder in _folders():
        for minor in range(OLDEST[1], NEWEST_LOOKED_FOR):
            version = f"{OLDEST[0]}.{minor}"
            program = shutil.which(f"python{version}", path=str(folder))
            if version not in found and program is not None and _says(Path(program)) == version:
                found[version] = folder
    return dict(sorted(found.items(), key=lambda each: int(each[0].rpartition(".")[2])))


INTERPRETERS = _interpreters()
# nox looks for python3.12 on the PATH, and takes a stand-in that does not start for one that does.
os.environ["PATH"] = os.pathsep.join([*map(str, INTERPRETERS.values()), *os.get_exec_path()])


@nox.session(python=list(INTERPRETERS))
def tests(session: nox.Session) -> None:
    """Run the tests; words behind `--` go to pytest, as in `make test-all WORDS=tests/web`."""
    session.install("--disable-pip-version-check", "--quiet", "-e", ".[test]")
    words = ("-p", "no:cacheprovider", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", *session.posargs)
    # The clients' environments belong to one Python; those in .venvs are for the Python of `make test`.
    clients = f"{session.virtualenv.location}-clients"
    session.run("python", "-m", "pytest", *words, env={"TEST_CLIENTS": clients, "PYTHONDONTWRITEBYTECODE": ""})
