"""The page about work without a network: a folder is filled, carried in, and serves where nothing can be reached."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.clients.archives import wheel
from tests.clients.fixtures import serving
from tests.docs.blocks import PROJECT, steps
from tests.docs.terminal import Terminal

pytestmark = pytest.mark.clients

FIRST, SECOND = wheel("acme-app", "1.0", ["idna"]), wheel("idna", "3.11")


def test_air_gap(tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    (folder / "requirements.txt").write_text("acme-app\n")
    page = (PROJECT / "docs" / "howto" / "air-gap.md").read_text()
    outside, packed, inside = re.split(r"\n## See what you carry\n|\n## Inside\n", page)
    with serving(tmp_path / "public", [FIRST, SECOND]) as upstream:
        terminal = Terminal(folder, settings={"PYPI_UPSTREAM": f"{upstream.url}/simple/"})
        terminal.instead.update({"localhost:8080": f"127.0.0.1:{terminal.port}"})
        try:
            for step in steps(outside):
                terminal.do(step)
            terminal.stop()
            upstream.kill()
            for step in steps(packed + inside):
                terminal.do(step)
            terminal.stop()
        finally:
            for server in terminal.servers:
                server.kill()
    for archive in (FIRST, SECOND):
        assert (folder / "installed" / archive.filename).read_bytes() == archive.content
