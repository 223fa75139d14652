"""Files that come, change and go by hand while the server runs."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.archives import Archive, sdist, wheel
from tests.clients.fixtures import Start
from tests.clients.server import NOTICED, Process

pytestmark = pytest.mark.clients

FIRST = wheel("acme-core", "1.0")
SECOND = wheel("acme-core", "1.1")
REPLACED = wheel("acme-core", "1.0", payload=b"other bytes")
SOURCE = sdist("acme-core", "1.0")


@pytest.fixture
def server(root: Path, start: Start) -> Process:
    """A server on a folder with one file, and one deeper."""
    FIRST.put_into(root)
    SECOND.put_into(root / "deep" / "deeper")
    server = start(root)
    assert _shows(server, FIRST, SECOND)
    return server


def _listed(server: Process) -> set[tuple[str, str]]:
    page = server.get("/simple/acme-core/")
    assert page.status in {200, 404}
    return set(re.findall(r'#sha256=([0-9a-f]{64})"[^>]*>([^<]+)</a>', page.text)) if page.status == 200 else set()


def _shows(server: Process, *archives: Archive) -> bool:
    expected = {(each.sha256, each.filename) for each in archives}
    return server.comes_true(lambda: _listed(server) == expected, within=NOTICED)


def _copied(root: Path) -> None:
    SOURCE.put_into(root)


def _copied_into_a_new_folder(root: Path) -> None:
    SOURCE.put_into(root / "new" / "folder")


def _moved_in(root: Path) -> None:
    SOURCE.put_into(root.parent).rename(root / SOURCE.filename)


def _moved_in_with_its_folder(root: Path) -> None:
    SOURCE.put_into(root.parent / "aside" / "inner")
    (root.parent / "aside").rename(root / "aside")


def _linked(root: Path) -> None:
    (root / SOURCE.filename).hardlink_to(SOURCE.put_into(root.parent))


def _under_a_temporary_name_first(root: Path) -> None:
    path = root / f".{SOURCE.filename}.Xy12"
    path.write_bytes(SOURCE.content)
    path.rename(root / SOURCE.filename)


@pytest.mark.parametrize(
    "come",
    [
        _copied,
        _copied_into_a_new_folder,
        _moved_in,
        _moved_in_with_its_folder,
        _linked,
        _under_a_temporary_name_first,
    ],
    ids=lambda each: each.__name__,
)
def test_comes(come: Callable[[Path], None], server: Process, root: Path) -> None:
    come(root)
    assert _shows(server, FIRST, SECOND, SOURCE)


def test_removed(server: Process, root: Path) -> None:
    (root / FIRST.filename).unlink()
    assert _shows(server, SECOND)
    assert server.get(f"/packages/{FIRST.filename}").status == 404


def test_removed_with_its_folder(server: Process, root: Path) -> None:
    shutil.rmtree(root / "deep")
    assert _shows(server, FIRST)


def test_the_last_file_removed(server: Process, root: Path) -> None:
    shutil.rmtree(root / "deep")
    (root / FIRST.filename).unlink()
    assert server.comes_true(lambda: server.get("/simple/acme-core/").status == 404, within=NOTICED)


def test_moved_to_another_folder(server: Process, root: Path) -> None:
    (root / "elsewhere").mkdir()
    (root / FIRST.filename).rename(root / "elsewhere" / FIRST.filename)
    address = f"/packages/elsewhere/{FIRST.filename}"
    assert server.comes_true(lambda: address in server.get("/simple/acme-core/").text, within=NOTICED)
    assert server.get(address).body == FIRST.content
    assert server.get(f"/packages/{FIRST.filename}").status == 404


def test_its_folder_renamed(server: Process, root: Path) -> None:
    (root / "deep").rename(root / "other")
    address = f"/packages/other/deeper/{SECOND.filename}"
    assert server.comes_true(lambda: address in server.get("/simple/acme-core/").text, within=NOTICED)
    assert server.get(address).body == SECOND.content


@pytest.mark.parametrize("how", ["in place", "by rename"])
def test_replaced(how: str, server: Process, root: Path) -> None:
    path = root / FIRST.filename
    if how == "in place":
        path.write_bytes(REPLACED.content)
    else:
        REPLACED.put_into(root.parent).replace(path)
    assert _shows(server, REPLACED, SECOND)
    assert server.get(f"/packages/{FIRST.filename}").body == REPLACED.content


def test_hidden_by_a_rename(server: Process, root: Path) -> None:
    (root / "deep").rename(root / ".deep")
    assert _shows(server, FIRST)
    (root / ".deep").rename(root / "deep")
    assert _shows(server, FIRST, SECOND)


def test_not_listed_before_it_is_whole(server: Process, root: Path) -> None:
    content = wheel("acme-core", "2.0", payload=bytes(1_000_000))
    step = len(content.content) // 12
    with (root / content.filename).open("wb", buffering=0) as copy:
        for start in range(0, len(content.content), step):
            copy.write(content.content[start : start + step])
            time.sleep(0.25)
            assert content.filename not in {name for _, name in _listed(server)}
    assert _shows(server, FIRST, SECOND, content)


def test_without_a_watcher_the_scan_comes_round(root: Path, start: Start) -> None:
    server = start(root, "--watch", "poll", "--rescan", "1")
    FIRST.put_into(root)
    assert server.comes_true(lambda: _listed(server) == {(FIRST.sha256, FIRST.filename)})
    (root / FIRST.filename).unlink()
    assert server.comes_true(lambda: _listed(server) == set())


def test_a_name_that_came_just_before_the_start_is_never_sent_outside(root: Path, start: Start) -> None:
    FIRST.put_into(root)
    server = start(root, "--fallback-url", "https://index.example.com/simple")
    seen: list[int] = []

    def whole() -> bool:
        page = server.get("/simple/acme-core/")
        seen.append(page.status)
        return page.status == 200 and FIRST.filename in page.text

    assert server.comes_true(whole)
    assert {302, 303, 404}.isdisjoint(seen)
