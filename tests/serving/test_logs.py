"""Log files that something moves away."""

import os
from pathlib import Path
from threading import Thread

import pytest

from twisted_pypi.serving.logs import LogFile, SharedLogFile
from twisted_pypi.serving.starting import CannotStart


def test_it_goes_on_in_a_new_file_after_rotation(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text("before\n")
    log = LogFile(str(path))
    assert path.read_text() == "before\n"
    log.open()
    log.write("one\n")
    path.rename(tmp_path / "access.log.1")
    log.write("two\n")
    log.reopen()
    log.write("three \udcff\n")
    log.close()
    log.write("lost\n")
    assert (tmp_path / "access.log.1").read_text() == "before\none\ntwo\n"
    assert path.read_text() == "three \\udcff\n"


def test_a_failed_reopening_keeps_the_file(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "access.log"
    path.parent.mkdir()
    log = LogFile(str(path))
    log.open()
    path.parent.rename(tmp_path / "moved")
    with pytest.raises(FileNotFoundError):
        log.reopen()
    log.write("still here\n")
    log.close()
    assert (tmp_path / "moved" / "access.log").read_text() == "still here\n"


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="cannot be opened"):
        LogFile(str(tmp_path / "no" / "log")).open()


def test_nothing_is_opened_before_it_is_asked_for(tmp_path: Path) -> None:
    LogFile(str(tmp_path / "log")).write("early\n")
    assert list(tmp_path.iterdir()) == []


def test_several_processes_write_whole_lines_into_a_pipe() -> None:
    read, write = os.pipe()
    log = SharedLogFile(f"/proc/self/fd/{write}")
    log.open()
    lines = [f"{number:04} {'x' * (number % 200)}\n" for number in range(1000)]
    writer = Thread(target=log.write, args=("".join(lines),))
    writer.start()
    told = ""
    while len(told) < len("".join(lines)):
        told += os.read(read, 65536).decode()
    writer.join()
    log.close()
    os.close(read)
    os.close(write)
    assert told == "".join(lines)


def test_a_line_is_never_torn_by_another_process(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    files = [SharedLogFile(str(path)) for _ in range(2)]
    for each in files:
        each.open()
    texts = ["".join(f"{letter * 150}\n" for _ in range(2000)) for letter in "ab"]
    threads = [Thread(target=file.write, args=(text,)) for file, text in zip(files, texts, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in files:
        each.close()
    assert sorted(path.read_text().splitlines()) == ["a" * 150] * 2000 + ["b" * 150] * 2000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
def test_what_found_no_room_keeps_no_file_from_being_opened_again_or_closed() -> None:
    log = LogFile("/dev/full")
    log.open()
    for end in (log.reopen, log.close):
        with pytest.raises(OSError, match="No space left"):
            log.write("lost\n")
        end()
    log.write("not open any more\n")
