"""The clients, each in an environment of its own that is made once and kept in ``.venvs``."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
VENVS = Path(os.environ.get("TEST_CLIENTS") or CHECKOUT / ".venvs")
"""Where the environments are kept; those of one Python are of no use to another (see noxfile.py)."""
LONGEST_RUN = 120
"""Seconds after which a client counts as hung."""

_WARNING = re.compile(r"\bwarn(ing)?\b", re.IGNORECASE)
_ITS_OWN = re.compile(
    r"deprecat|setup\.py|root user|setuptools|license|project-urls|SyntaxWarning|standard file not found|experimental|virtualenv is being created|yanked",
    re.IGNORECASE,
)
"""Warnings of a client about itself or about the package that a test made or yanked, not about the index."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What an environment is called and what is installed in it."""

    name: str
    requirements: tuple[str, ...]
    newest: tuple[int, int] = (3, 99)
    """The newest Python that it runs on."""


PIP = Environment("pip-26.3", ("pip==26.3", "flit_core==4.2.0"))
PIP_21 = Environment("pip-21.3.1", ("pip==21.3.1", "flit_core==4.2.0"), (3, 11))
UV = Environment("uv-0.13.9", ("uv==0.13.9",))
TWINE = Environment("twine-7.0.0", ("twine==7.0.0",))
TWINE_6 = Environment("twine-6.1.0", ("twine==6.1.0",))
POETRY = Environment("poetry-2.5.1", ("poetry==2.5.1",))
FLIT = Environment("flit-4.2.0", ("flit==4.2.0",))
HATCH = Environment("hatch-1.18.2", ("hatch==1.18.2",))
PDM = Environment("pdm-2.29.3", ("pdm[locked]==2.29.3",))
BUILD = Environment("build-1.6.1", ("build==1.6.1", "hatchling==1.33.0", "flit_core==4.2.0"))
SETUPTOOLS_65 = Environment("setuptools-65.7.0", ("setuptools==65.7.0",), (3, 11))
PYPISERVER = Environment(
    "pypiserver-2.4.2",
    # The last watchdog that does not report files that are opened: with a later one it throws its cache away itself.
    ("pypiserver==2.4.2", "gunicorn==27.0.1", "watchdog==2.1.9", "libpass==1.9.4", "bcrypt>=4"),
)


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command said, standard output and error together, and its exit code."""

    exit_code: int
    output: str


@dataclass(frozen=True, slots=True)
class Client:
    """The programs of an environment, run with nothing of this machine's settings and no way to any registry."""

    programs: Path
    home: Path

    def run(
        self,
        program: str,
        *arguments: str | Path,
        cwd: Path | None = None,
        variables: dict[str, str] | None = None,
        expected: int | None = 0,
    ) -> Finished:
        """Run a program to its end; ``expected`` is the exit code it must have (``None``: any)."""
        done = subprocess.run(
            [self.programs / program, *arguments],
            cwd=cwd or self.home,
            env=self.variables() | (variables or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=LONGEST_RUN,
            check=False,
        )
        assert expected is None or done.returncode == expected, (
            f"{program} ended with {done.returncode}:\n{done.stdout}"
        )
        # A client that is not content with the index says so; then the index is wrong, not the client.
        warnings = [line for line in done.stdout.splitlines() if _WARNING.search(line) and not _ITS_OWN.search(line)]
        assert done.returncode or expected != 0 or not warnings, f"{program} warns:\n{done.stdout}"
        return Finished(done.returncode, done.stdout)

    def variables(self) -> dict[str, str]:
        """Return the process environment; a dead proxy stands between the client and every host but loopback."""
        dead = "http://127.0.0.1:9"
        return {
            "PATH": f"{self.programs}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "HTTP_PROXY": dead,
            "HTTPS_PROXY": dead,
            "http_proxy": dead,
            "https_proxy": dead,
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "XDG_CONFIG_DIRS": str(self.home),
            "UV_PYTHON": sys.executable,
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_HTTP_RETRIES": "0",
            "VIRTUALENV_NO_PERIODIC_UPDATE": "1",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "PDM_CHECK_UPDATE": "0",
            "NO_COLOR": "1",
            "TERM": "dumb",
            "COLUMNS": "400",
        }


def programs_of(environment: Environment) -> Path:
    """Return the folder with an environment's programs, made first if it is not there or has other requirements."""
    folder = VENVS / environment.name
    stamp = folder / "requirements.stamp"
    wanted = "\n".join((sys.version, *environment.requirements))
    VENVS.mkdir(exist_ok=True)
    with (VENVS / f"{environment.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (stamp.exists() and stamp.read_text() == wanted):
            shutil.rmtree(folder, ignore_errors=True)
            _run("-m", "venv", "--without-pip", folder)
            pip = ("-m", "pip", "--python", folder / "bin" / "python", "--disable-pip-version-check")
            _run(*pip, "install", "--quiet", *environment.requirements)
            stamp.write_text(wanted)
    return folder / "bin"


def _run(*arguments: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{arguments} failed:\n{done.stdout}")
