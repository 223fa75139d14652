"""Files listed, removed and brought back by the command, in folders that nobody serves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from twisted_pypi.command import listing, remove, restore
from twisted_pypi.command.verbs import CannotBeDone
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import BadSetting
from twisted_pypi.project_records import Origin, Whose
from twisted_pypi.sidecars import Sidecar, Source, format_sidecar, sidecar_name
from twisted_pypi.storage.record_writing import change_origin, read_record
from twisted_pypi.testing.archives import sdist, wheel

WHEEL, SDIST, NEWER, OTHER = "x-1.0-py3-none-any.whl", "x-1.0.tar.gz", "x-1.1-py3-none-any.whl", "x-1-2.0.tar.gz"
X = ProjectName("x")


@pytest.fixture
def roots(tmp_path: Path) -> list[str]:
    """Two folders of packages, as words of a command line; one file is in both."""
    (tmp_path / "one" / "sub").mkdir(parents=True)
    (tmp_path / "two").mkdir()
    for folder in ("one/sub", "two"):
        (tmp_path / folder / WHEEL).write_bytes(wheel("x", "1.0"))
    (tmp_path / "two" / SDIST).write_bytes(sdist("x", "1.0"))
    (tmp_path / "two" / NEWER).write_bytes(wheel("x", "1.1"))
    # Its name could be that of x 1-2.0, and what is inside says that it is not.
    (tmp_path / "two" / OTHER).write_bytes(sdist("x-1", "2.0"))
    return ["--root", str(tmp_path / "one"), "--root", str(tmp_path / "two")]


def note(path: Path, source: Source, **more: Any) -> None:
    sidecar = Sidecar(sha256(path.read_bytes()).hexdigest(), source=source, **more)
    path.with_name(sidecar_name(path.name)).write_bytes(format_sidecar(sidecar))


def packages(folder: Path) -> set[str]:
    """What lies there, where it is not hidden."""
    found = (str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())
    return {each for each in found if "/." not in f"/{each}"}


def listed(capsys: pytest.CaptureFixture[str], *argv: str) -> list[dict[str, Any]]:
    assert listing.main([*argv, "--json"], {}) == 0
    (items,) = json.loads(capsys.readouterr().out).values()
    assert isinstance(items, list)
    return items


def test_every_copy_of_a_release_goes_and_comes_back(tmp_path: Path, roots: list[str]) -> None:
    before = packages(tmp_path)
    said = remove.main(["X", "1", *roots], {})
    assert said.startswith(f"{tmp_path}/one/sub/{WHEEL} is in the trash.\n{tmp_path}/two/")
    assert "`twisted-pypi restore x 1` brings it back.\n" in said
    assert packages(tmp_path) == {f"two/{NEWER}", f"two/{OTHER}"}
    # The project has other files still, so nobody decided anything.
    assert read_record(str(tmp_path / "one"), X).origin is None
    assert f"{tmp_path}/two/{SDIST} is back.\n" in restore.main(["x", "1.0", *roots], {})
    assert packages(tmp_path) == before


def test_a_file_goes_for_good_from_the_trash_too(tmp_path: Path, roots: list[str]) -> None:
    remove.main(["x", SDIST, *roots], {})
    (tmp_path / "two" / SDIST).write_bytes(sdist("x", "1.0"))
    found = json.loads(remove.main(["x", SDIST, "--purge", "--json", *roots], {}))
    assert (found["deleted"], found["trashed"], found["purged-from-trash"]) == ([f"{tmp_path}/two/{SDIST}"], [], 1)
    assert not list(tmp_path.rglob(f"*{SDIST}*"))
    assert f"two/{WHEEL}" in packages(tmp_path)


@pytest.mark.parametrize(
    ("source", "whose", "because"),
    [
        (Source.UPLOAD, Whose.OURS, "x was uploaded here"),
        (None, Whose.OURS, "files of x were put here by hand, and removed later"),
        (Source.UPSTREAM, None, ""),
    ],
)
def test_the_name_of_our_project_stays_in(
    tmp_path: Path, source: Source | None, whose: Whose | None, because: str
) -> None:
    file = tmp_path / WHEEL
    file.write_bytes(wheel("x", "1.0"))
    if source is not None:
        note(file, source)
    said = remove.main(["x", "--all", "--root", str(tmp_path)], {})
    origin = read_record(str(tmp_path), X).origin
    assert (whose, because) == ((origin.whose, origin.because) if origin else (None, ""))
    assert ("which stays yours" in said, "may be fetched again" in said) == (whose is not None, whose is None)


def test_a_sidecar_of_other_bytes_makes_nothing_an_upstreams(tmp_path: Path) -> None:
    (tmp_path / WHEEL).write_bytes(b"")
    note(tmp_path / WHEEL, Source.UPSTREAM)
    (tmp_path / WHEEL).write_bytes(wheel("x", "1.0"))
    remove.main(["x", "--all", "--root", str(tmp_path)], {})
    assert read_record(str(tmp_path), X).origin is not None


def test_what_was_decided_stays(tmp_path: Path) -> None:
    (tmp_path / WHEEL).write_bytes(wheel("x", "1.0"))
    upstreams = Origin(Whose.UPSTREAM, "each file is there", 0)
    change_origin(str(tmp_path), X, upstreams)
    remove.main(["x", "1.0", "--root", str(tmp_path)], {})
    assert read_record(str(tmp_path), X).origin == upstreams


def test_the_newest_of_two_comes_back_and_never_over_a_file(tmp_path: Path) -> None:
    root = ["--root", str(tmp_path)]
    for content in (b"old", b"new", b"there"):
        (tmp_path / SDIST).write_bytes(content)
        if content != b"there":
            remove.main(["x", SDIST, *root], {})
            entry = max((tmp_path / ".trash").iterdir(), key=lambda each: each.stat().st_mtime_ns)
            record = json.loads((entry / "record.json").read_text())
            record["removed"] = f"20{10 if content == b'old' else 20}-01-01T00:00:00Z"
            (entry / "record.json").write_text(json.dumps(record))
    (tmp_path / "sub").mkdir()
    (tmp_path / SDIST).rename(tmp_path / "sub" / SDIST)
    with pytest.raises(CannotBeDone, match=f"sub/{SDIST} is there, and nothing was brought back"):
        restore.main(["x", "1.0", *root], {})
    (tmp_path / "sub" / SDIST).unlink()
    assert json.loads(restore.main(["x", "1.0", "--json", *root], {}))["restored"] == [f"{tmp_path}/{SDIST}"]
    assert (tmp_path / SDIST).read_bytes() == b"new"


def test_the_trash_is_emptied(roots: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    remove.main(["x", "1.0", *roots], {})
    assert len(listed(capsys, "--trash", *roots)) == 3
    assert [each["filename"] for each in listed(capsys, "--trash", "x", SDIST, *roots)] == [SDIST]
    empty = ["--trash-older-than", "1d", "--purge", *roots]
    assert remove.main(empty, {}) == "Nothing in the trash is older than 1d."
    assert json.loads(remove.main([*empty[:1], "0d", *empty[2:], "--json"], {}))["purged"] == 3
    assert listed(capsys, "--trash", *roots) == []


def test_what_is_there_is_listed(tmp_path: Path, roots: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    note(tmp_path / "two" / NEWER, Source.UPLOAD, uploaded_ns=1_800_000_000 * 10**9, uploader="bob", yanked="bad")
    found = listed(capsys, "x", "1.1", *roots)
    content = wheel("x", "1.1")
    assert [{key: value for key, value in each.items() if key != "modified"} for each in found] == [
        {
            "project": "x",
            "version": "1.1",
            "filename": NEWER,
            "path": f"{tmp_path}/two/{NEWER}",
            "size": len(content),
            "uploaded": "2027-01-15T08:00:00Z",
            "uploader": "bob",
            "source": "upload",
            "yanked": "bad",
            "sha256": sha256(content).hexdigest(),
        }
    ]
    assert {each["path"][len(str(tmp_path)) + 1 :] for each in listed(capsys, "--files", *roots)} == packages(tmp_path)
    assert [(each["project"], each["files"], each["newest"]) for each in listed(capsys, *roots)] == [
        ("x", 4, "1.1"),
        ("x-1", 1, "2.0"),
    ]
    listing.main(["x", NEWER, *roots], {})
    assert ", uploaded 2027-01-15T08:00:00Z by bob, yanked: bad\n    sha256 " in capsys.readouterr().out


def test_the_folders_of_the_server_are_meant(tmp_path: Path) -> None:
    (tmp_path / WHEEL).write_bytes(wheel("x", "1.0"))
    remove.main(["x", "1.0"], {"PYPI_ROOT": str(tmp_path)})
    assert packages(tmp_path) == set()


@pytest.mark.parametrize(
    ("verb", "words", "message"),
    [
        (remove, ["x", "3"], "x has no version and no file 3 here: `twisted-pypi list x` shows"),
        (remove, ["z", "1"], "there is no project z here"),
        (restore, ["x", "1.0"], "the trash has nothing of x 1.0"),
        (listing, ["x", "9"], "there is nothing of x 9"),
        (listing, ["x", "--trash"], "the trash has nothing of x: `twisted-pypi list --trash` shows all"),
    ],
)
def test_what_is_not_there_is_said(tmp_path: Path, roots: list[str], verb: Any, words: list[str], message: str) -> None:
    before = packages(tmp_path)
    with pytest.raises(CannotBeDone, match=message):
        verb.main([*words, *roots], {})
    assert packages(tmp_path) == before


@pytest.mark.parametrize(
    ("verb", "words", "message"),
    [
        (remove, ["x"], "expected a project with a version or a file"),
        (remove, ["x", "1.0", "--all"], "expected a project with a version or a file"),
        (remove, ["-", "1.0"], "is not the name of a project"),
        (remove, ["--trash-older-than", "30d"], "deletes for good: give --purge"),
        (remove, ["--trash-older-than", "a month", "--purge"], "expected a number and one of"),
        (remove, ["x", "--trash-older-than", "1d", "--purge"], "goes without a project"),
        (remove, ["x", "1.0", "--root", "/nowhere"], "/nowhere is not there"),
        (restore, ["x"], "expected a version or a file"),
        (listing, ["x", "--files"], "--files goes without a project"),
    ],
)
def test_words_that_do_not_go_together(roots: list[str], verb: Any, words: list[str], message: str) -> None:
    with pytest.raises(BadSetting, match=message):
        verb.main([*words, *roots], {})


MEASURE = """
import os, sys, tracemalloc
from twisted_pypi.command import listing

sys.stdout = open(os.devnull, "w")
most = []
for root in sys.argv[1:]:
    tracemalloc.start()
    listing.main(["--files", "--json", "--root", root], {})
    most.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
print(*most[1:], file=sys.stderr)
"""


def test_memory_is_for_one_folder(tmp_path: Path) -> None:
    for count in (500, 4500):
        for number in range(count):
            folder = tmp_path / str(count) / str(number % 20)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"x{number}-1.0.tar.gz").touch()
    # What is remembered of names is bounded, and full after the first time.  A process of its own: in this one,
    # threads and garbage of other tests would count.
    roots = [tmp_path / count for count in ("4500", "500", "4500")]
    done = subprocess.run([sys.executable, "-c", MEASURE, *roots], capture_output=True, text=True, check=True)
    small, large = map(int, done.stderr.split())
    assert large - small < 4000 * 100


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_works_as_the_owner_of_the_folder() -> None:
    # Not below the folders of pytest, which nobody else may enter.
    with TemporaryDirectory() as folder:
        path = Path(folder)
        (path / WHEEL).write_bytes(wheel("x", "1.0"))
        for each in (path, path / WHEEL):
            os.chown(each, 4321, 1234)
        program = "from twisted_pypi.command.twisted_pypi import main; main()"
        command = [sys.executable, "-c", program, "remove", "x", "1.0", "--root", folder]
        subprocess.run(command, check=True, capture_output=True)
        made = list(path.rglob("*"))
        assert {".trash", ".projects", "record.json", WHEEL} <= {each.name for each in made}
        assert {(each.stat().st_uid, each.stat().st_gid) for each in made} == {(4321, 1234)}
