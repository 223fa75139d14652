"""The old server takes over the folder, and gives it back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.clients.archives import sdist, wheel
from tests.clients.environments import PYPISERVER, programs_of
from tests.clients.fixtures import PASSWORD, USER, Start
from tests.clients.server import Process, clean_variables, free_port
from tests.clients.uploading import upload

pytestmark = pytest.mark.clients

LOGIN = f"{USER}:{PASSWORD}"
OURS = (wheel("acme-core", "1.0"), sdist("acme-core", "1.0"), wheel("Acme.Tool", "2.0"))
THEIRS = wheel("acme-core", "1.1")


def _file_names(page: str) -> set[str]:
    return set(re.findall(r">([^<>]+\.(?:whl|tar\.gz))</a>", page))


def test_pypiserver_serves_the_same_folder(
    uploads: Process, root: Path, passwords: Path, start: Start, home: Path, tmp_path: Path
) -> None:
    for each in OURS:
        assert upload(uploads.port, each.put_into(home), LOGIN).status == 200
    assert uploads.stop() == 0
    port = free_port()
    command: list[str | Path] = [programs_of(PYPISERVER) / "pypi-server", "run", "-p", str(port), "-i", "127.0.0.1"]
    command += ["--disable-fallback", "-P", passwords, root]
    with Process(command, port, tmp_path / "old.log", clean_variables()) as old:
        assert _file_names(old.get("/packages/").text) == {each.filename for each in OURS}
        assert _file_names(old.get("/simple/acme-core/").text) == {each.filename for each in OURS[:2]}
        for each in OURS:
            assert old.get(f"/packages/{each.filename}").body == each.content
        assert upload(old.port, THEIRS.put_into(home), LOGIN).status == 200
    server = start(root, "--passwords", passwords)
    assert server.comes_true(lambda: f"#sha256={THEIRS.sha256}" in server.get("/simple/acme-core/").text)
    assert _file_names(server.get("/packages/").text) == {each.filename for each in (*OURS, THEIRS)}
