"""Yanks and statuses, over a store and an index in memory."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_twisted

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import BadForm, NoSuchFile, NoSuchProject
from twisted_pypi.marking import Marker
from twisted_pypi.project_records import ProjectRecord, Status
from twisted_pypi.sidecars import Sidecar, Source, format_sidecar, parse_sidecar
from twisted_pypi.testing.memory_index import MemoryIndex
from twisted_pypi.testing.memory_store import MemoryStore, StoredFile

WHEEL, SDIST, NEXT = "x-1.0-py3-none-any.whl", "x-1.0.tar.gz", "x-1.1.tar.gz"


async def at_once(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


class House:
    def __init__(self) -> None:
        self.store, self.index = MemoryStore(), MemoryIndex()
        self.records: list[tuple[ProjectName, Status, str | None]] = []
        self.marker = Marker(self.store, self.index, self._change, at_once)
        for name in (WHEEL, SDIST, f"deep/{NEXT}"):
            self.index.put(name, b"metadata", uploaded_ns=5000)
            self.store.files[name] = StoredFile(name.encode())

    def _change(self, name: ProjectName, status: Status, reason: str | None) -> ProjectRecord:
        self.records.append((name, status, reason))
        return ProjectRecord(status, reason)

    async def known(self, filename: str) -> KnownFile:
        known = await self.index.holding(filename)
        assert known is not None
        return known

    async def yanked(self) -> dict[str, str | None]:
        return {known.filename: known.yanked for known in await self.index.files_of(ProjectName("x"))}

    def sidecar(self, path: str) -> Sidecar | None:
        data = self.store.files[path].sidecar
        return None if data is None else parse_sidecar(data)


@pytest.mark.parametrize(
    ("which", "expected"),
    [("1.0", {WHEEL, SDIST}), ("1.0.0", {WHEEL, SDIST}), (SDIST, {SDIST}), (NEXT, {NEXT}), ("1.1", {NEXT})],
)
@pytest_twisted.ensureDeferred
async def test_a_version_or_a_file_is_yanked_and_back(which: str, expected: set[str]) -> None:
    house = House()
    marked = await house.marker.yank("X", which, " broken\n again ", "anna")
    assert {known.filename for known in marked} == expected
    assert {name for name, reason in (await house.yanked()).items() if reason == "broken again"} == expected
    for known in marked:
        expected_sidecar = Sidecar(known.sha256, 5000, more={"yanked-by": "anna"}, yanked="broken again")
        assert house.sidecar(known.path) == expected_sidecar
        assert await house.index.metadata(known) == b"metadata"
    marked = await house.marker.unyank("x", which)
    assert {known.filename for known in marked} == expected
    assert set((await house.yanked()).values()) == {None}
    assert all(house.sidecar(known.path) == Sidecar(known.sha256, 5000) for known in marked)


@pytest_twisted.ensureDeferred
async def test_what_the_sidecar_says_besides_stays() -> None:
    house = House()
    sha256 = (await house.known(SDIST)).sha256
    before = Sidecar(sha256, 7000, "bob", {"note": 1}, attestations=({"version": 1},), publisher={"kind": "x"})
    before = replace(before, source=Source.UPLOAD)
    house.store.files[SDIST] = StoredFile(b"", format_sidecar(before))
    await house.marker.yank("x", SDIST, "", None)
    found = house.sidecar(SDIST)
    assert found is not None
    assert found.yanked == ""
    await house.marker.unyank("x", SDIST)
    assert house.sidecar(SDIST) == before


@pytest.mark.parametrize("sidecar", [b"{", format_sidecar(Sidecar("00" * 32, 7000, "bob"))])
@pytest_twisted.ensureDeferred
async def test_a_sidecar_that_is_not_of_these_bytes_says_nothing(sidecar: bytes) -> None:
    house = House()
    house.store.files[SDIST] = StoredFile(b"", sidecar)
    await house.marker.yank("x", SDIST, "", None)
    assert house.sidecar(SDIST) == Sidecar((await house.known(SDIST)).sha256, 5000, yanked="")


@pytest.mark.parametrize(
    ("name", "which", "reason", "error"),
    [
        ("y", "1.0", "", NoSuchProject),
        ("x", "3.0", "", NoSuchFile),
        ("x", "", "", NoSuchFile),
        ("x", "1.0", "\x00", BadForm),
        ("x", "1.0", "r" * 1001, BadForm),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_is_refused_changes_nothing(name: str, which: str, reason: str, error: type[Exception]) -> None:
    house = House()
    with pytest.raises(error):
        await house.marker.yank(name, which, reason, None)
    assert set((await house.yanked()).values()) == {None}
    assert house.sidecar(SDIST) is None


@pytest_twisted.ensureDeferred
async def test_a_status_is_written_down() -> None:
    house = House()
    record = await house.marker.set_status("X", "archived", "no more\nwork")
    assert record == ProjectRecord(Status.ARCHIVED, "no more work")
    await house.marker.set_status("x", "active", "")
    assert house.records == [("x", Status.ARCHIVED, "no more work"), ("x", Status.ACTIVE, None)]
    with pytest.raises(BadForm, match="no status"):
        await house.marker.set_status("x", "gone", "")
    with pytest.raises(NoSuchProject):
        await house.marker.set_status("y", "archived", "")
    assert len(house.records) == 2
