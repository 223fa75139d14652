"""The records of projects: read, noticed, written."""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor

from tests.storage.running import OneThread, comes_true, put, running
from twisted_pypi.catalog import Identity
from twisted_pypi.config import Watch
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import NoSuchFile, Unreadable
from twisted_pypi.project_records import ACTIVE, PROJECT, PROJECTS, Origin, ProjectRecord, Status, Whose
from twisted_pypi.storage.project_marks import UNCLEAR, ProjectMarks
from twisted_pypi.storage.record_writing import change_origin, change_record, read_record, settle_origin

X = ProjectName("x")
ARCHIVED = ProjectRecord(Status.ARCHIVED, "done")
OURS = Origin(Whose.OURS, "x was uploaded here", 1_700_000_000_000_000_000)
UPSTREAMS = Origin(Whose.UPSTREAM, "each file is there", 1_700_000_000_000_000_000, {"x-1.zip": "ab" * 32})


class House:
    def __init__(self, root: Path) -> None:
        root.mkdir(exist_ok=True)
        self.root = root
        self.told: list[frozenset[ProjectName]] = []
        self.marks = ProjectMarks(str(root), OneThread(), lambda names: self.told.append(names) if names else None)

    def write(self, text: str, name: str = "x") -> Path:
        path = self.root / PROJECTS / name / PROJECT
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


def test_what_changed_is_told_once(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.marks.reload()
    assert house.marks.of(X) == ACTIVE
    path = house.write('{"status": "archived", "reason": "done"}')
    house.marks.reload()
    house.marks.reload()
    assert house.marks.of(X) == ARCHIVED
    path.unlink()
    house.marks.reload()
    assert house.marks.of(X) == ACTIVE
    assert house.told == [{X}, {X}]


@pytest.mark.parametrize("name", ["X", "x_y", "-", ".x", "ab\n"])
def test_only_normalised_names_count(tmp_path: Path, name: str) -> None:
    house = House(tmp_path)
    house.write('{"status": "archived"}', name)
    house.marks.reload()
    assert house.told == []


def test_what_cannot_be_understood_says_what_it_said(tmp_path: Path) -> None:
    house = House(tmp_path)
    path = house.write('{"status": "archived", "reason": "done"}')
    house.marks.reload()
    for broken in ("{", '{"status": "gone"}'):
        path.write_text(broken)
        house.marks.reload()
        assert house.marks.of(X) == ARCHIVED
    path.unlink()
    os.mkfifo(path)
    house.marks.reload()
    assert house.marks.of(X) == ARCHIVED
    path.unlink()
    path.symlink_to(path.name)
    house.marks.reload()
    assert house.marks.of(X) == ARCHIVED


@pytest.mark.parametrize("kind", ["garbage", "loop"])
def test_whoever_owns_what_was_never_understood_it_stays_in(tmp_path: Path, kind: str) -> None:
    house = House(tmp_path)
    path = house.write("{")
    if kind == "loop":
        path.unlink()
        path.symlink_to(path.name)
    for _ in range(2):
        house.marks.reload()
        assert house.marks.of(X) == UNCLEAR
    path.unlink()
    house.marks.reload()
    assert house.told == [{X}, {X}]


def test_an_unmounted_root_ends_no_quarantine(tmp_path: Path) -> None:
    house = House(tmp_path / "root")
    house.write('{"status": "archived", "reason": "done"}')
    house.marks.reload()
    (tmp_path / "root").rename(tmp_path / "away")
    house.marks.reload()
    assert house.marks.of(X) == ARCHIVED
    (tmp_path / "root").mkdir()
    house.marks.reload()
    assert house.marks.of(X) == ARCHIVED
    (tmp_path / "root").rmdir()
    (tmp_path / "away").rename(tmp_path / "root")
    shutil.rmtree(tmp_path / "root" / PROJECTS)
    house.marks.reload()
    assert house.marks.of(X) == ACTIVE


def test_a_change_keeps_what_else_is_said_and_holds_at_once(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.write('{"owners": ["anna"]}')
    record = house.marks.change(X, Status.QUARANTINED, "malware")
    assert record == ProjectRecord(Status.QUARANTINED, "malware", {"owners": ["anna"]})
    assert house.marks.of(X) == record == read_record(str(tmp_path), X)
    assert [each.name for each in (tmp_path / PROJECTS / "x").iterdir()] == [PROJECT]


def test_a_first_change(tmp_path: Path) -> None:
    assert read_record(str(tmp_path), X) == ACTIVE
    assert change_record(str(tmp_path), X, Status.ARCHIVED, "done") == ARCHIVED == read_record(str(tmp_path), X)


def test_whose_it_is_is_written_beside_the_status(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.write('{"owners": ["anna"], "status": "archived", "reason": "done"}')
    record = house.marks.claim_origin(X, UPSTREAMS)
    assert record == ProjectRecord(Status.ARCHIVED, "done", {"owners": ["anna"]}, origin=UPSTREAMS)
    assert house.marks.of(X) == record == read_record(str(tmp_path), X)
    assert house.marks.change(X, Status.ACTIVE, None).origin == UPSTREAMS
    assert house.marks.settle_origin(X, OURS).origin == OURS
    assert house.marks.settle_origin(X, UPSTREAMS).origin == OURS == house.marks.of(X).origin
    assert change_origin(str(tmp_path), X, None) == ProjectRecord(more={"owners": ["anna"]})
    house.marks.reload()
    assert house.marks.of(X) == ProjectRecord(more={"owners": ["anna"]})


def test_changes_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    root = str(tmp_path)

    def change(number: int) -> None:
        if number % 2:
            change_record(root, X, Status.ARCHIVED, str(number))
        else:
            settle_origin(root, X, UPSTREAMS if number % 4 else OURS)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(change, range(80)))
    record = read_record(root, X)
    assert (record.status, record.origin) == (Status.ARCHIVED, OURS)
    assert [each.name for each in (tmp_path / PROJECTS / "x").iterdir()] == [PROJECT]


def test_a_hint_has_one_record_read(tmp_path: Path) -> None:
    house = House(tmp_path)
    path, other = house.write('{"status": "archived"}'), house.write('{"status": "archived"}', "y")
    house.marks.look([str(tmp_path / "x"), str(path)])
    assert (house.marks.of(X).status, house.marks.of(ProjectName("y"))) == (Status.ARCHIVED, ACTIVE)
    house.marks.look([str(other.parent)])
    assert house.marks.of(ProjectName("y")).status is Status.ARCHIVED
    path.unlink()
    house.marks.look([str(path)])
    assert house.told == [{X}, {ProjectName("y")}, {X}]
    house.write('{"status": "archived"}')
    house.marks.look([f"{tmp_path}/{PROJECTS}"])
    assert house.told[3:] == [{X}]


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="not there"):
        change_record(str(tmp_path / "nowhere"), X, Status.ARCHIVED, None)
    House(tmp_path).write("{")
    with pytest.raises(Unreadable, match="nothing that can be understood"):
        change_record(str(tmp_path), X, Status.ARCHIVED, None)


def test_what_a_loss_of_power_left_empty_is_written_again(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.write("")
    house.marks.reload()
    assert (house.marks.of(X), house.told) == (ACTIVE, [])
    assert house.marks.claim_origin(X, OURS).origin == OURS == house.marks.of(X).origin


def test_where_they_are(tmp_path: Path) -> None:
    marks = House(tmp_path).marks
    assert marks.are_at(f"{tmp_path}/{PROJECTS}")
    assert marks.are_at(f"{tmp_path}/{PROJECTS}/x/{PROJECT}")
    assert not marks.are_at(f"{tmp_path}/{PROJECTS}x")
    assert not marks.are_at(f"{tmp_path}/x.whl")


@pytest.mark.parametrize("watch", [Watch.AUTO, Watch.POLL])
@pytest_twisted.ensureDeferred
async def test_a_scanner_keeps_them_in_step(tmp_path: Path, watch: Watch) -> None:
    root = put(tmp_path / "root" / "x-1.0-py3-none-any.whl").parent
    change_record(str(root), X, Status.QUARANTINED, None)
    real: Any = reactor
    marks = ProjectMarks(str(root), real, lambda _: None)

    async def now(status: Status) -> None:
        async def same() -> bool:
            return marks.of(X).status is status

        if watch is Watch.AUTO:
            await comes_true(same)
        else:
            await here.scanner.rescan()
            assert await same()

    async with running(root, watch=watch, marks=marks) as here:
        assert await here.filenames("x") == ["x-1.0-py3-none-any.whl"]
        assert marks.of(X).status is Status.QUARANTINED
        await here.scanner.rescan()
        change_record(str(root), X, Status.ARCHIVED, None)
        await now(Status.ARCHIVED)
        shutil.rmtree(root / PROJECTS)
        await now(Status.ACTIVE)
        change_record(str(root), X, Status.DEPRECATED, None)
        await now(Status.DEPRECATED)


@pytest_twisted.ensureDeferred
async def test_whose_it_is_holds_when_its_last_file_is_gone(tmp_path: Path) -> None:
    root = put(tmp_path / "root" / "x-1.0-py3-none-any.whl").parent
    real: Any = reactor
    marks = ProjectMarks(str(root), real, lambda _: None)
    async with running(root, watch=Watch.OFF, marks=marks) as here:
        assert await here.filenames("x") == ["x-1.0-py3-none-any.whl"]
        await here.scanner.rescan()
        # Nobody hints at the record, and no scan comes by.
        change_origin(str(root), X, OURS)
        (root / "x-1.0-py3-none-any.whl").unlink()
        with pytest.raises(NoSuchFile):
            await here.index.file_at("x-1.0-py3-none-any.whl")
        assert await here.filenames("x") == []
        assert marks.of(X).origin == OURS


def test_records_that_were_never_read_are_in_doubt(tmp_path: Path) -> None:
    house = House(tmp_path / "root")
    (folder := house.root / PROJECTS).symlink_to(PROJECTS)
    for _ in range(2):
        house.marks.reload()
        assert "cannot be read (Too many levels of symbolic links)" in (house.marks.doubt() or "")
        assert house.marks.troubles() == [house.marks.doubt()]
    folder.unlink()
    folder.symlink_to("elsewhere")
    assert "cannot be read (No such file or directory)" in (house.marks.doubt() or "")
    house.root.rename(tmp_path / "away")
    assert house.marks.doubt() is not None
    (tmp_path / "away").rename(house.root)
    folder.unlink()
    house.write('{"status": "archived", "reason": "done"}')
    assert (house.marks.doubt(), house.marks.of(X), house.marks.troubles()) == (None, ARCHIVED, [])
    house.root.rename(tmp_path / "away")
    house.marks.reload()
    assert (house.marks.doubt(), house.marks.of(X)) == (None, ARCHIVED)


class Later(OneThread):
    """Is a while late with what other threads hand to it."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def callFromThread(self, callable: Callable[..., Any], *args: object, **kwargs: object) -> None:  # noqa: A002  # its name there
        self.waiting.append(partial(callable, *args, **kwargs))


def test_the_doubt_ends_when_the_records_are_in_force(tmp_path: Path) -> None:
    House(tmp_path).write('{"status": "archived", "reason": "done"}')
    reactor = Later()
    marks = ProjectMarks(str(tmp_path), reactor, lambda _: None)
    marks.reload()
    assert (marks.doubt(), marks.of(X)) == (None, ARCHIVED)
    reactor.waiting.pop()()
    assert marks.of(X) == ARCHIVED


def test_an_empty_folder_in_the_place_of_the_one_with_the_files_is_in_doubt(tmp_path: Path) -> None:
    house = House(tmp_path / "root")
    (house.root / ".twisted-pypi").mkdir()
    house.marks.expect(Identity(0, 1))
    assert "is its volume not mounted?" in (house.marks.doubt() or "")
    put(house.root / "x-1.0-py3-none-any.whl")
    assert house.marks.doubt() is None
    fresh = House(house.root)
    (house.root / "x-1.0-py3-none-any.whl").unlink()
    fresh.marks.expect(Identity.of(house.root.stat()))
    assert fresh.marks.doubt() is None
    assert House(house.root).marks.doubt() is None
