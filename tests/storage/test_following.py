"""A process that follows another one: what either changes, both show at once."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import Clock

from tests.catalog.conftest import known
from tests.storage.running import put
from twisted_pypi.catalog import Catalog
from twisted_pypi.catalog.journal import Journal
from twisted_pypi.config import Watch
from twisted_pypi.distributions import ProjectName, normalize
from twisted_pypi.errors import NoSuchProject, Unreadable
from twisted_pypi.events import Changes
from twisted_pypi.indexes.local import LocalIndex
from twisted_pypi.project_records import Status
from twisted_pypi.sharing import SharedMemory
from twisted_pypi.storage.follower import Follower
from twisted_pypi.storage.following import Following
from twisted_pypi.storage.project_marks import ProjectMarks
from twisted_pypi.storage.scanner import Scanner
from twisted_pypi.storage.threads import Threads

NAME = ProjectName("acme")
ONE, TWO = "acme-1.0-py3-none-any.whl", "acme-2.0-py3-none-any.whl"


@dataclass
class Process:
    """One of the two, without a web."""

    service: Scanner | Follower
    index: LocalIndex
    following: Following
    marks: ProjectMarks
    catalog: Catalog
    told: list[frozenset[ProjectName]]

    async def shows(self) -> list[str]:
        """What a request for the page would be answered with."""
        self.following.catch_up()
        try:
            return [file.filename for file in (await self.index.project(NAME)).files]
        except NoSuchProject:
            return []


def _process(root: Path, memory: SharedMemory, location: str | None, kept: int) -> Process:
    real: Any = reactor
    changes, told = Changes(), list[frozenset[ProjectName]]()
    changes.subscribe(told.append)
    journal = Journal(begins=location is None, kept=kept)
    state = str(root.parent / "state")
    catalog = Catalog([str(root)], state_dir=state, cache_dir=state, journal=journal, location=location)
    # The clock stands still: nothing is seen by a heartbeat.
    following = Following(memory, catalog, journal, Clock())
    marks = ProjectMarks(str(root), real, changes.publish)
    service: Scanner | Follower
    if location is None:
        service = Scanner(
            real, real, catalog, changes.publish, watch=Watch.POLL, rescan=0, marks=marks, following=following
        )
    else:
        service = Follower(real, real, catalog, changes.publish, journal=journal, following=following, marks=marks)
    return Process(service, LocalIndex(catalog, service.enquiries), following, marks, catalog, told)


@asynccontextmanager
async def two(root: Path, kept: int = 100) -> AsyncIterator[tuple[Process, Process]]:
    """A keeper and a worker on one folder."""
    root.mkdir(exist_ok=True)  # noqa: ASYNC240  # one folder, before anything runs
    memory = SharedMemory(2)
    memory.open()
    other = SharedMemory(2, 1, os.dup(memory.descriptor))
    keeper = _process(root, memory, None, kept)
    keeper.service.startService()
    await keeper.index.projects()
    worker = _process(root, other, keeper.catalog.location, kept)
    worker.service.startService()
    await worker.index.projects()
    try:
        yield keeper, worker
    finally:
        await worker.service.stopService()
        await keeper.service.stopService()
        other.close()
        memory.close()


async def _scan(keeper: Process) -> None:
    assert isinstance(keeper.service, Scanner)
    await keeper.service.rescan()


async def _published(by: Process, root: Path, filename: str) -> None:
    """What an upload comes to, once its file is there."""
    put(root / filename)
    await by.index._enquiries.opened()  # noqa: SLF001  # there is no upload here
    found = (root / filename).stat()
    facts = known(filename, (root / filename).read_bytes(), mtime_ns=found.st_mtime_ns, inode=found.st_ino)
    await by.index.added(replace(facts, size=found.st_size), None)


@pytest_twisted.ensureDeferred
async def test_an_upload_through_either_is_shown_by_both(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with two(root) as (keeper, worker):
        assert await worker.shows() == []
        await _published(worker, root, ONE)
        assert (await keeper.shows(), await worker.shows()) == ([ONE], [ONE])
        assert (keeper.index.counts(), worker.index.counts()) == ((1, 1), (1, 1))
        await _published(keeper, root, TWO)
        assert (await worker.shows(), await keeper.shows()) == ([ONE, TWO], [ONE, TWO])
        assert keeper.told == worker.told == [frozenset({NAME}), frozenset({NAME})]
        assert (await worker.index.projects()).names == (await keeper.index.projects()).names == (NAME,)


@pytest_twisted.ensureDeferred
async def test_what_is_done_by_hand_is_found_by_one_and_shown_by_both(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    put(root / ONE)
    async with two(root) as (keeper, worker):
        assert await worker.shows() == [ONE]
        put(root / TWO)
        await _scan(keeper)
        assert await worker.shows() == [ONE, TWO]
        (root / ONE).unlink()
        await _scan(keeper)
        assert await worker.shows() == [TWO]
        assert worker.index.counts() == (1, 1)


@pytest_twisted.ensureDeferred
async def test_a_worker_reads_what_somebody_waits_for_itself(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    put(root / ONE)
    async with two(root) as (keeper, worker):
        await _scan(keeper)
        before = (await worker.index.file_at(ONE)).known.sha256
        put(root / ONE, b"PK other bytes", modified=1_600_000_000)
        # Nobody has told the keeper; the worker finds out from the file itself.
        try:
            after = (await worker.index.file_at(ONE)).known.sha256
        except Unreadable:
            after = None
        assert after != before


@pytest_twisted.ensureDeferred
async def test_a_status_given_by_either_holds_in_both(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    put(root / ONE)
    real: Any = reactor
    threads = Threads(real, 1)
    threads.start()
    async with two(root) as (keeper, worker):
        await _scan(keeper)
        for who, other, status in (
            (worker, keeper, Status.QUARANTINED),
            (keeper, worker, Status.ARCHIVED),
            (worker, keeper, Status.ACTIVE),
        ):
            await threads.run(who.marks.change, NAME, status, None)
            other.following.catch_up()
            assert other.marks.of(NAME).status is who.marks.of(NAME).status is status
    await threads.stop()


@pytest_twisted.ensureDeferred
async def test_who_is_too_far_behind_catches_up_all_the_same(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with two(root, kept=2) as (keeper, worker):
        for number in range(6):
            await _published(keeper, root, f"acme{number}-1.0-py3-none-any.whl")
        worker.told.clear()
        worker.following.catch_up()
        names = tuple(normalize(f"acme{number}") for number in range(6))
        assert (await worker.index.projects()).names == names
        assert worker.index.counts() == (6, 6)
        assert set(names) == set(frozenset().union(*worker.told))


@pytest_twisted.ensureDeferred
async def test_troubles_of_the_keeper_are_known_to_the_worker(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    put(root / "deep" / ONE)
    async with two(root) as (keeper, worker):
        await _scan(keeper)
        assert worker.service.troubles() == []
        (root / "deep" / ONE).unlink()
        (root / "deep").rmdir()
        # The volume is not mounted: another folder, and an empty one.
        root.rename(tmp_path / "away")
        root.mkdir()
        await _scan(keeper)
        assert len(worker.service.troubles()) == 1
        assert worker.service.troubles() == keeper.service.troubles()


@pytest_twisted.ensureDeferred
async def test_without_news_nothing_is_read(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with two(root) as (_, worker):
        worker.following.catch_up()
        journal = worker.catalog.journal
        assert journal is not None
        asked = list[str]()
        assert worker.catalog._read is not None  # noqa: SLF001  # whoever reads is watched
        worker.catalog._read._connection.set_trace_callback(asked.append)  # noqa: SLF001  # as above
        worker.following.catch_up()
        assert asked == []


@pytest_twisted.ensureDeferred
async def test_what_changes_pages_outside_of_the_catalog_is_told_to_both(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with two(root) as (keeper, worker):
        await keeper.service.enquiries.touched(frozenset({NAME}))
        worker.following.catch_up()
        assert keeper.told == worker.told == [frozenset({NAME})]
