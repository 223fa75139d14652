"""The file of the audit log, as the system makes it hard."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twisted_pypi.auditing import AppendOnlyFile, append
from twisted_pypi.auditing.lines import write_line
from twisted_pypi.boundaries.happenings import HappenedTo, Happening, HappeningKind, write_happening

UPLOAD = Happening(kind=HappeningKind.UPLOAD, moment=1.0, user="ada", files=(HappenedTo("a-1.tar.gz"),))


@contextmanager
def opened(path: Path) -> Iterator[AppendOnlyFile]:
    file = AppendOnlyFile(str(path))
    file.open()
    try:
        yield file
    finally:
        file.close()


@contextmanager
def no_longer_than(size: int) -> Iterator[None]:
    """No file may become longer than that, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@example(Happening(kind=HappeningKind.LOGIN, moment=0.0, user="\x7f\n\u2028\ud800"))
@given(st.builds(Happening, kind=st.sampled_from(HappeningKind), moment=st.floats(0, 1e10), user=st.text()))
def test_whatever_a_stranger_sends_is_one_line_of_printable_ascii(happening: Happening) -> None:
    line = write_line(happening)
    assert line.endswith(b"}\n")
    assert line[:-1].decode("ascii").isprintable()
    assert json.loads(line) == {**write_happening(happening), "files": []}


def test_a_command_appends_a_line_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    os.umask(os.umask(0o022))
    append(str(path), UPLOAD)
    append(str(path), UPLOAD)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == write_line(UPLOAD) * 2
    with pytest.raises(OSError, match="No such file or directory"):
        append(str(tmp_path / "no" / "folder"), UPLOAD)
    with pytest.raises(OSError, match="No space left") as caught:
        append("/dev/full", UPLOAD)
    assert caught.value.filename == "/dev/full"


def test_two_processes_append_between_each_other(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with opened(path) as one, opened(path) as other:
        for file, line in ((one, b"1\n"), (other, b"2\n"), (one, b"3\n")):
            assert file.append(line) == (2, None)
    assert path.read_bytes() == b"1\n2\n3\n"


def test_it_is_opened_again_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with opened(path) as file:
        file.append(b"1\n")
        path.rename(tmp_path / "old")
        file.append(b"2\n")
        file.reopen()
        file.append(b"3\n")
        path.unlink()
        path.mkdir()
        with pytest.raises(IsADirectoryError):
            file.reopen()
        assert file.append(b"4\n") == (2, None), "the one before stays open"
    assert (tmp_path / "old").read_bytes() == b"1\n2\n"
    assert file.append(b"5\n")[0] == 0
    file.reopen()


def test_a_line_that_was_torn_is_ended_and_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with opened(path) as file:
        with no_longer_than(5):
            written, problem = file.append(b"11\n22\n33\n")
            assert (written, problem and problem.errno) == (3, errno.EFBIG)
            written, problem = file.append(b"22\n33\n")
            assert (written, problem and problem.errno) == (0, errno.EFBIG)
        assert path.read_bytes() == b"11\n22"
        with no_longer_than(6):
            assert file.append(b"22\n33\n")[0] == 0
        assert file.append(b"22\n33\n") == (6, None)
    assert path.read_bytes() == b"11\n22\n22\n33\n"


def test_a_pipe_that_nobody_reads_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="No such device or address"), opened(tmp_path / "pipe"):
        pass
