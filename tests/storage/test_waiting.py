"""Each page is whole or waits; it is never partial, and never missing by mistake."""

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults

from tests.storage.running import comes_true, put, running
from twisted_pypi.catalog import Catalog, Place
from twisted_pypi.distributions import normalize, parse_filename
from twisted_pypi.errors import Busy, NoSuchProject, Unreadable
from twisted_pypi.storage.gate import Gate
from twisted_pypi.testing.archives import sdist, wheel

PROJECTS, VERSIONS = 60, 5


def fill(root: Path) -> None:
    for project in range(PROJECTS):
        for version in range(VERSIONS):
            put(root / str(version) / f"p{project}-1.{version}-py3-none-any.whl")


@pytest_twisted.ensureDeferred
async def test_every_page_that_is_asked_for_during_the_first_scan_is_whole(tmp_path: Path) -> None:
    fill(tmp_path / "root")
    async with running(tmp_path / "root") as here:
        asked = [Deferred.fromCoroutine(here.filenames(f"p{project}")) for project in range(PROJECTS)]
        pages = await gatherResults(asked)
        assert [len(page) for page in pages] == [VERSIONS] * PROJECTS


@pytest_twisted.ensureDeferred
async def test_a_page_is_whole_though_the_last_start_was_cut_off(tmp_path: Path) -> None:
    root, state = tmp_path / "root", tmp_path / "state"
    paths = [put(root / str(version) / f"acme-1.{version}-py3-none-any.whl") for version in range(2)]
    catalog = Catalog([str(root)], state_dir=str(state), cache_dir=str(state))
    catalog.open()
    place = Place(0, "0", paths[0].name)
    catalog.write(lambda writer: writer.seen(place, parse_filename(place.filename)), catalog.apply)
    catalog.close()
    async with running(root, state=state) as here:
        assert await here.filenames("acme") == [path.name for path in paths]


@pytest_twisted.ensureDeferred
async def test_without_a_folder_for_it_everything_is_in_memory(tmp_path: Path) -> None:
    fill(tmp_path / "root")
    put(tmp_path / "file", b"")
    async with running(tmp_path / "root", state=tmp_path / "file") as here:
        assert len(await here.filenames("p7")) == VERSIONS
        await here.scanner.rescan()
        assert here.catalog.location is None
        assert here.index.counts() == (PROJECTS, PROJECTS * VERSIONS)
        (tmp_path / "root" / "0" / "p7-1.0-py3-none-any.whl").unlink()
        await here.scanner.rescan()
        assert len(await here.filenames("p7")) == VERSIONS - 1


@pytest_twisted.ensureDeferred
async def test_who_is_sent_away_from_a_gate_may_come_again() -> None:
    gate = Gate()
    first = Deferred.fromCoroutine(gate.passed())
    gate.send_away(Unreadable("not now"))
    with pytest.raises(Unreadable):
        await first
    second = Deferred.fromCoroutine(gate.passed())
    gate.open()
    await second
    await gate.passed()


@pytest_twisted.ensureDeferred
async def test_who_waits_comes_first(tmp_path: Path) -> None:
    fill(tmp_path / "root")
    async with running(tmp_path / "root", readers=1) as here:
        assert len(await here.filenames(f"p{PROJECTS - 1}")) == VERSIONS
        # All the others are not read yet.
        assert here.catalog.files < PROJECTS * VERSIONS


@pytest_twisted.ensureDeferred
async def test_files_that_came_and_went_while_the_server_was_down(tmp_path: Path) -> None:
    root = tmp_path / "root"
    fill(root)
    async with running(root) as here:
        await here.scanner.rescan()
    put(root / "p0-2.0-py3-none-any.whl")
    put(root / "new-1.0-py3-none-any.whl")
    put(root / "1" / "p0-1.1-py3-none-any.whl", wheel("p0", "1.1", content=b"other"))
    (root / "2" / "p0-1.2-py3-none-any.whl").unlink()
    async with running(root) as here:
        assert await here.filenames("new") == ["new-1.0-py3-none-any.whl"]
        await here.scanner.rescan()
        page = await here.index.project(normalize("p0"))
        assert [file.filename[3:6] for file in page.files] == ["1.0", "1.1", "1.3", "1.4", "2.0"]
        assert page.files[1].hashes != page.files[0].hashes
        assert here.index.counts() == (PROJECTS + 1, PROJECTS * VERSIONS + 1)


@pytest_twisted.ensureDeferred
async def test_an_old_name_is_read_before_its_project_is_found_missing(tmp_path: Path) -> None:
    # By its name alone it is version 1 of "acme-2".
    put(tmp_path / "root" / "acme-2-1.tar.gz", sdist("acme", "2-1"))
    async with running(tmp_path / "root") as here:
        assert await here.filenames("acme") == ["acme-2-1.tar.gz"]

        async def renamed() -> bool:
            return (await here.index.projects()).names == ("acme",)

        # The thread that read it may have written that down just before the list hears of it.
        await comes_true(renamed)
        with pytest.raises(NoSuchProject):
            await here.index.project(normalize("acme-2"))


@pytest_twisted.ensureDeferred
async def test_a_file_that_is_asked_for_by_its_path_is_read_first(tmp_path: Path) -> None:
    fill(tmp_path / "root")
    async with running(tmp_path / "root") as here:
        located = await here.index.file_at("4/p7-1.4-py3-none-any.whl")
        assert located.known.project == "p7"
        located = await here.index.file(normalize("p8"), "p8-1.0-py3-none-any.whl")
        assert located.known.path == "0/p8-1.0-py3-none-any.whl"


@pytest_twisted.ensureDeferred
async def test_who_waits_when_the_server_stops_is_told(tmp_path: Path) -> None:
    fill(tmp_path / "root")
    async with running(tmp_path / "root") as here:
        asked: list[Deferred[Any]] = [
            Deferred.fromCoroutine(here.index.project(normalize("p3"))),
            Deferred.fromCoroutine(here.index.project(normalize("missing"))),
            Deferred.fromCoroutine(here.index.file_at("missing.zip")),
            Deferred.fromCoroutine(here.index.projects()),
        ]
    for each in asked:
        with pytest.raises(Busy):
            await each
    with pytest.raises(Busy):
        await here.index.project(normalize("p3"))


@pytest_twisted.ensureDeferred
async def test_a_change_is_told_before_who_waited_for_it_is_answered(tmp_path: Path) -> None:
    put(tmp_path / "root" / "acme-1.0-py3-none-any.whl")
    async with running(tmp_path / "root") as here:
        (known,) = await here.index.files_of(normalize("acme"))
        assert here.told[-1] == {"acme"}
        # The first scan may be on its way still, and would find what is removed below.
        await here.scanner.rescan()
        here.told.clear()
        put(tmp_path / "root" / "acme-1.0-py3-none-any.whl", wheel("acme", "1.0", content=b"other"))
        located = await here.index.file_at("acme-1.0-py3-none-any.whl")
        assert located.known.sha256 != known.sha256
        assert here.told
        here.told.clear()
        await here.index.removed(located.known)
        assert here.told == [{"acme"}]
        assert here.catalog.read.state(Place.of(known)) is None
        await here.index.added(located.known, None)
        assert here.told == [{"acme"}, {"acme"}]


@pytest_twisted.ensureDeferred
async def test_the_upload_time_outlives_a_touch_a_move_and_a_copy(tmp_path: Path) -> None:
    root = tmp_path / "root"
    path = put(root / "acme-1.0-py3-none-any.whl")
    async with running(root) as here:
        (first,) = await here.index.files_of(normalize("acme"))
        put(path, path.read_bytes(), modified=first.uploaded_ns / 1e9 + 5000)  # a test
        (root / "sub").mkdir()  # a test
        path.rename(root / "sub" / path.name)
        await here.scanner.rescan()
        (moved,) = await here.index.files_of(normalize("acme"))
        assert moved.path == f"sub/{path.name}"
        assert moved.mtime_ns != first.mtime_ns
        assert moved.uploaded_ns == first.uploaded_ns


@pytest_twisted.ensureDeferred
async def test_the_list_of_all_files_waits_for_the_first_scan(tmp_path: Path) -> None:
    names = [f"acme_{number}-1.0-py3-none-any.whl" for number in range(40)]
    for name in names:
        put(tmp_path / "root" / name)
    async with running(tmp_path / "root") as here:
        assert sorted(await here.everything()) == sorted(names)
