"""The password file on a real disk, changed in every way that people and programs change it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from mmap import mmap
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from twisted_pypi.accounts import password_file
from twisted_pypi.accounts.password_file import PROVISIONAL_NS, PasswordFile

LONG_AGO = 1_700_000_000_000_000_000
SHA = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="


class WallClock:
    """A wall clock that is set by hand, in nanoseconds."""

    def __init__(self) -> None:
        self.now = time.time_ns() + 3600 * 10**9

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def wall() -> WallClock:
    """A clock by which every file of this test was changed long ago."""
    return WallClock()


@pytest.fixture
def file(path: Path, clock: Clock, wall: WallClock) -> PasswordFile:
    return PasswordFile(str(path), clock, now_ns=wall)


def users(file: PasswordFile) -> list[str]:
    file.refresh()
    return sorted(file.table.entries)


def test_missing_file_is_nobody_and_is_taken_up_when_it_appears(
    file: PasswordFile, path: Path, logged: list[str]
) -> None:
    assert users(file) == users(file) == []
    (line,) = logged
    assert line.startswith(f"There is no password file {path} yet: nobody can log in")
    path.write_text("alice:x\n")
    assert users(file) == ["alice"]
    assert logged[1:] == [f"the password file {path} can be read again", f"1 users can log in, by {path}"]


def append(path: Path) -> None:
    with path.open("a") as out:
        out.write("bob:x\n")


def replace_by_rename(path: Path) -> None:
    new = path.with_name("4913~")
    new.write_text("alice:x\nbob:x\n")
    os.utime(new, ns=(LONG_AGO, LONG_AGO))
    new.rename(path)


def overwrite_in_place(path: Path) -> None:
    path.write_text("alice:x\nbob:x\n")


def delete_and_create(path: Path) -> None:
    path.unlink()
    path.write_text("alice:x\nbob:x\n")


@pytest.mark.parametrize("change", [append, replace_by_rename, overwrite_in_place, delete_and_create])
def test_every_way_of_changing_it_is_seen_at_once(
    file: PasswordFile, path: Path, change: Callable[[Path], None]
) -> None:
    path.write_text("alice:x\n")
    assert users(file) == ["alice"]
    before = file.generation
    change(path)
    assert users(file) == ["alice", "bob"]
    assert file.generation == before + 1


def test_change_that_keeps_size_and_time_is_seen(file: PasswordFile, path: Path) -> None:
    path.write_text("ann:x\n")
    times = path.stat().st_mtime_ns
    assert users(file) == ["ann"]
    time.sleep(0.02)  # more than the grain of the ctime (a tick of the kernel), which is what tells
    path.write_text("bob:x\n")
    os.utime(path, ns=(times, times))
    assert users(file) == ["bob"]


def test_removed_user_is_gone_and_an_empty_file_is_nobody(file: PasswordFile, path: Path) -> None:
    path.write_text("alice:x\nbob:x\n")
    assert users(file) == ["alice", "bob"]
    path.write_text("bob:x\n")
    assert users(file) == ["bob"]
    path.write_text("")
    assert users(file) == []


def test_kubernetes_secret_that_is_swapped(tmp_path: Path, clock: Clock, wall: WallClock) -> None:
    for name, text in (("..2026_01", "alice:x\n"), ("..2026_02", "carol:x\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "htpasswd").write_text(text)
        os.utime(tmp_path / name / "htpasswd", ns=(LONG_AGO, LONG_AGO))
    (tmp_path / "..data").symlink_to("..2026_01")
    (tmp_path / "htpasswd").symlink_to("..data/htpasswd")
    file = PasswordFile(str(tmp_path / "htpasswd"), clock, now_ns=wall)
    assert users(file) == ["alice"]
    (tmp_path / "..data_tmp").symlink_to("..2026_02")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    assert users(file) == ["carol"]


def test_unchanged_file_is_not_read_again(file: PasswordFile, path: Path, logged: list[str]) -> None:
    path.write_text("alice:x\nbad\n")
    users(file)
    table, lines = file.table, list(logged)
    assert lines.count(f"line 2 of {path}: there is no colon, and user:hash was expected") == 1
    for _ in range(3):
        file.refresh()
    assert file.table is table
    assert logged == lines


def test_deleted_file_leaves_the_last_good_table_with_one_line(
    file: PasswordFile, path: Path, logged: list[str]
) -> None:
    path.write_text("alice:x\n")
    users(file)
    path.unlink()
    logged.clear()
    assert users(file) == users(file) == ["alice"]
    assert logged == [
        f"the password file {path} cannot be read (No such file or directory): its last good version stays in force"
    ]
    path.write_text("alice:x\n")
    assert users(file) == ["alice"]
    assert logged[1:] == [f"the password file {path} can be read again"]


def test_directory_and_pipe_in_its_place_never_block(file: PasswordFile, path: Path, logged: list[str]) -> None:
    path.write_text("alice:x\n")
    users(file)
    path.unlink()
    os.mkfifo(path)
    logged.clear()
    assert users(file) == ["alice"]
    path.unlink()
    path.mkdir()
    assert users(file) == ["alice"]
    assert len(logged) == 2


def test_file_that_is_too_large_is_not_read(file: PasswordFile, path: Path, logged: list[str]) -> None:
    with path.open("wb") as out:
        out.truncate(password_file.LARGEST + 1)
    assert users(file) == []
    assert "larger than" in logged[0]


@pytest.mark.parametrize("end", ["bo", "bob:", "bob:{SHA}5en6G6", "bob:$2y$05$abc"])
def test_half_written_file_leaves_the_last_good_table(
    file: PasswordFile, path: Path, logged: list[str], end: str
) -> None:
    path.write_text("alice:x\ncarol:x\n")
    users(file)
    path.write_text(f"alice:y\n{end}")
    logged.clear()
    assert users(file) == users(file) == ["alice", "carol"]
    assert file.table.entries["alice"] == "x"
    assert len(logged) == 2
    assert logged[0].startswith(f"line 2 of {path}: ")
    assert "its last good version stays in force" in logged[1]
    path.write_text(f"alice:y\nbob:{SHA}\n")
    assert users(file) == ["alice", "bob"]


def test_at_start_the_good_lines_of_a_half_written_file_count(file: PasswordFile, path: Path) -> None:
    path.write_text("alice:x\nbo")
    assert users(file) == ["alice"]


def test_change_that_leaves_no_trace_is_seen_while_the_file_is_fresh(
    file: PasswordFile, path: Path, wall: WallClock
) -> None:
    path.write_text("___:x\n")
    with path.open("r+b") as opened, mmap(opened.fileno(), 0) as memory:
        memory[:3] = b"ann"
        # From here on, what is written to the page that is dirty already leaves the times as they are.
        status = path.stat()
        wall.now = status.st_mtime_ns + PROVISIONAL_NS // 2
        assert users(file) == ["ann"]
        memory[:3] = b"bob"
        assert users(file) == ["bob"]
        wall.now += PROVISIONAL_NS
        assert users(file) == ["bob"]
        memory[:3] = b"eve"
        assert users(file) == ["bob"], "an old file is known by its times alone"
        assert path.stat()[:-3] == status[:-3]
        assert path.stat().st_mtime_ns == status.st_mtime_ns


def test_generation_grows_only_when_the_users_change(file: PasswordFile, path: Path) -> None:
    path.write_text("alice:x\n")
    users(file)
    before = file.generation
    path.write_text("# a comment\nalice:x\n")
    users(file)
    assert file.generation == before
    path.write_text("alice:y\n")
    users(file)
    assert file.generation == before + 1


def test_user_who_was_just_lost(file: PasswordFile, path: Path, clock: Clock) -> None:
    path.write_text("alice:x\n")
    users(file)
    assert not file.just_lost("alice")
    path.write_text("")
    users(file)
    assert file.just_lost("alice")
    assert not file.just_lost("bob")
    clock.advance(password_file.SETTLE)
    assert not file.just_lost("alice")
