from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from types import MappingProxyType
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.config import UploadChecks
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import (
    AlreadyUploaded,
    BadMetadata,
    BadUpload,
    NoSpace,
    NoSuchFile,
    NotAllowed,
)
from twisted_pypi.project_records import ACTIVE, ProjectRecord, Status
from twisted_pypi.sidecars import Sidecar, Source, parse_sidecar
from twisted_pypi.testing.archives import core_metadata, sdist, wheel
from twisted_pypi.testing.memory_index import MemoryIndex
from twisted_pypi.testing.memory_store import MemoryStore
from twisted_pypi.uploading import Uploader, UploadForm

FILENAME = "x-1.0-py3-none-any.whl"
ONE = wheel("x", "1.0", "Requires-Python: >=3.9", content=b"one")
TWO = wheel("x", "1.0", "Requires-Python: >=3.9", content=b"two")
NOW = 1_700_000_000.123456


class Plain:
    """Runs what would run in a thread at once, or, while ``held``, later."""

    def __init__(self) -> None:
        self.held = False
        self.waiting: list[Deferred[None]] = []

    async def __call__(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        if self.held:
            turn: Deferred[None] = Deferred()
            self.waiting.append(turn)
            await turn
        return function(*args, **kwargs)

    def let_go(self) -> None:
        """Do what waits, and what comes to wait because of that."""
        while self.waiting:
            self.waiting.pop(0).callback(None)


class House:
    """An uploader with its store and its index."""

    def __init__(self, *, overwrite: bool = False, store: MemoryStore | None = None, **settings: Any) -> None:
        self.store = store or MemoryStore()
        self.index = MemoryIndex()
        self.threads = Plain()
        self.uploader = Uploader(
            self.store, self.index, overwrite=overwrite, run_in_thread=self.threads, clock=lambda: NOW, **settings
        )

    async def upload(
        self,
        data: bytes = ONE,
        fields: Mapping[str, str] = MappingProxyType({}),
        *,
        filename: str = FILENAME,
        signature: bytes | None = None,
    ) -> KnownFile:
        staged = self.store.stage(len(data), ())
        try:
            staged.write(data)
            form = UploadForm({name: (value,) for name, value in fields.items()}, filename, signature)
            return await self.uploader.accept(form, lambda: staged, "anna")
        finally:
            staged.discard()


@pytest_twisted.ensureDeferred
async def test_a_good_upload_is_stored_and_listed() -> None:
    house = House()
    fields = {"name": "x", "version": "1.0", "sha256_digest": sha256(ONE).hexdigest()}
    known = await house.upload(ONE, fields, signature=b"sig")
    stored = house.store.files[FILENAME]
    assert (stored.data, stored.signature) == (ONE, b"sig")
    metadata = core_metadata("x", "1.0", "Requires-Python: >=3.9")
    assert stored.sidecar is not None
    assert parse_sidecar(stored.sidecar) == Sidecar(
        known.sha256, 1_700_000_000_123_456_000, "anna", source=Source.UPLOAD
    )
    assert known.source is Source.UPLOAD
    assert known.sha256 == sha256(ONE).hexdigest()
    assert (known.size, known.uploaded_ns, known.signed) == (len(ONE), 1_700_000_000_123_456_000, True)
    assert (known.requires_python, known.metadata_sha256) == (">=3.9", sha256(metadata).hexdigest())
    assert await house.index.holding(FILENAME) == known
    assert await house.index.metadata(known) == metadata
    assert house.store.staged == set()


@pytest.mark.parametrize(
    ("data", "fields", "error"),
    [
        (ONE, {"version": "2.0"}, BadUpload),
        (ONE, {"sha256_digest": "0" * 64}, BadUpload),
        (b"<html>", {}, BadMetadata),
        (wheel("y", "1.0"), {}, BadMetadata),
        (ONE, {"filetype": "sdist"}, BadUpload),
        (ONE, {"attestations": "[{}]"}, BadUpload),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_bad_upload_leaves_nothing(data: bytes, fields: dict[str, str], error: type[Exception]) -> None:
    house = House(overwrite=True)
    with pytest.raises(error):
        await house.upload(data, fields)
    assert (house.store.files, house.index.counts(), house.store.staged) == ({}, (0, 0), set())


@pytest.mark.parametrize(
    ("filename", "data"),
    [("x-1.0-py3-none-win32.whl", b""), ("X-1.0.win32.exe", b"MZ"), ("x-1.0.tar.gz", sdist("y", "2"))],
)
@pytest_twisted.ensureDeferred
async def test_by_names_alone_almost_everything_is_taken(filename: str, data: bytes) -> None:
    house = House(checks=UploadChecks.NAMES)
    known = await house.upload(data, {"name": "x", "filetype": "bdist_dumb"}, filename=filename)
    assert await house.index.holding(filename) == known
    with pytest.raises(BadUpload, match="sha256_digest"):
        await house.upload(data, {"sha256_digest": "0" * 64}, filename=filename)
    with pytest.raises(BadUpload, match="the form says y"):
        await house.upload(ONE, {"name": "y"})


@pytest_twisted.ensureDeferred
async def test_another_spelling_of_a_file_is_refused_and_a_second_sdist() -> None:
    house = House(overwrite=True)
    await house.upload()
    await house.upload(sdist("x", "1.0"), filename="x-1.0.tar.gz")
    with pytest.raises(BadUpload, match=f"is here already as {FILENAME}"):
        await house.upload(wheel("x", "1.0.0"), filename="x-1.0.0-py3-none-any.whl")
    with pytest.raises(BadUpload, match=r"has a source distribution already, x-1\.0\.tar\.gz"):
        await house.upload(sdist("x", "1.0", content=b"2"), filename="x-1.0.tgz")
    assert len(house.store.files) == 2
    by_names = House(checks=UploadChecks.NAMES)
    await by_names.upload(sdist("x", "1.0"), filename="x-1.0.tar.gz")
    await by_names.upload(sdist("x", "1.0"), filename="x-1.0.tgz")


@pytest_twisted.ensureDeferred
async def test_of_two_spellings_at_once_one_wins() -> None:
    house = House()
    house.threads.held = True
    outcomes: list[object] = []
    for filename in (FILENAME, "x-1.0.0-py3-none-any.whl"):
        Deferred.fromCoroutine(house.upload(ONE, filename=filename)).addBoth(outcomes.append)
    house.threads.let_go()
    kinds = sorted(type(getattr(each, "value", each)).__name__ for each in outcomes)
    assert kinds == ["BadUpload", "KnownFile"]
    assert len(house.store.files) == 1


@pytest_twisted.ensureDeferred
async def test_the_same_bytes_again_change_nothing() -> None:
    house = House()
    first = await house.upload()
    house.store.files[FILENAME] = replace(house.store.files[FILENAME], sidecar=b"first")
    assert await house.upload() == first
    assert house.store.files[FILENAME].sidecar == b"first"


@pytest_twisted.ensureDeferred
async def test_other_bytes_are_refused_with_both_digests() -> None:
    house = House()
    await house.upload()
    with pytest.raises(AlreadyUploaded, match="File already exists") as raised:
        await house.upload(TWO)
    assert sha256(ONE).hexdigest() in str(raised.value)
    assert sha256(TWO).hexdigest() in str(raised.value)
    assert house.store.files[FILENAME].data == ONE


@pytest_twisted.ensureDeferred
async def test_other_bytes_replace_the_file_where_it_is_when_that_is_allowed() -> None:
    house = House(overwrite=True)
    first = await house.upload()
    deep = replace(first, path=f"deep/{FILENAME}")
    house.store.files = {deep.path: house.store.files[FILENAME]}
    await house.index.removed(first)
    await house.index.added(deep, None)
    second = await house.upload(TWO)
    assert second.path == deep.path
    assert {path: stored.data for path, stored in house.store.files.items()} == {deep.path: TWO}
    assert await house.index.holding(FILENAME) == second


@pytest.mark.parametrize(("overwrite", "data"), [(False, ONE), (True, TWO)])
@pytest_twisted.ensureDeferred
async def test_a_file_that_the_index_does_not_know_yet(overwrite: bool, data: bytes) -> None:
    house = House(overwrite=overwrite)
    staged = house.store.stage(None, ())
    staged.write(ONE)
    house.store.publish(staged, FILENAME)
    known = await house.upload(data, signature=b"sig")
    assert house.store.files[FILENAME].data == data
    assert known.uploaded_ns == (known.mtime_ns if data == ONE else 1_700_000_000_123_456_000)
    assert known.signed is (data == TWO)
    if not overwrite:
        house.index = MemoryIndex()
        with pytest.raises(AlreadyUploaded):
            await house.upload(TWO)


@pytest_twisted.ensureDeferred
async def test_of_two_at_once_one_wins() -> None:
    house = House()
    house.threads.held = True
    outcomes: list[object] = []
    for data in (ONE, TWO, ONE):
        Deferred.fromCoroutine(house.upload(data)).addBoth(outcomes.append)
    house.threads.let_go()
    # The winner wakes the next one before it is done itself.
    kinds = sorted(type(getattr(each, "value", each)).__name__ for each in outcomes)
    assert kinds == ["AlreadyUploaded", "KnownFile", "KnownFile"]
    assert len({each for each in outcomes if isinstance(each, KnownFile)}) == 1
    assert house.store.files[FILENAME].data == ONE
    assert house.store.staged == set()


@pytest_twisted.ensureDeferred
async def test_one_that_fails_does_not_hold_the_next_one_up() -> None:
    house = House(store=MemoryStore(capacity=10_000))
    staged = house.store.stage(None, ())
    staged.write(ONE)
    house.store.read_only = True
    with pytest.raises(NotAllowed):
        await house.uploader.accept(UploadForm({}, FILENAME), lambda: staged, None)
    house.store.read_only = False
    await house.uploader.accept(UploadForm({}, FILENAME), lambda: staged, None)
    with pytest.raises(NoSpace):
        await house.upload(bytes(20_000))


@pytest_twisted.ensureDeferred
async def test_removes_every_file_of_a_release() -> None:
    house = House()
    await house.upload()
    await house.upload(wheel("x", "1.0"), filename="x-1.0-py2-none-any.whl")
    other = await house.upload(wheel("x", "1.1"), filename="x-1.1-py3-none-any.whl")
    removed = await house.uploader.remove("X", "1")
    assert {known.filename for known in removed} == {FILENAME, "x-1.0-py2-none-any.whl"}
    assert await house.index.files_of(ProjectName("x")) == [other]
    assert set(house.store.files) == {other.path}


@pytest.mark.parametrize(("name", "version"), [("x", "2.0"), ("y", "1.0")])
@pytest_twisted.ensureDeferred
async def test_removing_what_is_not_there_says_so(name: str, version: str) -> None:
    house = House()
    await house.upload()
    with pytest.raises(NoSuchFile, match=f"no file of {name} {version}"):
        await house.uploader.remove(name, version)
    assert len(house.store.files) == 1


@pytest.mark.parametrize("status", [Status.ARCHIVED, Status.QUARANTINED])
@pytest_twisted.ensureDeferred
async def test_a_project_that_takes_no_uploads(status: Status) -> None:
    records: dict[str, ProjectRecord] = {"x": ProjectRecord(status, "done")}
    house = House(overwrite=True, record_of=lambda name: records.get(name, ACTIVE))
    with pytest.raises(NotAllowed, match=f"the project x takes no uploads: it is {status}: done"):
        await house.upload()
    assert (house.store.files, house.store.staged) == ({}, set())
    records["x"] = ProjectRecord(Status.DEPRECATED)
    await house.upload()
    records["x"] = ProjectRecord(status)
    with pytest.raises(NotAllowed):
        await house.upload(TWO)
