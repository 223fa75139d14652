"""What every store promises, asked of each of them."""

import errno
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b, md5, sha256
from pathlib import Path

import pytest

from twisted_pypi.boundaries import KnownFile, PackageStore, Published, Staged
from twisted_pypi.distributions import parse_filename
from twisted_pypi.errors import AlreadyUploaded, NoSpace, NoSuchFile, Unreadable
from twisted_pypi.storage.publishing import DirectoryStore
from twisted_pypi.testing.memory_store import MemoryStore

FILENAME = "x-1.0.tar.gz"


class Store:
    """A store and how its files are looked at from outside."""

    def __init__(self, store: PackageStore, root: Path | None = None) -> None:
        self.store = store
        self.root = root

    def names(self) -> list[str]:
        """Everything that is there, hidden or not, but for folders."""
        if self.root is None:
            assert isinstance(self.store, MemoryStore)
            return sorted(self.store.files)
        return sorted(str(each.relative_to(self.root)) for each in self.root.rglob("*") if not each.is_dir())

    def read(self, path: str) -> bytes:
        if self.root is None:
            assert isinstance(self.store, MemoryStore)
            return self.store.files[path].data
        return (self.root / path).read_bytes()

    def staged(self, data: bytes = b"one", algorithms: tuple[str, ...] = ()) -> Staged:
        staged = self.store.stage(len(data), algorithms)
        staged.write(data)
        return staged

    def publish(
        self, data: bytes = b"one", replace: KnownFile | bool = False, beside: KnownFile | None = None
    ) -> Published:
        staged = self.staged(data)
        try:
            return self.store.publish(staged, FILENAME, replace=replace, beside=beside)
        finally:
            staged.discard()


def refusing(number: int) -> Callable[[str, str], None]:
    def refuse(source: str, target: str) -> None:
        raise OSError(number, os.strerror(number), source, None, target)

    return refuse


def works_once() -> Callable[[str, str], None]:
    """Links work when they are tried out, and not any more later."""
    works = iter([True])

    def link(source: str, target: str) -> None:
        if not next(works, False):
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        os.link(source, target, src_dir_fd=0)

    return link


STORES: dict[str, Callable[[list[str]], PackageStore]] = {
    "links": lambda roots: DirectoryStore(roots, reserve=0),
    "names": lambda roots: DirectoryStore(roots, reserve=0, nameless=False),
    "no links": lambda roots: DirectoryStore(roots, reserve=0, link=refusing(errno.EPERM)),
    "no links, no names": lambda roots: DirectoryStore(roots, reserve=0, link=works_once()),
    "no /proc": lambda roots: DirectoryStore(roots, reserve=0, link=refusing(errno.ENOENT)),
    "no renameat2": lambda roots: DirectoryStore(
        roots, reserve=0, link=refusing(errno.ENOTSUP), rename=lambda _source, _target: False
    ),
    "memory": lambda _roots: MemoryStore(),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    made = STORES[request.param]([str(tmp_path)])
    return Store(made, None if isinstance(made, MemoryStore) else tmp_path)


def known(published: Published, sha: str = "") -> KnownFile:
    return KnownFile(
        root=published.root,
        path=published.path,
        distribution=parse_filename(FILENAME),
        size=published.size,
        mtime_ns=published.mtime_ns,
        inode=published.inode,
        sha256=sha,
        uploaded_ns=0,
    )


def test_staged_bytes_have_no_name_that_is_listed(store: Store) -> None:
    staged = store.staged()
    assert not [name for name in store.names() if not name.startswith(".")]
    staged.discard()
    staged.discard()
    assert store.names() == []


def test_staged_bytes_can_be_read_and_their_digests_are_known(store: Store) -> None:
    staged = store.store.stage(None, ["md5", "blake2_256", "never-heard-of"])
    for piece in (b"one", b"", b"two" * 1_000_000):
        staged.write(piece)
    data = b"one" + b"two" * 1_000_000
    assert Path(staged.path()).read_bytes() == data
    assert staged.size == len(data)
    assert staged.digests() == {
        "md5": md5(data, usedforsecurity=False).hexdigest(),
        "sha256": sha256(data).hexdigest(),
        "blake2_256": blake2b(data, digest_size=32).hexdigest(),
    }
    assert staged.digest("blake2_512") == blake2b(data).hexdigest()
    assert staged.digest("sha256") == sha256(data).hexdigest()
    with pytest.raises(ValueError, match="crc"):
        staged.digest("crc")
    staged.discard()


def test_publishes_under_the_final_name_alone(store: Store) -> None:
    published = store.publish()
    assert (published.root, published.path, published.size, published.already) == (0, FILENAME, 3, False)
    assert store.names() == [FILENAME]
    assert store.read(FILENAME) == b"one"


def test_refuses_to_overwrite(store: Store) -> None:
    store.publish()
    with pytest.raises(AlreadyUploaded, match=r"^File already exists: ") as raised:
        store.publish(b"two")
    assert sha256(b"one").hexdigest() in str(raised.value)
    assert sha256(b"two").hexdigest() in str(raised.value)
    assert (store.names(), store.read(FILENAME)) == ([FILENAME], b"one")


def test_the_same_bytes_again_are_welcome(store: Store) -> None:
    first = store.publish()
    again = store.publish()
    assert again.already
    assert (again.path, again.size, again.mtime_ns, again.inode) == (first.path, 3, first.mtime_ns, first.inode)
    assert store.names() == [FILENAME]


def test_replaces_when_asked_to(store: Store) -> None:
    first = store.publish()
    assert not store.publish(b"two", replace=True).already
    assert (store.names(), store.read(FILENAME)) == ([FILENAME], b"two")
    store.publish(b"three", replace=known(first))
    assert (store.names(), store.read(FILENAME)) == ([FILENAME], b"three")


def test_replacing_what_is_not_there_publishes(store: Store) -> None:
    store.publish(replace=True)
    assert store.names() == [FILENAME]


def test_a_new_file_goes_beside_another(store: Store) -> None:
    if store.root is not None:
        (store.root / "sub" / "folder").mkdir(parents=True)
    other = replace(known(store.publish()), path="sub/folder/x-0.9.tar.gz", distribution=parse_filename("x-0.9.tar.gz"))
    published = store.publish(b"two", beside=other)
    assert (published.root, published.path, published.already) == (0, f"sub/folder/{FILENAME}", False)
    assert (store.read(published.path), store.read(FILENAME)) == (b"two", b"one")
    assert store.publish(b"two", beside=other).already
    with pytest.raises(AlreadyUploaded):
        store.publish(b"three", beside=other)


def test_a_new_file_goes_to_the_root_of_the_other(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    store = DirectoryStore([str(first), str(second)], reserve=0)
    staged = store.stage(3, ())
    staged.write(b"one")
    other = KnownFile(1, "x-0.9.tar.gz", parse_filename("x-0.9.tar.gz"), 3, 0, 0, "00" * 32, 0)
    published = store.publish(staged, FILENAME, sidecar=b"{}", beside=other)
    assert (published.root, published.path) == (1, FILENAME)
    assert sorted(each.name for each in second.iterdir()) == [f".{FILENAME}.json", FILENAME]
    assert list(first.iterdir()) == []


def test_removes(store: Store) -> None:
    published = store.publish()
    store.store.remove(known(published))
    assert store.names() == []
    with pytest.raises(NoSuchFile):
        store.store.remove(known(published))


def test_more_than_there_is_room_for_is_refused_before_it_comes(store: Store) -> None:
    with pytest.raises(NoSpace):
        store.store.stage(store.store.free_space() + 2**40, ())
    assert store.names() == []


def test_of_many_publishers_of_one_name_one_wins(store: Store) -> None:
    """Whoever loses is told so, and the winner's bytes are there as a whole."""
    for turn in range(10):
        filename = f"x-{turn}.tar.gz"
        start = threading.Barrier(4)
        outcome: list[str | None] = [None] * 4

        def publish(number: int, filename: str, start: threading.Barrier, outcome: list[str | None]) -> None:
            staged = store.staged(bytes([number]) * 100_000)
            start.wait()
            try:
                outcome[number] = str(store.store.publish(staged, filename, sidecar=b"%d" % number).path)
            except AlreadyUploaded as error:
                outcome[number] = str(error)
            finally:
                staged.discard()

        threads = [threading.Thread(target=publish, args=(n, filename, start, outcome)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [number for number in range(4) if outcome[number] == filename]
        assert len(winners) == 1, outcome
        assert store.read(filename) == bytes(winners) * 100_000
        if store.root is not None:
            assert store.read(f".{filename}.json") == b"%d" % winners[0]
    assert len(store.names()) == (20 if store.root is not None else 10)


def test_what_was_staged_elsewhere_is_not_taken(store: Store, tmp_path: Path) -> None:
    other = DirectoryStore([str(tmp_path)], reserve=0) if store.root is None else MemoryStore()
    staged = other.stage(None, ())
    with pytest.raises(TypeError):
        store.store.publish(staged, FILENAME)
    staged.discard()


def test_what_is_beside_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    store = DirectoryStore([str(tmp_path)])
    file = tmp_path / "sub" / FILENAME
    file.parent.mkdir()
    file.write_bytes(b"content")
    found = file.stat()
    known = KnownFile(
        0, f"sub/{FILENAME}", parse_filename(FILENAME), found.st_size, found.st_mtime_ns, found.st_ino, "00" * 32, 0
    )
    seen: list[bytes | None] = []

    def write(before: bytes | None) -> bytes:
        seen.append(before)
        return b"one" if before is None else b"two"

    store.annotate(known, write)
    store.annotate(known, write)
    assert seen == [None, b"one"]
    assert {each.name: each.read_bytes() for each in file.parent.iterdir()} == {
        FILENAME: b"content",
        f".{FILENAME}.json": b"two",
    }
    file.write_bytes(b"other content")
    with pytest.raises(Unreadable, match="being replaced"):
        store.annotate(known, lambda _: b"three")
    file.unlink()
    with pytest.raises(NoSuchFile):
        store.annotate(known, lambda _: b"three")
    assert (file.parent / f".{FILENAME}.json").read_bytes() == b"two"
