"""Commands on a full disk: nothing is lost, and what is said helps."""

from __future__ import annotations

import io
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from twisted_pypi.command import remove, user
from twisted_pypi.command.verbs import CannotBeDone
from twisted_pypi.testing.archives import sdist, wheel

WHEEL, SDIST = "x-1.0-py3-none-any.whl", "x-1.0.tar.gz"


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow, which fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_cannot_be_removed_stays_and_a_way_without_room_is_named(tmp_path: Path) -> None:
    (tmp_path / WHEEL).write_bytes(wheel("x", "1.0"))
    (tmp_path / SDIST).write_bytes(sdist("x", "1.0"))
    words = ["x", SDIST, "--root", str(tmp_path)]
    with full_disk():
        with pytest.raises(CannotBeDone, match=f"^{SDIST} stays: .*, or give --purge, which needs none$"):
            remove.main(words, {})
        assert (tmp_path / SDIST).exists()
        assert "is deleted for good" in remove.main([*words, "--purge"], {})
    assert [each.name for each in tmp_path.glob("[!.]*")] == [WHEEL]


def test_a_password_file_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".htpasswd"
    file.write_text("you:plain\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    with full_disk(), pytest.raises(CannotBeDone, match=r"cannot be changed \([^()]*\)$"):
        user.main(["add", "me", "--file", str(file)], {})
    assert file.read_text() == "you:plain\n"
    assert list(tmp_path.iterdir()) == [file]
