"""What is said in a sidecar is on the page of its file, however and whenever the sidecar changes."""

import os
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path

import pytest
import pytest_twisted

from tests.storage.keeping import keeping
from tests.storage.running import Running, comes_true, put, running
from twisted_pypi.boundaries import KnownFile
from twisted_pypi.config import Watch
from twisted_pypi.distributions import normalize
from twisted_pypi.sidecars import Sidecar, Source, format_sidecar, sidecar_name
from twisted_pypi.storage.beside import look_beside
from twisted_pypi.storage.folder_files import FolderFiles

FILE = "acme-1.0-py3-none-any.whl"
OTHER = "acme-1.1-py3-none-any.whl"


def say(file: Path, sidecar: bytes | None = None, **said: object) -> Path:
    """Write the sidecar of a file as an editor does: beside it, and then over it."""
    digest = sha256(file.read_bytes()).hexdigest()
    path = file.with_name(sidecar_name(file.name))
    new = path.with_suffix(".new")
    new.write_bytes(sidecar or format_sidecar(Sidecar(**{"sha256": digest, **said})))  # type: ignore[arg-type]  # a table of fields
    return new.rename(path)


async def facts(here: Running, filename: str = FILE) -> KnownFile:
    known = {each.filename: each for each in await here.index.files_of(normalize("acme"))}
    return known[filename]


async def now(here: Running, *, watch: Watch, condition: Callable[[KnownFile], bool]) -> None:
    """Wait for the watcher, or scan."""

    async def same() -> bool:
        return condition(await facts(here))

    if watch is Watch.AUTO:
        await comes_true(same)
    else:
        await here.scanner.rescan()
        assert await same()


@pytest.mark.parametrize("folder", ["", "sub/deep"])
@pytest_twisted.ensureDeferred
async def test_what_lies_beside_a_new_file(tmp_path: Path, folder: str) -> None:
    file = put(tmp_path / "root" / folder / FILE)
    other = put(tmp_path / "root" / folder / OTHER)
    say(file, yanked="broken", attestations=({},), uploaded_ns=5000)
    say(other, yanked="", sha256="00" * 32)
    async with running(tmp_path / "root") as here:
        known = await facts(here)
        assert (known.yanked, known.attested, known.uploaded_ns) == ("broken", True, 5000)
        known = await facts(here, OTHER)
        assert (known.yanked, known.attested) == (None, False)
        page = await here.index.project(normalize("acme"))
        assert [file.yanked for file in page.files] == ["broken", False]


@pytest_twisted.ensureDeferred
async def test_how_a_file_came_here_is_known_and_a_yank_does_not_change_that(tmp_path: Path) -> None:
    by_hand, uploaded, fetched = (put(tmp_path / "root" / f"acme-{n}-py3-none-any.whl") for n in (1, 2, 3))
    say(uploaded, uploader="anna")
    say(fetched, source=Source.UPSTREAM)
    async with running(tmp_path / "root") as here:

        async def sources() -> list[Source | None]:
            await here.scanner.rescan()
            return [known.source for known in await here.index.files_of(normalize("acme"))]

        assert await sources() == [None, Source.UPLOAD, Source.UPSTREAM]
        here.told.clear()
        say(by_hand, yanked="broken", more={"yanked-by": "anna"})
        say(fetched, source=Source.UPLOAD)
        assert await sources() == [None, Source.UPLOAD, Source.UPLOAD]
        # Whose a project is may depend on it.
        assert {normalize("acme")} in here.told
        files = FolderFiles([str(tmp_path / "root")], follow_links=False)
        assert {known.source for known in await files.files_of(normalize("acme"))} == {None, Source.UPLOAD}
    async with running(tmp_path / "root") as here:
        assert await sources() == [None, Source.UPLOAD, Source.UPLOAD]


@pytest.mark.parametrize("watch", [Watch.AUTO, Watch.POLL])
@pytest_twisted.ensureDeferred
async def test_it_changes_beside_its_file(tmp_path: Path, watch: Watch) -> None:
    file = put(tmp_path / "root" / "sub" / FILE)
    async with running(tmp_path / "root", watch=watch) as here:
        await here.scanner.rescan()
        before = await facts(here)
        here.told.clear()
        sidecar = say(file, yanked="")
        await now(here, watch=watch, condition=lambda known: known.yanked == "")
        await comes_true(_told(here))
        page = await here.index.project(normalize("acme"))
        assert page.files[0].yanked is True
        sidecar.write_bytes(format_sidecar(Sidecar(before.sha256, yanked="broken")))
        await now(here, watch=watch, condition=lambda known: known.yanked == "broken")
        sidecar.unlink()
        await now(here, watch=watch, condition=lambda known: known == before)


@pytest_twisted.ensureDeferred
async def test_it_changed_while_nobody_served(tmp_path: Path) -> None:
    file = put(tmp_path / "root" / FILE)
    async with running(tmp_path / "root") as here:
        await here.scanner.rescan()
    say(file, yanked="broken")
    async with running(tmp_path / "root") as here:
        await here.scanner.rescan()
        assert (await facts(here)).yanked == "broken"


@pytest_twisted.ensureDeferred
async def test_what_cannot_be_read_says_what_it_said(tmp_path: Path) -> None:
    sidecar = say(put(tmp_path / "root" / FILE), yanked="broken")
    async with running(tmp_path / "root") as here:
        await here.scanner.rescan()
        sidecar.unlink()
        sidecar.symlink_to(sidecar.name)
        await here.scanner.rescan()
        assert (await facts(here)).yanked == "broken"


@pytest.mark.parametrize("folder", [".projects", ".projects/acme", "sub/.git"])
def test_a_hint_of_what_is_hidden_shows_nothing(tmp_path: Path, folder: str) -> None:
    root = tmp_path / "root"
    put(root / FILE)
    with keeping(root, tmp_path / "state") as keeper:
        keeper.names()
        keeper.scan()
        hidden = put(root / folder / OTHER)
        keeper.look([root / folder, hidden.parent, hidden, say(hidden)])
        assert [known.path for known in keeper.catalog.read.all_files()] == [FILE]


def test_a_pipe_is_no_sidecar(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / sidecar_name(FILE))
    found = look_beside(str(tmp_path / FILE))
    assert found.sidecar is None
    assert found.mtime_ns is not None


def _told(here: Running) -> Callable[[], Awaitable[bool]]:
    async def told() -> bool:
        return frozenset({"acme"}) in here.told

    return told
