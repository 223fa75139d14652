"""twistd, twist and pypi-server, each with the whole server: help, last words, start and end."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.clients.server import free_port
from twisted_pypi.options.table import SETTINGS

BIN = Path(sys.executable).parent
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("PYPI_")}

STARTS = {
    "twistd": ["twistd", "-n", "--pidfile=", "--logfile=-", "pypi", "--root", "packages"],
    "twist": ["twist", "pypi", "--root", "packages"],
    "pypi-server": ["pypi-server", "run", "packages"],
    "pypi-server, old form": ["pypi-server", "packages"],
    "twisted-pypi": ["twisted-pypi", "run", "packages"],
}


def run(command: list[str], folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**CLEAN, **environ},
        timeout=60,
    )


@pytest.mark.parametrize("command", ["twistd", "twist"])
def test_the_runners_list_it(command: str, tmp_path: Path) -> None:
    said = run([command, "--help"], tmp_path)
    assert re.search(r"^\s+pypi\s+A private Python package index\.$", said.stdout, re.MULTILINE)


@pytest.mark.parametrize("command", ["twistd", "twist"])
def test_their_help_is_complete(command: str, tmp_path: Path) -> None:
    said = run([command, "pypi", "--help"], tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith(f"usage: {command} pypi --root DIR [options]")
    assert all(flag in said.stdout for setting in SETTINGS for flag in setting.flags)


@pytest.mark.parametrize("command", [["twistd", "-n", "pypi"], ["twistd", "pypi"], ["twist", "pypi"]], ids=" ".join)
@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (["--root", ".", "--port", "x"], 2, "--port 'x' cannot be used: expected a number from 0 to 65535."),
        ([], 2, "--root is missing: expected the folder to serve, here or in PYPI_ROOT."),
        (["--root", ".", "-P", "."], 1, "-P '.' asks for a server without any login, and that needs -a . "),
    ],
)
def test_a_wrong_value_is_one_sentence(
    command: list[str], options: list[str], code: int, sentence: str, tmp_path: Path
) -> None:
    said = run([*command, *options], tmp_path)
    assert (said.returncode, said.stdout, said.stderr.count("\n")) == (code, "", 1)
    assert said.stderr.startswith(f"{command[0]} pypi: {sentence}")
    assert list(tmp_path.iterdir()) == []


def answer(url: str) -> str:
    """What the server says, when it is there, within 30 seconds."""
    end = time.monotonic() + 30
    while True:
        try:
            with urlopen(url, timeout=10) as reply:  # noqa: S310  # an address of this test's own
                return str(reply.read().decode())
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


@pytest.mark.parametrize("command", STARTS.values(), ids=STARTS)
def test_it_starts_and_ends(command: list[str], tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [str(BIN / command[0]), *command[1:]],
        cwd=tmp_path,
        env={**CLEAN, "PYPI_PORT": str(port), "PYPI_HOST": "127.0.0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert answer(f"http://127.0.0.1:{port}/health") == "Ok"
        asked = run(["twisted-pypi", "health", "--pid", str(process.pid)], tmp_path, PYPI_PORT=str(port))
        assert (asked.returncode, asked.stdout) == (0, "200 Ok\n")
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in said) == (0, False)
    assert (tmp_path / "packages").is_dir()


def test_the_daemon(tmp_path: Path) -> None:
    port = free_port()
    command = ["twistd", "pypi", "--root", "packages", "-p", str(port), "-i", "127.0.0.1"]
    assert run(command, tmp_path).returncode == 0
    assert answer(f"http://127.0.0.1:{port}/health") == "Ok"
    os.kill(int((tmp_path / "twistd.pid").read_text()), signal.SIGTERM)
    end = time.monotonic() + 20
    while (tmp_path / "twistd.pid").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not (tmp_path / "twistd.pid").exists()
    assert "Traceback" not in (tmp_path / "twistd.log").read_text()
