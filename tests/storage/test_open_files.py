import sys
from pathlib import Path

import pytest

from twisted_pypi.storage.open_files import nobody_writes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


def test_a_file_that_is_open_for_writing_is_told_from_one_that_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as writer, path.open("rb") as reader:
        assert not nobody_writes(reader.fileno())
        writer.write(b"content")
    with path.open("rb") as reader, path.open("rb"):
        assert nobody_writes(reader.fileno())


def test_afterwards_the_file_can_be_written_at_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    with path.open("rb") as reader:
        assert nobody_writes(reader.fileno())
        path.write_bytes(b"other")
