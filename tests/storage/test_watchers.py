"""The hints that a watcher gives: each of them, without anything that listens to it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.storage.running import PATIENCE, put
from twisted_pypi.sidecars import sidecar_name
from twisted_pypi.storage.publishing import DirectoryStore
from twisted_pypi.storage.watch import MakeWatcher, Watcher, watcher_of_this_system
from twisted_pypi.storage.watch_elsewhere import Watcher as ElsewhereWatcher
from twisted_pypi.testing.archives import wheel

OLD = "acme-1.0-py3-none-any.whl"
NEW = "acme-1.1-py3-none-any.whl"
LAST = "acme-9.9-py3-none-any.whl"

every_watcher = pytest.mark.parametrize("make", [watcher_of_this_system(), ElsewhereWatcher], ids=["here", "elsewhere"])
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="of the watcher of Linux")


class Told:
    """What a watcher told."""

    def __init__(self) -> None:
        self.hints: list[tuple[str, bool]] = []
        self.lost = threading.Event()
        self.held: threading.Lock = threading.Lock()

    def hint(self, path: str, whole: bool) -> None:
        with self.held:
            self.hints.append((path, whole))

    def until(self, *hint: object) -> None:
        """Wait until that was told."""
        end = time.monotonic() + PATIENCE
        while hint not in self.hints:
            assert time.monotonic() < end, (hint, self.hints[-20:])
            time.sleep(0.005)


@contextmanager
def watched(make: MakeWatcher, *roots: Path) -> Iterator[tuple[Watcher, Told]]:
    """Watch folders until the block ends."""
    told = Told()
    watcher = make([str(root) for root in roots], told.hint, told.lost.set)
    watcher.start()
    try:
        yield watcher, told
    finally:
        watcher.stop()


def _copied(root: Path) -> Path:
    return put(root / NEW)


def _moved_in(root: Path) -> Path:
    return put(root.parent / NEW).rename(root / NEW)


def _moved_within(root: Path) -> Path:
    return (root / OLD).rename(root / NEW)


def _moved_in_with_its_folder(root: Path) -> Path:
    put(root.parent / "elsewhere" / NEW)
    return (root.parent / "elsewhere").rename(root / "sub")


@every_watcher
@pytest.mark.parametrize("act", [_copied, _moved_within])
def test_what_is_whole(tmp_path: Path, make: MakeWatcher, act: Callable[[Path], Path]) -> None:
    root = tmp_path / "root"
    put(root / OLD)
    with watched(make, root) as (_, told):
        told.until(str(act(root)), True)


@on_linux
@pytest.mark.parametrize("act", [_moved_in, _moved_in_with_its_folder])
def test_what_is_moved_in_is_whole(tmp_path: Path, act: Callable[[Path], Path]) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with watched(watcher_of_this_system(), root) as (_, told):
        told.until(str(act(root)), True)


@every_watcher
def test_what_is_only_begun_linked_or_gone(tmp_path: Path, make: MakeWatcher) -> None:
    old = put(tmp_path / OLD)
    with watched(make, tmp_path) as (_, told):
        with (tmp_path / NEW).open("wb"):
            told.until(str(tmp_path / NEW), False)
        (tmp_path / LAST).hardlink_to(tmp_path / NEW)
        told.until(str(tmp_path / LAST), False)
        old.unlink()
        told.until(str(old), False)
        (tmp_path / "new").mkdir()
        told.until(str(tmp_path / "new"), False)


@every_watcher
def test_reading_a_file_and_writing_hidden_or_other_ones_is_nothing(tmp_path: Path, make: MakeWatcher) -> None:
    path = put(tmp_path / OLD)
    put(tmp_path / ".there" / OLD)
    with watched(make, tmp_path) as (_, told):
        path.read_bytes()
        put(tmp_path / ".there" / NEW, b"")
        put(tmp_path / ".hidden" / "deep" / OLD, b"")
        put(tmp_path / ".hidden" / OLD, b"")
        put(tmp_path / "notes.txt", b"")
        put(tmp_path / LAST)
        told.until(str(tmp_path / LAST), True)
    assert {path for path, _ in told.hints} == {str(tmp_path / LAST)}


@every_watcher
def test_records_of_projects_are_news(tmp_path: Path, make: MakeWatcher) -> None:
    with watched(make, tmp_path) as (_, told):
        put(tmp_path / ".projects" / "notes.txt", b"")
        told.until(str(tmp_path / ".projects"), False)
        (tmp_path / ".projects" / "acme").mkdir()
        told.until(str(tmp_path / ".projects" / "acme"), False)
        put(tmp_path / ".projects" / "acme" / ".project.json", b"{}")
        told.until(str(tmp_path / ".projects" / "acme" / ".project.json"), True)
    assert str(tmp_path / ".projects" / "notes.txt") not in dict(told.hints)


@every_watcher
def test_an_upload_is_told_by_its_final_names_alone(tmp_path: Path, make: MakeWatcher) -> None:
    store, content = DirectoryStore([str(tmp_path)], reserve=0), wheel("acme", "1.1")
    with watched(make, tmp_path) as (_, told):
        staged = store.stage(len(content), ())
        staged.write(content)
        store.publish(staged, NEW, sidecar=b"{}")
        put(tmp_path / LAST)
        told.until(str(tmp_path / LAST), True)
    assert {Path(path).name for path, _ in told.hints} == {NEW, sidecar_name(NEW), LAST}


@every_watcher
def test_every_root(tmp_path: Path, make: MakeWatcher) -> None:
    roots = [tmp_path / "a", tmp_path / "b", tmp_path / "b" / "within", tmp_path / "missing"]
    for root in roots[:3]:
        root.mkdir()
    with watched(make, *roots) as (_, told):
        for root in roots[:3]:
            told.until(str(put(root / NEW)), True)


@every_watcher
def test_a_root_that_is_replaced_or_comes_late(tmp_path: Path, make: MakeWatcher) -> None:
    root, late = tmp_path / "root", tmp_path / "late"
    root.mkdir()
    with watched(make, root, late) as (watcher, told):
        root.rename(tmp_path / "before")
        root.mkdir()
        late.mkdir()
        watcher.refresh()
        told.until(str(put(root / NEW)), True)
        told.until(str(put(late / NEW)), True)


@every_watcher
def test_a_folder_that_is_renamed_tells_of_where_it_is(tmp_path: Path, make: MakeWatcher) -> None:
    put(tmp_path / "before" / "deep" / OLD)
    with watched(make, tmp_path) as (_, told):
        (tmp_path / "before").rename(tmp_path / "after")
        told.until(str(tmp_path / "after"), True)
        told.until(str(put(tmp_path / "after" / "deep" / NEW)), True)
        put(tmp_path / LAST)
        told.until(str(tmp_path / LAST), True)
    assert str(tmp_path / "before" / "deep" / NEW) not in dict(told.hints)


@on_linux
def test_a_folder_that_was_moved_away_is_told_of_no_more(tmp_path: Path) -> None:
    root = tmp_path / "root"
    put(root / "sub" / "deep" / OLD)
    with watched(watcher_of_this_system(), root) as (_, told):
        away = (root / "sub").rename(tmp_path / "away")
        told.until(str(root / "sub"), False)
        put(away / "deep" / NEW)
        put(away / NEW)
        told.until(str(put(root / LAST)), True)
        put(root / "sub" / OLD)
        told.until(str(root / "sub"), False)
    # The new folder's file is found when the folder is looked at, or told of.
    assert {path for path, _ in told.hints} - {str(root / "sub" / OLD)} == {str(root / "sub"), str(root / LAST)}


@on_linux
def test_news_that_were_lost_are_said_and_it_is_watched_anew(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with watched(watcher_of_this_system(), root) as (watcher, told):
        most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        with told.held:
            # It hangs in the first hint of these, and the queue fills.
            for number in range(most // 2 + 2000):
                (root / f"acme-{number}.zip").touch()
            (root / "sub").mkdir()
        assert told.lost.wait(PATIENCE)
        told.lost.clear()
        watcher.refresh()
        told.until(str(put(root / "sub" / NEW)), True)
        assert not told.lost.is_set()


@on_linux
def test_a_root_that_comes_back_the_same_is_watched_again(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with watched(watcher_of_this_system(), root) as (watcher, told):
        root.rmdir()
        assert told.lost.wait(PATIENCE)
        root.mkdir()
        watcher.refresh()
        told.until(str(put(root / NEW)), True)


@every_watcher
def test_what_is_asked_of_one_that_has_ended_is_nothing(tmp_path: Path, make: MakeWatcher) -> None:
    with watched(make, tmp_path) as (watcher, told):
        pass
    before = threading.active_count()
    watcher.refresh()
    watcher.stop()
    put(tmp_path / NEW)
    assert threading.active_count() == before
    assert told.hints == []
