"""A real server that brings what is in its folder up to date by itself, again and again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.archives import wheel
from tests.clients.fixtures import Start, serving
from tests.clients.server import Process
from tests.processes.mirrored import asked, listed
from twisted_pypi.mirroring.schedule import FIRST

pytestmark = pytest.mark.clients

OLD, NEW, NEWEST = (wheel("borrowed", version) for version in ("1.0", "1.1", "1.2"))
OURS = wheel("acme-secret", "1.0")


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Process]:
    published = (OLD, NEW, wheel("acme-secret", "9.0"))
    with serving(tmp_path / "upstream", published, "--access-log", tmp_path / "asked") as server:
        yield server


def test_it_updates_by_itself_and_outlives_an_outage(
    upstream: Process, root: Path, start: Start, tmp_path: Path
) -> None:
    OLD.lay_into(root)
    OURS.lay_into(root)
    more = (
        "--upstream",
        f"{upstream.url}/simple/",
        "--update-every",
        "2s",
        "--private",
        "acme-*",
        "--disable-fallback",
    )
    server = start(root, *more)
    assert server.comes_true(lambda: listed(server, "borrowed") == {OLD.filename, NEW.filename}, within=FIRST + 30)
    assert server.get(f"/packages/{NEW.filename}").body == NEW.content
    upstream.kill()
    assert server.comes_true(lambda: "could not be updated" in server.log)
    NEWEST.lay_into(tmp_path / "upstream" / "packages")
    upstream.start()
    assert server.comes_true(lambda: NEWEST.filename in listed(server, "borrowed"), within=60)
    assert not [each for each in asked(tmp_path / "asked") if "acme" in each]
    assert server.stop() == 0
