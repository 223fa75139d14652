"""What cannot be read is not gone: the names stay, and the file is unreadable, not missing."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher

from tests.storage.running import put, running
from twisted_pypi.catalog import Place, State
from twisted_pypi.distributions import normalize
from twisted_pypi.errors import NoSuchFile, Unreadable

ONE, TWO = "acme-1.0-py3-none-any.whl", "acme-1.1-py3-none-any.whl"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path / "root" / ONE)
    put(tmp_path / "root" / "volume" / TWO)
    return tmp_path / "root"


@pytest.fixture
def said() -> Iterator[list[str]]:
    """The lines of the log."""
    lines: list[str] = []

    def observe(event: dict[str, Any]) -> None:
        lines.append(formatEvent(event))

    observer = cast("ILogObserver", observe)
    globalLogPublisher.addObserver(observer)
    yield lines
    globalLogPublisher.removeObserver(observer)


def _replaced_by_an_empty_folder(folder: Path) -> Callable[[], None]:
    """As an unmounted volume looks."""
    folder.rename(folder.with_name("away"))
    folder.mkdir()

    def back() -> None:
        folder.rmdir()
        folder.with_name("away").rename(folder)

    return back


def _missing(folder: Path) -> Callable[[], None]:
    away = folder.rename(folder.with_name("gone"))

    def back() -> None:
        away.rename(folder)

    return back


def _with_what_a_new_volume_has(folder: Path) -> Callable[[], None]:
    back = _replaced_by_an_empty_folder(folder)
    (folder / "lost+found").mkdir()
    (folder / "README").write_bytes(b"")

    def all_back() -> None:
        (folder / "lost+found").rmdir()
        (folder / "README").unlink()
        back()

    return all_back


@pytest.mark.parametrize("state", ["state", "root/.twisted-pypi"])
@pytest.mark.parametrize("harm", [_replaced_by_an_empty_folder, _missing, _with_what_a_new_volume_has])
@pytest_twisted.ensureDeferred
async def test_a_root_that_is_away_keeps_its_files(
    root: Path, harm: Callable[[Path], Callable[[], None]], said: list[str], state: str
) -> None:
    async with running(root, state=root.parent / state) as here:
        await here.scanner.rescan()
        said.clear()
        back = harm(root)
        await here.scanner.rescan()
        await here.scanner.rescan()
        assert await here.filenames("acme") == [ONE, TWO]
        for path in (ONE, f"volume/{TWO}"):
            with pytest.raises(Unreadable):
                await here.index.file_at(path)
        with pytest.raises(Unreadable):
            await here.index.file(normalize("acme"), ONE)
        assert len(here.scanner.troubles()) == len(said) == 1
        assert str(root) in said[0]
        back()
        await here.scanner.rescan()
        assert here.scanner.troubles() == []
        assert len(said) == 2
        assert (await here.index.file_at(ONE)).location == str(root / ONE)


@pytest_twisted.ensureDeferred
async def test_a_folder_that_is_away_keeps_its_files(root: Path) -> None:
    async with running(root) as here:
        await here.scanner.rescan()
        _replaced_by_an_empty_folder(root / "volume")
        _missing(root / "away")
        (root / ONE).unlink()
        await here.scanner.rescan()
        assert await here.filenames("acme") == [TWO]
        with pytest.raises(Unreadable):
            await here.index.file_at(f"volume/{TWO}")
        with pytest.raises(NoSuchFile):
            await here.index.file_at(ONE)


@pytest_twisted.ensureDeferred
async def test_a_root_that_is_away_at_the_start_keeps_its_files(root: Path) -> None:
    async with running(root) as here:
        await here.scanner.rescan()
    _missing(root)
    async with running(root) as here:
        await here.scanner.rescan()
        assert await here.filenames("acme") == [ONE, TWO]
        assert len(here.scanner.troubles()) == 1


@pytest.mark.parametrize("path", [ONE, f"volume/{TWO}"])
@pytest_twisted.ensureDeferred
async def test_the_last_file_of_a_folder_may_be_removed(root: Path, path: str) -> None:
    async with running(root) as here:
        await here.scanner.rescan()
        (root / path).unlink()
        await here.scanner.rescan()
        assert list(await here.everything()) == [each for each in (ONE, f"volume/{TWO}") if each != path]
        assert here.scanner.troubles() == []
        with pytest.raises(NoSuchFile):
            await here.index.file_at(path)


@pytest_twisted.ensureDeferred
async def test_everything_may_be_removed_by_hand(root: Path) -> None:
    async with running(root) as here:
        await here.scanner.rescan()
        (root / ONE).unlink()
        (root / "volume" / TWO).unlink()
        (root / "volume").rmdir()
        await here.scanner.rescan()
        assert await here.everything() == {}
        assert here.scanner.troubles() == []


@pytest_twisted.ensureDeferred
async def test_other_files_in_another_folder_are_believed(root: Path) -> None:
    async with running(root) as here:
        await here.scanner.rescan()
        _missing(root)
        put(root / "acme-2.0-py3-none-any.whl")
        await here.scanner.rescan()
        assert await here.filenames("acme") == ["acme-2.0-py3-none-any.whl"]


@pytest_twisted.ensureDeferred
async def test_the_first_file_that_is_uploaded_may_be_removed_before_the_next_scan(tmp_path: Path, root: Path) -> None:
    async with running(root) as here:
        known = (await here.index.files_of(normalize("acme")))[0]
    empty = put(tmp_path / "empty" / "README", b"").parent
    async with running(empty, state=tmp_path / "other") as here:
        await here.scanner.rescan()
        put(empty / ONE)
        await here.index.added(known, None)
        (empty / ONE).unlink()
        await here.scanner.rescan()
        assert await here.everything() == {}


def _mounted(folder: Path) -> bool:
    folder.mkdir(parents=True)
    return subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=False, capture_output=True).returncode == 0


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", folder], check=False, capture_output=True)


@pytest_twisted.ensureDeferred
async def test_a_volume_that_is_unmounted(tmp_path: Path) -> None:
    root = tmp_path / "root"
    if not _mounted(root / "volume"):
        pytest.skip("mounting is not permitted here")
    try:
        put(root / "volume" / ONE)
        async with running(root) as here:
            await here.scanner.rescan()
            _unmount(root / "volume")
            await here.scanner.rescan()
            assert await here.filenames("acme") == [ONE]
            with pytest.raises(Unreadable):
                await here.index.file_at(f"volume/{ONE}")
    finally:
        _unmount(root / "volume")


@pytest_twisted.ensureDeferred
async def test_files_that_cannot_be_read_are_not_found_missing(root: Path) -> None:
    async with running(root) as here:
        await here.scanner.rescan()
        for path in (ONE, f"volume/{TWO}"):
            place = Place.at(0, path)
            await deferToThread(
                here.catalog.write,
                lambda writer, place=place: writer.set_state(place, State.UNREADABLE),
                here.catalog.apply,
            )
        assert (await here.index.projects()).names == ("acme",)
        with pytest.raises(Unreadable):
            await here.index.project(normalize("acme"))
        await here.scanner.rescan()
        assert await here.filenames("acme") == [ONE, TWO]


@pytest_twisted.ensureDeferred
async def test_it_is_known_that_a_folder_was_never_read(tmp_path: Path, root: Path, said: list[str]) -> None:
    away = tmp_path / "away"
    async with running(root, away) as here:
        await here.index.projects()
        assert (here.scanner.never_read() or "").startswith(
            f"{away} cannot be read (No such file or directory), so nobody"
        )
        await here.scanner.rescan()
        put(away / "other-1.0-py3-none-any.whl")
        await here.scanner.rescan()
        assert here.scanner.never_read() is None
        away.rename(tmp_path / "further")
        await here.scanner.rescan()
        assert (len(here.scanner.troubles()), here.scanner.never_read()) == (1, None)
    assert len([line for line in said if "cannot be read" in line and "is over" not in line]) == 2


@pytest_twisted.ensureDeferred
async def test_what_only_the_file_system_needs_is_no_folder_of_packages(root: Path) -> None:
    put(root / "lost+found" / "other-1.0-py3-none-any.whl")
    async with running(root) as here:
        assert (await here.index.projects()).names == ("acme",)
