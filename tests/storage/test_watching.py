"""What is done by hand shows up, through the watcher alone."""

import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import succeed
from twisted.internet.task import deferLater

from tests.clients.server import NOTICED
from tests.storage.running import Running, comes_true, put, running
from twisted_pypi.config import Watch
from twisted_pypi.distributions import normalize
from twisted_pypi.errors import NoSuchFile
from twisted_pypi.testing.archives import sdist, wheel

OLD = "acme-1.0-py3-none-any.whl"
NEW = "acme-1.1-py3-none-any.whl"


@asynccontextmanager
async def watched(root: Path) -> AsyncIterator[Running]:
    """A watched folder in which one project has one file."""
    put(root / "sub" / OLD)
    async with running(root, watch=Watch.AUTO) as here:
        assert await here.filenames("acme") == [OLD]
        await here.scanner.rescan()
        yield here


def _copied(root: Path) -> None:
    put(root / NEW, modified=None)


def _copied_into_a_new_folder(root: Path) -> None:
    put(root / "new" / "newer" / NEW, modified=None)


def _moved_in(root: Path) -> None:
    put(root.parent / NEW, modified=None).rename(root / NEW)


def _moved_in_with_its_folder(root: Path) -> None:
    put(root.parent / "elsewhere" / "deep" / NEW, modified=None)
    (root.parent / "elsewhere").rename(root / "here")


def _renamed_from_a_hidden_name(root: Path) -> None:
    put(root / f".{NEW}.x7Y", wheel("acme", "1.1"), modified=None).rename(root / NEW)


def _linked(root: Path) -> None:
    (root / NEW).hardlink_to(put(root.parent / NEW))


@pytest.mark.parametrize(
    "drop",
    [_copied, _copied_into_a_new_folder, _moved_in, _moved_in_with_its_folder, _renamed_from_a_hidden_name, _linked],
)
@pytest_twisted.ensureDeferred
async def test_a_file_that_is_dropped_is_listed(tmp_path: Path, drop: Callable[[Path], None]) -> None:
    async with watched(tmp_path / "root") as here:
        drop(tmp_path / "root")
        await here.shows("acme", OLD, NEW, within=NOTICED)
        await comes_true(lambda: succeed(frozenset({"acme"}) in here.told))


@pytest_twisted.ensureDeferred
async def test_a_file_that_is_renamed(tmp_path: Path) -> None:
    path = tmp_path / "root" / "sub" / OLD
    async with watched(tmp_path / "root") as here:
        path.rename(path.with_name(NEW))
        await here.shows("acme", NEW, within=NOTICED)


@pytest_twisted.ensureDeferred
async def test_a_file_that_is_moved_with_its_folder(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with watched(root) as here:
        (root / "sub").rename(root / "other")

        async def moved() -> bool:
            return list(await here.everything()) == [f"other/{OLD}"]

        await comes_true(moved, NOTICED)


@pytest.mark.parametrize("whole_folder", [False, True])
@pytest_twisted.ensureDeferred
async def test_the_last_file_that_is_removed(tmp_path: Path, whole_folder: bool) -> None:
    root = tmp_path / "root"
    async with watched(root) as here:
        if whole_folder:
            shutil.rmtree(root / "sub")
        else:
            (root / "sub" / OLD).unlink()

        async def forgotten() -> bool:
            return (await here.index.projects()).names == ()

        await comes_true(forgotten, NOTICED)
        assert await here.filenames("acme") == []
        assert here.index.counts() == (0, 0)
        assert here.scanner.troubles() == []


@pytest.mark.parametrize("in_place", [False, True])
@pytest_twisted.ensureDeferred
async def test_a_file_that_is_replaced(tmp_path: Path, in_place: bool) -> None:
    path = tmp_path / "root" / "sub" / OLD
    other = wheel("acme", "1.0", content=b"other")
    async with watched(tmp_path / "root") as here:
        before = await here.everything()
        if in_place:
            path.write_bytes(other)
        else:
            put(tmp_path / OLD, other, modified=None).rename(path)

        async def replaced() -> bool:
            now = await here.everything()
            return now.keys() == before.keys() and now != before

        await comes_true(replaced, NOTICED)


@pytest_twisted.ensureDeferred
async def test_a_signature_that_comes_and_goes(tmp_path: Path) -> None:
    signature = tmp_path / "root" / "sub" / f"{OLD}.asc"
    async with watched(tmp_path / "root") as here:

        async def signed() -> bool:
            (known,) = await here.index.files_of((await here.index.projects()).names[0])
            return known.signed

        async def unsigned() -> bool:
            return not await signed()

        signature.write_bytes(b"signature")
        await comes_true(signed, NOTICED)
        signature.unlink()
        await comes_true(unsigned, NOTICED)


@pytest.mark.parametrize(("name", "content"), [(NEW, wheel("acme", "1.1")), ("acme-1.1.tar.gz", sdist("acme", "1.1"))])
@pytest_twisted.ensureDeferred
async def test_a_file_that_is_being_copied_is_not_listed_until_it_is_whole(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / "root" / name
    async with watched(tmp_path / "root") as here:
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
            file.flush()
            await deferLater(reactor, 2.5, lambda: None)
            assert await here.filenames("acme") == [OLD]
            file.write(content[len(content) // 2 :])
        await here.shows("acme", OLD, name, within=NOTICED)


@pytest_twisted.ensureDeferred
async def test_hidden_files_are_never_listed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with watched(root) as here:
        put(root / f".{NEW}", wheel("acme", "1.1"), modified=None)
        put(root / ".hidden" / NEW, modified=None)
        put(root / "acme-1.2-py3-none-any.whl", modified=None)
        await here.shows("acme", OLD, "acme-1.2-py3-none-any.whl", within=NOTICED)


@pytest_twisted.ensureDeferred
async def test_a_root_that_is_replaced_is_watched_again(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with watched(root) as here:
        root.rename(tmp_path / "old")
        put(root / NEW)
        await here.scanner.rescan()
        assert await here.filenames("acme") == [NEW]
        put(root / OLD, modified=None)
        await here.shows("acme", OLD, NEW, within=NOTICED)


@pytest.mark.parametrize("name", ["private_thing-1.0-py3-none-any.whl", "private_thing-1.0.exe"])
@pytest_twisted.ensureDeferred
async def test_the_project_of_a_file_that_is_not_whole_is_here_already(tmp_path: Path, name: str) -> None:
    async with watched(tmp_path / "root") as here:
        (tmp_path / "root" / name).write_bytes(b"half of it")

        async def known() -> bool:
            return "private-thing" in (await here.index.projects()).names

        await comes_true(known, NOTICED)
        assert (await here.index.project(normalize("private-thing"))).files == ()
        (tmp_path / "root" / name).unlink()

        async def forgotten() -> bool:
            return not await known()

        await comes_true(forgotten, NOTICED)


@pytest_twisted.ensureDeferred
async def test_a_name_that_is_not_text_hides_no_other_file(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with watched(root) as here:
        strange = [os.fsencode(root) + each for each in (b"/bad\xff-1.0.zip", b"/folder\xff/acme-9.0.zip")]
        for each in strange:
            put(Path(os.fsdecode(each)), b"", modified=None)
        put(root / NEW, modified=None)
        await here.shows("acme", OLD, NEW, within=NOTICED)


@pytest_twisted.ensureDeferred
async def test_a_link_to_a_folder_that_is_scanned_anyway_is_none_of_its_own(tmp_path: Path) -> None:
    root = tmp_path / "root"
    async with watched(root) as here:
        (root / "loop").symlink_to(".")
        (root / "twin").symlink_to("sub")
        put(root / NEW, modified=None)
        await here.shows("acme", OLD, NEW, within=NOTICED)
        await here.scanner.rescan()
        assert sorted(await here.everything()) == sorted([NEW, f"sub/{OLD}"])
        for path in (f"loop/{NEW}", f"twin/{OLD}"):
            with pytest.raises(NoSuchFile):
                await here.index.file_at(path)
