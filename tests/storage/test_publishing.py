"""What only a store in folders has to get right."""

import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from twisted_pypi.boundaries import KnownFile, Staged
from twisted_pypi.distributions import is_package_name, parse_filename
from twisted_pypi.errors import AlreadyUploaded, BadFilename, NoSpace, NotAllowed, Unreadable
from twisted_pypi.sidecars import Sidecar, format_sidecar
from twisted_pypi.storage.final_names import FinalNames, claimed, link, rename_no_replace
from twisted_pypi.storage.publishing import DirectoryStore
from twisted_pypi.storage.staging import StagingArea, locked_file, staging_folder

FILENAME = "x-1.0.tar.gz"
SIDECAR = f".{FILENAME}.json"
SIGNATURE = f"{FILENAME}.asc"


def files(root: Path) -> dict[str, bytes]:
    return {str(each.relative_to(root)): each.read_bytes() for each in root.rglob("*") if not each.is_dir()}


def publish(
    store: DirectoryStore,
    data: bytes = b"one",
    *,
    replace: KnownFile | bool = False,
    sidecar: bytes | None = None,
    signature: bytes | None = None,
) -> None:
    staged = store.stage(None, ())
    try:
        staged.write(data)
        store.publish(staged, FILENAME, sidecar=sidecar, signature=signature, replace=replace)
    finally:
        staged.discard()


def refuse(source: str, target: str) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM), source, None, target)


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore([str(tmp_path)], reserve=0)


def test_sidecar_and_signature_lie_beside_the_file(store: DirectoryStore, tmp_path: Path) -> None:
    publish(store, sidecar=b"{}", signature=b"sig")
    assert files(tmp_path) == {FILENAME: b"one", SIDECAR: b"{}", SIGNATURE: b"sig"}


def test_the_sidecar_is_there_before_the_file(tmp_path: Path) -> None:
    seen: list[dict[str, bytes]] = []

    def watched(source: str, target: str) -> None:
        seen.append(files(tmp_path))
        link(source, target)

    publish(DirectoryStore([str(tmp_path)], reserve=0, link=watched), sidecar=b"{}", signature=b"sig")
    assert seen[-1] == {SIDECAR: b"{}", SIGNATURE: b"sig"}


def test_who_loses_leaves_what_lies_beside_the_file(store: DirectoryStore, tmp_path: Path) -> None:
    publish(store, sidecar=b"1", signature=b"2")
    with pytest.raises(AlreadyUploaded):
        publish(store, b"two", sidecar=b"3", signature=b"4")
    assert files(tmp_path) == {FILENAME: b"one", SIDECAR: b"1", SIGNATURE: b"2"}


def test_who_loses_against_another_process_takes_its_sidecar_back(tmp_path: Path) -> None:
    def late(source: str, target: str) -> None:
        if target.endswith(FILENAME):
            Path(target).write_bytes(b"theirs")
        link(source, target)

    with pytest.raises(AlreadyUploaded, match=sha256(b"theirs").hexdigest()):
        publish(DirectoryStore([str(tmp_path)], reserve=0, link=late), sidecar=b"ours")
    assert files(tmp_path) == {FILENAME: b"theirs"}


def test_replacing_leaves_no_signature_of_other_bytes(store: DirectoryStore, tmp_path: Path) -> None:
    publish(store, sidecar=b"1", signature=b"2")
    publish(store, b"two", sidecar=b"3", replace=True)
    assert files(tmp_path) == {FILENAME: b"two", SIDECAR: b"3"}


def known_at(root: int, path: str) -> KnownFile:
    return KnownFile(root, path, parse_filename(FILENAME), 3, 0, 0, "", 0)


@pytest.mark.parametrize("links", [True, False])
def test_replaces_a_file_where_it_is(tmp_path: Path, links: bool) -> None:
    roots = [tmp_path / "first", tmp_path / "second"]
    (roots[1] / "deep").mkdir(parents=True)
    roots[0].mkdir()
    (roots[1] / "deep" / FILENAME).write_bytes(b"old")
    store = DirectoryStore([str(root) for root in roots], reserve=0, link=link if links else refuse)
    publish(store, b"new", replace=known_at(1, f"deep/{FILENAME}"), sidecar=b"{}")
    assert files(roots[0]) == {}
    assert files(roots[1]) == {f"deep/{FILENAME}": b"new", f"deep/{SIDECAR}": b"{}"}


def test_removing_takes_everything_beside_along(store: DirectoryStore, tmp_path: Path) -> None:
    publish(store, sidecar=b"{}", signature=b"sig")
    store.remove(known_at(0, FILENAME))
    assert files(tmp_path) == {}


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
@pytest.mark.parametrize("nameless", [True, False])
def test_the_mode_is_as_the_umask_has_it(tmp_path: Path, umask: int, mode: int, nameless: bool) -> None:
    before = os.umask(umask)
    try:
        publish(DirectoryStore([str(tmp_path)], reserve=0, nameless=nameless), sidecar=b"{}")
    finally:
        os.umask(before)
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in (FILENAME, SIDECAR)} == {mode}


@pytest.mark.parametrize(
    "filename", ["../x-1.0.tar.gz", "a/x-1.0.tar.gz", ".x-1.0.tar.gz", "x\0.zip", "", ".", "x" * 250]
)
def test_only_plain_names_are_given(store: DirectoryStore, tmp_path: Path, filename: str) -> None:
    staged = store.stage(None, ())
    with pytest.raises(BadFilename):
        store.publish(staged, filename)
    staged.discard()
    assert files(tmp_path) == {}


def test_uploads_under_way_count_as_taken(tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)
    free = disk.f_bavail * disk.f_frsize
    store = DirectoryStore([str(tmp_path)], reserve=10**9)
    staged = store.stage(10**9, ())
    assert store.free_space() == pytest.approx(free - 2 * 10**9, abs=5 * 10**8)
    with pytest.raises(NoSpace, match="has no room for an upload of"):
        store.stage(free - 10**9, ())
    staged.discard()
    assert store.free_space() == pytest.approx(free - 10**9, abs=5 * 10**8)


def test_a_root_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    store = DirectoryStore([str(tmp_path / "unmounted")], reserve=0)
    with pytest.raises(Unreadable):
        store.stage(None, ())
    with pytest.raises(Unreadable):
        store.free_space()
    assert files(tmp_path) == {}


def test_a_root_that_goes_away_is_no_crash(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    store = DirectoryStore([str(root)], reserve=0)
    staged = store.stage(None, ())
    root.rmdir()
    with pytest.raises(Unreadable):
        store.publish(staged, FILENAME, sidecar=b"{}")
    staged.discard()


def mount(at: Path, options: str) -> Iterator[Path]:
    at.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(at)], capture_output=True, check=False
    ).returncode:
        pytest.skip("needs to be root and to mount a tmpfs")
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


def write(staged: Staged, *, times: int) -> None:
    for _ in range(times):
        staged.write(bytes(100_000))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    yield from mount(tmp_path / "small", "size=1m")


@pytest.mark.parametrize("nameless", [True, False])
def test_a_full_disk_keeps_nothing(small_disk: Path, nameless: bool) -> None:
    store = DirectoryStore([str(small_disk)], reserve=0, nameless=nameless)
    staged = store.stage(None, ())
    with pytest.raises(NoSpace, match="full"):
        write(staged, times=100)
    assert files(small_disk) == {}
    staged.discard()
    publish(store, bytes(500_000))


def test_a_disk_without_room_for_the_sidecar_keeps_nothing(small_disk: Path) -> None:
    store = DirectoryStore([str(small_disk)], reserve=0)
    with pytest.raises(NoSpace):
        publish(store, bytes(1_000_000), sidecar=bytes(100_000))
    assert files(small_disk) == {}


def test_a_replaced_file_may_be_on_another_mount(small_disk: Path, tmp_path: Path) -> None:
    (small_disk / FILENAME).write_bytes(b"old")
    (tmp_path / "root").mkdir()
    store = DirectoryStore([str(tmp_path / "root"), str(small_disk)], reserve=0)
    publish(store, b"new", replace=known_at(1, FILENAME))
    assert files(small_disk) == {FILENAME: b"new"}


def test_a_read_only_root_says_so(tmp_path: Path) -> None:
    for root in mount(tmp_path / "readonly", "size=1m,ro"):
        with pytest.raises(NotAllowed, match="Read-only"):
            DirectoryStore([str(root)], reserve=0).stage(None, ())


def test_of_many_that_claim_a_name_one_is_inside(tmp_path: Path) -> None:
    met: list[str] = []

    def claim() -> None:
        for _ in range(100):
            with claimed(tmp_path / FILENAME):
                try:
                    (tmp_path / "inside").mkdir()
                    (tmp_path / "inside").rmdir()
                except OSError as error:
                    met.append(str(error))

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (met, files(tmp_path)) == ([], {})


@pytest.mark.parametrize(
    "names",
    [
        FinalNames(link, rename_no_replace),
        FinalNames(refuse, rename_no_replace),
        FinalNames(refuse, lambda _source, _target: False),
    ],
)
@pytest.mark.parametrize("nameless", [True, False])
def test_a_name_that_another_process_gave_is_not_given_again(tmp_path: Path, names: FinalNames, nameless: bool) -> None:
    area = StagingArea(tmp_path, nameless=nameless)
    for number, data in enumerate((b"one", b"two")):
        staged = area.open((), lambda _: None)
        staged.write(data)
        if number == 0:
            assert names.free(staged, tmp_path / FILENAME).st_ino == (tmp_path / FILENAME).stat().st_ino
        else:
            with pytest.raises(FileExistsError):
                names.free(staged, tmp_path / FILENAME)
        staged.discard()
    assert files(tmp_path) == {FILENAME: b"one"}


DAY = 24 * 3600


def test_sweeps_what_nobody_holds_and_nothing_else(tmp_path: Path) -> None:
    staging = staging_folder(tmp_path)
    staging.mkdir(parents=True)
    held, held_path = locked_file(staging)
    dead, dead_path = locked_file(staging)
    os.close(dead)
    deep = tmp_path / "deep"
    deep.mkdir()
    kept = [
        tmp_path / FILENAME,
        tmp_path / SIDECAR,
        tmp_path / SIGNATURE,
        deep / ".notes.json",
        deep / ".upload-notes.md.json",
        deep / f".upload-{FILENAME}",
        tmp_path / ".projects" / f".{FILENAME}.json",
        held_path,
        tmp_path / ".young-1.0.zip.json",
        tmp_path / ".upload-0123456789abcdef.tmp",
    ]
    gone = [deep / SIDECAR, deep / ".upload-0123456789abcdef.tmp", deep / f".{FILENAME}.lock", dead_path]
    (tmp_path / ".projects").mkdir()
    for path in (*kept, *gone):
        path.write_bytes(format_sidecar(Sidecar("ab")))
    now = held_path.stat().st_mtime
    for path in (*kept[:-2], *gone):
        os.utime(path, (now - 2 * DAY, now - 2 * DAY))
    store = DirectoryStore([str(tmp_path)], reserve=0, clock=lambda: now + 60)
    assert store.sweep() == len(gone)
    assert sorted(each for each in tmp_path.rglob("*") if each.is_file()) == sorted(kept)
    os.close(held)


UPLOADS_FOR_EVER = """
import sys
from twisted_pypi.storage.publishing import DirectoryStore
from twisted_pypi.storage.final_names import link

def refuse(source, target):
    raise OSError(1, "Operation not permitted")

store = DirectoryStore([sys.argv[1]], reserve=0, link=link if sys.argv[2] == "links" else refuse)
print("ready", flush=True)
number = 0
while True:
    number += 1
    staged = store.stage(None, ())
    for _ in range(20):
        staged.write(b"x" * 50_000)
    store.publish(staged, f"x-{number % 50}.zip", sidecar=b"{}", replace=number > 50)
"""


@pytest.mark.parametrize("how", ["links", "no links"])
def test_killed_at_any_moment_it_leaves_no_partial_file(tmp_path: Path, how: str) -> None:
    for turn in range(12):
        root = tmp_path / str(turn)
        root.mkdir()
        command = [sys.executable, "-c", UPLOADS_FOR_EVER, str(root), how]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            # Sooner or later, by the clock of what it has done itself.
            while len(list(root.glob("x-*.zip"))) < turn * 3:
                assert process.poll() is None
            process.kill()
        sizes = {each.stat().st_size for each in root.rglob("*") if is_package_name(each.name)}
        assert sizes <= {1_000_000}
        hidden = [each for each in files(root) if not is_package_name(each.rpartition("/")[2])]
        assert all(each.rpartition("/")[2].startswith(".") for each in hidden)
        swept = DirectoryStore([str(root)], reserve=0, clock=lambda: 2**40)
        swept.sweep()
        left = set(files(root))
        assert left == {name for name in left if is_package_name(name)} | {
            f".{name}.json" for name in left if is_package_name(name)
        }
