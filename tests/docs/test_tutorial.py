"""The tutorial works, word for word."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.clients.archives import wheel
from tests.clients.fixtures import serving
from tests.docs.blocks import PROJECT, steps
from tests.docs.installing import ONLY_READ
from tests.docs.terminal import Terminal

pytestmark = pytest.mark.clients

OLD, NEW = wheel("idna", "3.10"), wheel("idna", "3.11")
"""What the upstream has of the project that the reader installs from the public index."""


def test_tutorial(tmp_path: Path) -> None:
    public, folder = tmp_path / "public", tmp_path / "reader"
    path = OLD.put_into(public / "packages")
    month_ago = time.time() - 30 * 86400
    os.utime(path, (month_ago, month_ago))
    folder.mkdir()
    with serving(public, [NEW]) as upstream:
        terminal = Terminal(folder, settings={"PYPI_UPSTREAM": f"{upstream.url}/simple/"}, only_read=ONLY_READ)
        terminal.instead.update({"localhost:8080": f"127.0.0.1:{terminal.port}", ":8080/": f":{terminal.port}/"})
        # The pip of the tests, in an environment that is made without one: that takes a fifth of the time.
        terminal.instead["python -m venv"] = "python -m venv --without-pip"
        terminal.instead["with-pip/bin/pip"] = "pip --python with-pip"
        try:
            for step in steps((PROJECT / "docs" / "tutorial.md").read_text()):
                terminal.do(step)
            terminal.stop()
        finally:
            for server in terminal.servers:
                server.kill()
    assert (folder / "packages/.upstream/idna" / OLD.filename).read_bytes() == OLD.content
