"""Files and projects marked by the command, in folders that nobody serves."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from twisted_pypi.command.mark import mark
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import TwistedPyPIError
from twisted_pypi.project_records import ProjectRecord, Status
from twisted_pypi.sidecars import Sidecar, Source, format_sidecar, parse_sidecar, sidecar_name
from twisted_pypi.storage.record_writing import read_record
from twisted_pypi.testing.archives import sdist, wheel

WHEEL, SDIST, OTHER = "x_y-1.0-py3-none-any.whl", "x-y-1.0.tar.gz", "x-1.0-py3-none-any.whl"


@pytest.fixture
def roots(tmp_path: Path) -> list[str]:
    """Two folders of packages, as words of a command line."""
    (tmp_path / "one" / "sub").mkdir(parents=True)
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "sub" / WHEEL).write_bytes(wheel("x_y", "1.0"))
    (tmp_path / "two" / WHEEL).write_bytes(wheel("x_y", "1.0"))
    (tmp_path / "two" / SDIST).write_bytes(sdist("x-y", "1.0"))
    (tmp_path / "two" / OTHER).write_bytes(wheel("x", "1.0"))
    return ["--root", str(tmp_path / "one"), "--root", str(tmp_path / "two")]


def sidecars(folder: Path) -> dict[str, Sidecar | None]:
    return {str(each.relative_to(folder)): parse_sidecar(each.read_bytes()) for each in folder.rglob(".*.json")}


def test_a_version_is_yanked_and_back(tmp_path: Path, roots: list[str]) -> None:
    said = mark("yank", ["X.Y", "1.0", "--reason", "broken", *roots])
    assert said.startswith(f"{SDIST}, {WHEEL} are yanked; a server that is running shows it")
    found = sidecars(tmp_path)
    assert {path: sidecar.yanked for path, sidecar in found.items() if sidecar} == {
        f"one/sub/{sidecar_name(WHEEL)}": "broken",
        f"two/{sidecar_name(SDIST)}": "broken",
    }
    # When the file came is what the server remembers.
    assert all(sidecar and sidecar.uploaded_ns is None for sidecar in found.values())
    assert mark("status", ["x-y", *roots]).splitlines() == [
        "x-y is active.",
        f"{SDIST} is yanked: broken.",
        f"{WHEEL} is yanked: broken.",
    ]
    assert "are not yanked any more" in mark("unyank", ["x-y", "1.0", *roots])
    assert {sidecar.yanked for sidecar in sidecars(tmp_path).values() if sidecar} == {None}


def test_a_file_is_yanked_and_what_is_known_of_it_stays(tmp_path: Path, roots: list[str]) -> None:
    digest = sha256((tmp_path / "two" / SDIST).read_bytes()).hexdigest()
    path = tmp_path / "two" / sidecar_name(SDIST)
    path.write_bytes(format_sidecar(Sidecar(digest, 7000, "bob")))
    assert mark("yank", ["x-y", SDIST, *roots]).startswith(f"{SDIST} is yanked;")
    assert sidecars(tmp_path) == {f"two/{path.name}": Sidecar(digest, 7000, "bob", yanked="", source=Source.UPLOAD)}


def test_a_status_that_is_none_is_told_from_those_that_are(
    roots: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        mark("status", ["x-y", "retired", *roots])
    assert "(choose from 'active', 'archived', 'quarantined', 'deprecated')" in capsys.readouterr().err


def test_a_status_is_set_in_the_first_folder(tmp_path: Path, roots: list[str]) -> None:
    assert mark("status", ["X.Y", "archived", "--reason", "done", *roots]).startswith("x-y is archived: done;")
    assert read_record(str(tmp_path / "one"), ProjectName("x-y")) == ProjectRecord(Status.ARCHIVED, "done")
    assert mark("status", ["x-y", *roots]) == "x-y is archived: done."
    mark("status", ["x-y", "active", *roots])
    assert json.loads((tmp_path / "one/.projects/x-y/.project.json").read_text()) == {"status": "active"}


def test_what_holds_is_a_document(tmp_path: Path, roots: list[str]) -> None:
    environ = {"PYPI_ROOT": str(tmp_path / "two")}
    found = json.loads(mark("yank", ["x-y", SDIST, "--reason", "bad", "--json"], environ))
    assert found == {"project": "x-y", "status": "active", "reason": None, "yanked": {SDIST: "bad"}}
    mark("status", ["x-y", "archived", "--reason", "done"], environ)
    found = json.loads(mark("status", ["x-y", "--json"], environ))
    assert found == {"project": "x-y", "status": "archived", "reason": "done", "yanked": {SDIST: "bad"}}
    assert json.loads(mark("unyank", ["x-y", "1.0", "--json", *roots]))["yanked"] == {}


@pytest.mark.parametrize(
    ("verb", "argv", "said"),
    [
        ("yank", ["x-y", "2.0", "{roots}"], "has no version and no file 2.0"),
        ("yank", ["z", "1.0", "{roots}"], "there is no project z"),
        ("yank", ["-", "1.0", "{roots}"], "is not the name of a project"),
        ("yank", ["x-y", "1.0", "--root", "/nowhere"], "is not there"),
        ("yank", ["x-y", "1.0", "--url", "ftp://x"], "is no address"),
        ("yank", ["x-y", "1.0", "-u", "me", "{roots}"], "-u goes with --url"),
        ("yank", ["x-y", "1.0", "--reason", "\0", "{roots}"], "characters that can be printed"),
        ("status", ["x-y", "--reason", "why", "{roots}"], "a reason goes with a status"),
        ("status", ["z", "archived", "{roots}"], "there is no project z"),
        ("yank", ["x-y", "1.0", "--url", "http://127.0.0.1:9"], "does not answer"),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    tmp_path: Path, roots: list[str], verb: str, argv: list[str], said: str
) -> None:
    words = [word for each in argv for word in (roots if each == "{roots}" else [each])]
    with pytest.raises(TwistedPyPIError, match=said):
        mark(verb, words)
    assert sidecars(tmp_path) == {}


@pytest.mark.parametrize(
    ("verb", "argv"),
    [
        ("yank", ["x"]),
        ("yank", ["x", "1.0", "--root", ".", "--url", "http://x"]),
        ("status", ["x", "gone", "--root", "."]),
        ("unyank", []),
    ],
)
def test_words_that_cannot_be_understood_end_it(verb: str, argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        mark(verb, argv)
    assert f"usage: twisted-pypi {verb}" in capsys.readouterr().err
