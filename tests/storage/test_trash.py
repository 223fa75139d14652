"""Removed files wait in the trash, out of sight, and come back as they were."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import pytest_twisted

from tests.storage.running import put, running
from twisted_pypi.catalog import Place
from twisted_pypi.config import Watch
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import AlreadyUploaded, NoSuchFile, NotAllowed
from twisted_pypi.sidecars import Sidecar, Source, format_sidecar, sidecar_name
from twisted_pypi.storage.folder_files import FolderFiles
from twisted_pypi.storage.trash import RECORD, TRASH, Trash

X = ProjectName("x")
WHEEL = "x-1.0-py3-none-any.whl"
PLACE = Place(0, "sub", WHEEL)
NOON = 1_800_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with one package, its sidecar and its signature."""
    root = tmp_path / "root"
    file = put(root / "sub" / WHEEL)
    digest = sha256(file.read_bytes()).hexdigest()
    file.with_name(sidecar_name(WHEEL)).write_bytes(
        format_sidecar(Sidecar(digest, 7000, "bob", yanked="bad", source=Source.UPLOAD))
    )
    file.with_name(f"{WHEEL}.asc").write_text("signed")
    return root


def facts(folder: Path) -> dict[str, tuple[bytes, int]]:
    """The content of every file, and when it was changed last; not so for sidecars, which are written anew."""
    found = {}
    for each in folder.rglob("*"):
        if each.is_file():
            of_bytes = each.name == WHEEL
            found[str(each.relative_to(folder))] = each.read_bytes(), each.stat().st_mtime_ns if of_bytes else 0
    return found


def test_a_file_goes_and_comes_back_with_all_that_lay_beside_it(root: Path) -> None:
    trash, before = Trash([str(root)], clock=lambda: NOON + 0.5), facts(root)
    removed = trash.put(PLACE, X, "1.0")
    assert list((root / "sub").iterdir()) == []
    assert list(trash.entries()) == [removed]
    assert (removed.path, removed.project, removed.version) == (f"sub/{WHEEL}", X, "1.0")
    assert (removed.removed_ns, removed.size) == (NOON * 10**9, len(before[f"sub/{WHEEL}"][0]))
    assert list(FolderFiles([str(root)], follow_links=False).places()) == []
    assert json.loads((root / TRASH / removed.entry / RECORD).read_text())["removed"] == "2027-01-15T08:00:00Z"
    (root / "sub").rmdir()
    assert trash.restore(removed) == f"{root}/sub/{WHEEL}"
    shutil.rmtree(root / TRASH)
    assert facts(root) == before


def test_nothing_is_put_over_what_is_there(root: Path) -> None:
    trash = Trash([str(root)])
    removed = trash.put(PLACE, X, "1.0")
    (root / "sub" / WHEEL).write_bytes(b"new")
    with pytest.raises(AlreadyUploaded, match="nothing is put over it"):
        trash.restore(removed)
    assert [each.name for each in (root / "sub").iterdir()] == [WHEEL]
    assert (root / "sub" / WHEEL).read_bytes() == b"new"
    assert list(trash.entries()) == [removed]


def test_what_is_not_there_leaves_no_entry(root: Path) -> None:
    trash = Trash([str(root)])
    with pytest.raises(NoSuchFile):
        trash.put(Place(0, "sub", "y-1.0-py3-none-any.whl"), X, "1.0")
    with pytest.raises(NoSuchFile):
        trash.delete(Place(0, "none", WHEEL))
    assert list(trash.older(2**63)) == []


def test_for_good(root: Path) -> None:
    trash = Trash([str(root)])
    assert trash.delete(PLACE) > 0
    assert list((root / "sub").iterdir()) == []
    assert not (root / TRASH).exists()


def test_only_what_is_old_is_told_and_purged(root: Path) -> None:
    early = Trash([str(root)], clock=lambda: NOON).put(PLACE, X, "1.0")
    put(root / "sub" / WHEEL)
    trash = Trash([str(root)], clock=lambda: NOON + 100)
    late = trash.put(PLACE, X, "1.0")
    assert [each for _, _, each in trash.older((NOON + 100) * 10**9)] == [early]
    for where, entry, _ in trash.older((NOON + 100) * 10**9):
        trash.purge(where, entry)
    assert list(trash.entries()) == [late]
    assert [each.name for each in (root / TRASH).iterdir()] == [late.entry]


@pytest.mark.parametrize(
    "record",
    [
        "{",
        "[]",
        "{}",
        *(
            json.dumps({"path": path, "project": "x", "version": "1", "removed": "2026-01-01T00:00:00Z"})
            for path in (f"../{WHEEL}", f"/{WHEEL}", f".hidden/{WHEEL}", "record.json", "")
        ),
        *(
            json.dumps({"path": WHEEL, "project": "x", "version": "1", "removed": removed})
            for removed in ("yesterday", "0001-01-01T00:00:00", 0)
        ),
    ],
)
def test_a_record_leads_nobody_astray(root: Path, record: str) -> None:
    trash = Trash([str(root)], clock=lambda: NOON)
    entry = root / TRASH / trash.put(PLACE, X, "1.0").entry
    (entry / RECORD).write_text(record)
    assert list(trash.entries()) == []
    # It can still be got rid of.
    assert [each for *_, each in trash.older(2**63)] == [None]


def test_a_pipe_in_the_place_of_a_record_is_not_waited_for(root: Path) -> None:
    entry = root / TRASH / "piped"
    entry.mkdir(parents=True)
    os.mkfifo(entry / RECORD)
    assert list(Trash([str(root)]).entries()) == []


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another mount."""
    memory = Path("/dev/shm")  # noqa: S108  # another mount is needed
    if not os.access(memory, os.W_OK) or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("memory is no other mount here")
    folder = Path(tempfile.mkdtemp(dir=memory))
    yield folder
    shutil.rmtree(folder)


def test_a_folder_on_another_mount(root: Path, elsewhere: Path) -> None:
    (root / "mount").symlink_to(elsewhere)
    shutil.copytree(root / "sub", elsewhere / "sub")
    trash, before = Trash([str(root)], follow_links=True), facts(elsewhere)
    removed = trash.put(Place(0, "mount/sub", WHEEL), X, "1.0")
    assert facts(elsewhere) == {}
    trash.restore(removed)
    assert facts(elsewhere) == before


@pytest.mark.parametrize("deep", ["", "deep"])
def test_a_folder_that_became_a_link_leads_nobody_out_of_the_root(root: Path, tmp_path: Path, deep: str) -> None:
    (root / "sub" / deep).mkdir(exist_ok=True)
    (root / "sub" / WHEEL).rename(root / "sub" / deep / WHEEL)
    trash = Trash([str(root)])
    removed = trash.put(Place(0, f"sub/{deep}".rstrip("/"), WHEEL), X, "1.0")
    shutil.rmtree(root / "sub")
    (tmp_path / "outside").mkdir()
    (root / "sub").symlink_to(tmp_path / "outside")
    with pytest.raises(NotAllowed, match="leads out of its root"):
        trash.restore(removed)
    assert list((tmp_path / "outside").iterdir()) == []
    assert list(trash.entries()) == [removed]
    Trash([str(root)], follow_links=True).restore(removed)
    assert (tmp_path / "outside" / deep / WHEEL).is_file()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_makes_belongs_to_the_owner_of_the_folder(root: Path) -> None:
    for each in (root, *root.rglob("*")):
        os.chown(each, 4321, 1234)
    trash = Trash([str(root)])
    removed = trash.put(PLACE, X, "1.0")
    made = [root / TRASH, *(root / TRASH).rglob("*")]
    assert len(made) == 6
    (root / "sub").rmdir()
    assert {(each.stat().st_uid, each.stat().st_gid) for each in made} == {(4321, 1234)}
    trash.restore(removed)
    made = list((root / "sub").rglob("*"))
    assert len(made) == 3
    assert {(each.stat().st_uid, each.stat().st_gid) for each in [root / "sub", *made]} == {(4321, 1234)}


@pytest_twisted.ensureDeferred
async def test_a_server_that_runs_sees_both_and_serves_no_trash(root: Path) -> None:
    trash = Trash([str(root)])
    async with running(root, watch=Watch.AUTO) as here:
        await here.shows("x", WHEEL)
        removed = trash.put(PLACE, X, "1.0")
        await here.shows("x")
        for path in (f"{TRASH}/{removed.entry}/{WHEEL}", f"sub/{WHEEL}"):
            with pytest.raises(NoSuchFile):
                await here.index.file_at(path)
        trash.restore(removed)
        await here.shows("x", WHEEL)
        known = (await here.index.files_of(X))[0]
        assert (known.yanked, known.uploaded_ns, known.source, known.signed) == ("bad", 7000, Source.UPLOAD, True)
