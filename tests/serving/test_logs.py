"""Log files that something moves away."""

from pathlib import Path

import pytest

from twisted_pypi.serving.logs import LogFile
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
