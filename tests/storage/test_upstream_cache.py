"""The cache of upstream files: whole or not there, the oldest out first, and what is hidden locked away."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from twisted_pypi.boundaries import Cache, CachedFile, Recall
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import BadFilename, NoSpace, NoSuchFile, NotAllowed, Recalled, Unreadable
from twisted_pypi.simple.model import File
from twisted_pypi.storage.recency import Recency
from twisted_pypi.storage.upstream_cache import DirectoryCache

INDEX = "https://index.example.com/simple"
FOO = ProjectName("foo")
WHEEL = "foo-1.0-py3-none-any.whl"
QUARANTINED = Recall("quarantined", 5_000, confirmed=False, hidden=True, reason="malware")


def offered(name: str = WHEEL, data: bytes = b"one") -> File:
    return File(
        name,
        f"https://files.example.com/{name}",
        {"sha256": sha256(data).hexdigest()},
        size=len(data),
        upload_time_ns=1_600_000_000_000_000_000,
        requires_python=">=3.8",
        core_metadata={"sha256": "5" * 64},
        yanked="broken",
    )


def keep(cache: Cache, name: str = WHEEL, data: bytes = b"one", project: str = FOO, suffix: str = "") -> CachedFile:
    staged = cache.stage(len(data))
    try:
        staged.write(data)
        return cache.keep(staged, ProjectName(project), offered(name, data), INDEX, suffix=suffix)
    finally:
        staged.discard()


def files(root: Path) -> list[str]:
    return sorted(str(each.relative_to(root / ".upstream")) for each in root.rglob("*") if not each.is_dir())


@pytest.fixture
def cache(tmp_path: Path) -> DirectoryCache:
    return DirectoryCache(str(tmp_path), reserve=0, clock=lambda: 1_700_000_000.0)


def test_what_is_kept_is_found_with_all_that_was_said_of_it(cache: DirectoryCache, tmp_path: Path) -> None:
    assert cache.find(FOO, WHEEL) is None
    kept = keep(cache)
    assert kept == cache.find(FOO, WHEEL)
    assert kept == DirectoryCache(str(tmp_path)).find(FOO, WHEEL)
    assert Path(kept.location).read_bytes() == b"one"
    assert kept.facts == offered()
    assert (kept.index, kept.fetched_ns, kept.sha256) == (INDEX, 1_700_000_000 * 10**9, sha256(b"one").hexdigest())
    assert files(tmp_path) == [f"foo/.{WHEEL}.json", f"foo/{WHEEL}"]
    assert (cache.projects(), cache.files_of(FOO), cache.size()) == (frozenset([FOO]), [kept], (1, 3))


def test_metadata_lies_beside_its_wheel_and_is_no_file_of_its_own(cache: DirectoryCache) -> None:
    kept = keep(cache, data=b"Name: foo", suffix=".metadata")
    assert cache.find(FOO, WHEEL) is None
    assert cache.files_of(FOO) == []
    assert cache.find(FOO, f"{WHEEL}.metadata") == kept
    assert (kept.filename, kept.size, kept.facts.filename) == (f"{WHEEL}.metadata", 9, WHEEL)


def test_the_same_bytes_again_change_nothing(cache: DirectoryCache) -> None:
    first = keep(cache)
    assert keep(cache) == first


def test_other_bytes_of_that_name_take_its_place(cache: DirectoryCache, tmp_path: Path) -> None:
    keep(cache)
    other = keep(cache, data=b"two")
    assert cache.find(FOO, WHEEL) == other
    assert Path(other.location).read_bytes() == b"two"
    assert cache.size() == (1, 3)
    assert len(files(tmp_path)) == 2


@pytest.mark.parametrize("trouble", ["no sidecar", "broken sidecar", "cut off", "grown", "of no index"])
def test_a_file_that_is_not_what_its_sidecar_says_is_not_there(
    cache: DirectoryCache, tmp_path: Path, trouble: str
) -> None:
    keep(cache)
    path, sidecar = tmp_path / ".upstream" / "foo" / WHEEL, tmp_path / ".upstream" / "foo" / f".{WHEEL}.json"
    if trouble == "no sidecar":
        sidecar.unlink()
    elif trouble == "broken sidecar":
        sidecar.write_bytes(b"{")
    elif trouble == "of no index":
        sidecar.write_text(f'{{"sha256": "{sha256(b"one").hexdigest()}", "source": "upstream", "size": 3}}')
    else:
        path.write_bytes(b"o" if trouble == "cut off" else b"one two")
    assert cache.find(FOO, WHEEL) is None
    assert cache.files_of(FOO) == []
    keep(cache)
    assert path.read_bytes() == b"one"
    assert cache.find(FOO, WHEEL) is not None


@pytest.mark.parametrize(
    ("project", "name"),
    [("foo", f"../{WHEEL}"), ("foo", "foo"), ("foo", f".{WHEEL}"), ("Foo", WHEEL), ("..", WHEEL), (".locked", WHEEL),
     ("foo", "a" * 250 + ".whl"), ("foo", "foo-1.0\0.whl")],
)  # fmt: skip
def test_no_name_leads_elsewhere(cache: DirectoryCache, tmp_path: Path, project: str, name: str) -> None:
    with pytest.raises(BadFilename):
        keep(cache, name, project=project)
    assert cache.find(ProjectName(project), name) is None
    assert files(tmp_path) == []


def test_what_was_not_used_for_the_longest_time_goes_first(tmp_path: Path) -> None:
    cache = DirectoryCache(str(tmp_path), limit=30, reserve=0)
    for number in range(3):
        keep(cache, f"foo-{number}.zip", b"0123456789")
    cache.used(FOO, "foo-0.zip")
    keep(cache, "foo-3.zip", b"0123456789")
    assert [each.filename for each in cache.files_of(FOO)] == ["foo-0.zip", "foo-2.zip", "foo-3.zip"]
    keep(cache, "foo-4.zip", b"01234567890123456789")
    assert [each.filename for each in cache.files_of(FOO)] == ["foo-3.zip", "foo-4.zip"]
    assert cache.size() == (2, 30)
    assert len(files(tmp_path)) == 4


def test_the_order_outlives_a_restart(tmp_path: Path) -> None:
    first = DirectoryCache(str(tmp_path), reserve=0)
    for number, used in enumerate([300, 100, 200]):
        kept = keep(first, f"foo-{number}.zip", b"0123456789")
        os.utime(kept.location, (1_600_000_000 + used, 1_600_000_000))
    second = DirectoryCache(str(tmp_path), limit=30, reserve=0)
    second.used(FOO, "foo-1.zip")
    assert second.size() == (1, 10)
    keep(second, "foo-3.zip", b"0123456789")
    assert [each.filename for each in second.files_of(FOO)] == ["foo-0.zip", "foo-1.zip", "foo-3.zip"]


def test_what_is_coming_counts(tmp_path: Path) -> None:
    cache = DirectoryCache(str(tmp_path), limit=30, reserve=0)
    keep(cache, "foo-1.zip", b"0123456789")
    first = cache.stage(15)
    second = cache.stage(10)
    assert cache.files_of(FOO) == []
    first.discard()
    second.discard()
    with pytest.raises(NoSpace, match="cache-size"):
        cache.stage(31)


def test_a_file_that_is_being_read_outlives_its_name(tmp_path: Path) -> None:
    cache = DirectoryCache(str(tmp_path), limit=10, reserve=0)
    with Path(keep(cache, "foo-1.zip", b"0123456789").location).open("rb") as file:
        keep(cache, "foo-2.zip", b"abcdefghij")
        assert cache.find(FOO, "foo-1.zip") is None
        assert file.read() == b"0123456789"


def test_a_full_disk_is_made_room_on_only_where_that_helps(tmp_path: Path) -> None:
    cache = DirectoryCache(str(tmp_path), reserve=0)
    keep(cache)
    disk = os.statvfs(tmp_path)
    with pytest.raises(NoSpace):
        cache.stage(disk.f_blocks * disk.f_frsize * 2)
    assert cache.find(FOO, WHEEL) is not None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_small_disk_gives_up_what_is_oldest(tmp_path: Path) -> None:
    megabyte = 1 << 20
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(tmp_path)], check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        cache = DirectoryCache(str(tmp_path), reserve=0)
        for number in range(3):
            keep(cache, f"foo-{number}.zip", bytes(2 * megabyte))
        cache.used(FOO, "foo-0.zip")
        keep(cache, "foo-3.zip", bytes(3 * megabyte))
        assert [each.filename for each in cache.files_of(FOO)] == ["foo-0.zip", "foo-2.zip", "foo-3.zip"]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_hidden_file_is_locked_away_and_comes_back(cache: DirectoryCache, tmp_path: Path) -> None:
    keep(cache, data=b"Name: foo", suffix=".metadata")
    kept = keep(cache)
    hidden = cache.mark(kept, QUARANTINED)
    assert hidden == replace(kept, location=hidden.location, recall=QUARANTINED)
    assert hidden == cache.find(FOO, WHEEL) == DirectoryCache(str(tmp_path)).find(FOO, WHEEL)
    assert files(tmp_path) == [f".locked/foo/.{WHEEL}.json", f".locked/foo/{WHEEL}"]
    assert stat.S_IMODE((tmp_path / ".upstream" / ".locked").stat().st_mode) == 0o700
    assert cache.size() == (0, 0)
    assert (cache.projects(), cache.files_of(FOO)) == (frozenset([FOO]), [hidden])
    with pytest.raises(Recalled):
        keep(cache, data=b"another one")
    assert cache.mark(hidden, None) == kept
    assert files(tmp_path) == [f"foo/.{WHEEL}.json", f"foo/{WHEEL}"]
    assert cache.size() == (1, 3)


def test_a_recall_that_does_not_hide_is_written_down(cache: DirectoryCache, tmp_path: Path) -> None:
    kept = keep(cache)
    recall = Recall("removed", 7_000, confirmed=True, hidden=False)
    assert cache.mark(kept, recall) == replace(kept, recall=recall)
    assert DirectoryCache(str(tmp_path)).find(FOO, WHEEL) == replace(kept, recall=recall)
    assert cache.mark(kept, None) == kept
    Path(kept.location).unlink()
    with pytest.raises(NoSuchFile):
        cache.mark(kept, None)


def test_a_mark_by_another_process_is_seen(cache: DirectoryCache, tmp_path: Path) -> None:
    kept = keep(cache)
    DirectoryCache(str(tmp_path)).mark(kept, QUARANTINED)
    found = cache.find(FOO, WHEEL)
    assert found is not None
    assert found.recall == QUARANTINED


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    cache = DirectoryCache(str(tmp_path / "gone"))
    assert (cache.find(FOO, WHEEL), cache.projects(), cache.files_of(FOO)) == (None, frozenset(), [])
    with pytest.raises(Unreadable):
        cache.stage(1)


@pytest.fixture
def nobody() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.mark.usefixtures("nobody")
def test_a_root_that_cannot_be_written_to() -> None:
    with pytest.raises(NotAllowed, match="cannot be written to"):
        DirectoryCache("/usr").stage(1)


def test_leftovers_are_swept(tmp_path: Path) -> None:
    folder = tmp_path / ".upstream" / "foo"
    cache = DirectoryCache(str(tmp_path), reserve=0, clock=lambda: folder.stat().st_mtime + 100_000)
    folder.mkdir(parents=True)
    keep(cache)
    keep(cache, data=b"Name: foo", suffix=".metadata")
    left = [
        folder / ".bar-1.zip.json",
        folder / ".bar-1-py3-none-any.whl.metadata.json",
        folder.parent / ".upload-5.tmp",
    ]
    for each in left:
        each.write_bytes(b"{}")
    assert cache.sweep() == 3
    assert len(files(tmp_path)) == 4


@pytest.mark.parametrize("step", ["write_beside", "_name", "free", "sync_folder"])
def test_killed_at_any_moment_leaves_nothing_partial(tmp_path: Path, step: str) -> None:
    script = f"""
import os, sys, importlib.util
from twisted_pypi.storage import upstream_cache
from twisted_pypi.storage.final_names import FinalNames
spec = importlib.util.spec_from_file_location("these", {__file__!r})
these = importlib.util.module_from_spec(spec)
spec.loader.exec_module(these)
def killed(*_, **__):
    os.kill(os.getpid(), 9)
cache = upstream_cache.DirectoryCache({str(tmp_path)!r}, reserve=0)
cache.stage(0).discard()
if {step!r} == "free":
    FinalNames.free = killed
elif {step!r} == "_name":
    upstream_cache.DirectoryCache._name = killed
else:
    setattr(upstream_cache, {step!r}, killed)
these.keep(cache)
"""
    ended = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert ended.returncode == -9, ended.stderr.decode()
    cache = DirectoryCache(str(tmp_path), reserve=0)
    found = cache.find(FOO, WHEEL)
    assert found is None or Path(found.location).read_bytes() == b"one"
    assert (found is not None) == (step == "sync_folder")
    assert [each for each in files(tmp_path) if each.endswith(".whl")] == ([f"foo/{WHEEL}"] if found else [])
    assert keep(cache).sha256 == sha256(b"one").hexdigest()


def test_recency_counts_what_it_knows() -> None:
    recency = Recency()
    key = (FOO, "a"), (FOO, "b"), (FOO, "c")
    recency.use(key[0], 5)
    recency.seed([(2.0, key[1], 7), (1.0, key[2], 1), (3.0, key[0], 9)])
    assert (recency.oldest(), recency.size()) == (key[2], (3, 13))
    assert recency.touch(key[2])
    assert recency.oldest() == key[1]
    recency.use(key[1], 1)
    assert (recency.oldest(), recency.size()) == (key[0], (3, 7))
    recency.forget(key[0])
    recency.forget(key[0])
    assert not recency.touch(key[0])
    assert recency.size() == (2, 2)


def test_nothing_goes_that_was_not_fetched(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / ".upstream" / "bar").mkdir(parents=True)
    (tmp_path / ".upstream" / "mine").symlink_to(tmp_path / "mine")
    others = [tmp_path / "mine" / "mine-1.0.tar.gz", tmp_path / ".upstream" / "bar" / "bar-1.0.tar.gz"]
    for each in others:
        each.write_bytes(b"x" * 20)
        os.utime(each, (1, 1))
    cache = DirectoryCache(str(tmp_path), limit=30, reserve=0)
    for number in range(4):
        keep(cache, f"foo-{number}.tar.gz", b"1234567890")
    assert all(each.exists() for each in others)
    assert cache.size() == (3, 30)
