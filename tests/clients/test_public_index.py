"""Three small packages of the real public index, where that can be reached: fetched on demand, and brought up to date."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.clients.environments import PIP, UV, Client, Environment
from tests.clients.fixtures import Start
from tests.clients.server import PROGRAMS, clean_variables
from tests.processes.mirrored import JSON, PROXY, kept
from twisted_pypi.distributions import ProjectName, parse_filename
from twisted_pypi.upstream.public_index import public_index

pytestmark = pytest.mark.clients

OLD = {"iniconfig": "2.0.0", "six": "1.16.0", "pluggy": "1.5.0"}
"""Three packages that need nothing, and a release of each that is not the last."""


@pytest.fixture(scope="module")
def published() -> dict[str, dict[str, str]]:
    """The digests that the public index gives of the files of each package."""
    found: dict[str, dict[str, str]] = {}
    for name in OLD:
        request = Request(f"{public_index().rstrip('/')}/{name}/", headers={"Accept": JSON})  # noqa: S310  # https
        try:
            with urlopen(request, timeout=20) as answer:  # noqa: S310  # as above
                page: dict[str, Any] = json.loads(answer.read())
        except HTTPError:
            raise
        except OSError as error:
            pytest.skip(f"the public index is out of reach: {error}")
        found[name] = {each["filename"]: each["hashes"]["sha256"] for each in page["files"]}
    return found


@pytest.mark.parametrize("environment", [PIP, UV], ids=lambda each: each.name)
def test_fetched_on_demand_and_brought_up_to_date(
    environment: Environment,
    client: Callable[[Environment], Client],
    published: dict[str, dict[str, str]],
    root: Path,
    start: Start,
    tmp_path: Path,
) -> None:
    # The clients themselves reach nothing but loopback.
    program, words = client(environment), ("uv", "pip") if environment is UV else ("python", "-m", "pip")
    server = start(root, *PROXY)
    pinned = [f"{name}=={version}" for name, version in OLD.items()]
    index = ("--no-cache-dir", "--index-url", f"{server.url}/simple/")
    program.run(*words, "install", "--target", tmp_path / "old", *index, *pinned)
    assert (tmp_path / "old/six.py").read_text().count(f'__version__ = "{OLD["six"]}"') == 1
    wheels = {path: data for path, data in kept(root).items() if path.endswith(".whl")}
    assert len(wheels) == len(OLD)
    for path, data in wheels.items():
        project, filename = path.split("/")
        assert sha256(data).hexdigest() == published[project][filename]
    folder = tmp_path / "mirror"
    for path in wheels:
        folder.mkdir(exist_ok=True)
        shutil.copy2(root / ".upstream" / path, folder)
    command: list[str | Path] = [PROGRAMS / "pypi-server", "update", "-x", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=clean_variables(), timeout=120)
    assert (done.returncode, f"Fetched {len(OLD)} files of {len(OLD)} projects" in done.stdout) == (0, True), (
        done.stdout + done.stderr
    )
    new = {path.name: path.read_bytes() for path in folder.glob("*.whl")}
    assert len(new) == 2 * len(OLD)
    for filename, data in new.items():
        project = parse_filename(filename).project
        assert sha256(data).hexdigest() == published[project][filename]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=clean_variables(), timeout=120)
    assert done.stdout.endswith("\nNothing to update.\n"), done.stdout + done.stderr
    mirror = start(folder, "--disable-fallback")
    index = ("--no-cache-dir", "--index-url", f"{mirror.url}/simple/")
    program.run(*words, "install", "--target", tmp_path / "new", *index, *OLD)
    assert f'__version__ = "{OLD["six"]}"' not in (tmp_path / "new/six.py").read_text()
    assert mirror.get(f"/simple/{ProjectName('six')}/").status == 200
