"""What may be served of a folder with links in it."""

from pathlib import Path

import pytest
import pytest_twisted

from tests.storage.running import put, running
from twisted_pypi.errors import NoSuchFile

FILE = "acme-1.0-py3-none-any.whl"


def make(tmp_path: Path) -> Path:
    """A root with every kind of link."""
    root = put(tmp_path / "root" / "real" / FILE).parent.parent
    put(tmp_path / "outside" / "core-1.0-py3-none-any.whl")
    put(root / ".releases" / "7" / "hidden-1.0-py3-none-any.whl")
    (root / "same-1.0-py3-none-any.whl").symlink_to(root / ".releases" / "7" / "hidden-1.0-py3-none-any.whl")
    (root / "current").symlink_to(".releases/7")
    (root / "alias").symlink_to("real")
    (root / "loop").symlink_to(".")
    (root / "real" / "up").symlink_to("../..")
    (root / "broken-1.0-py3-none-any.whl").symlink_to("nowhere")
    (root / "away").symlink_to("nowhere")
    (root / "core-1.0-py3-none-any.whl").symlink_to(tmp_path / "outside" / "core-1.0-py3-none-any.whl")
    (root / "folder").symlink_to(tmp_path / "outside")
    return root


INSIDE = {f"real/{FILE}", "current/hidden-1.0-py3-none-any.whl", "same-1.0-py3-none-any.whl"}


@pytest_twisted.ensureDeferred
async def test_links_that_lead_outside_are_left_out(tmp_path: Path) -> None:
    root = make(tmp_path)
    async with running(root) as here:
        await here.scanner.rescan()
        assert set(await here.everything()) == INSIDE
        for path in ("core-1.0-py3-none-any.whl", "folder/core-1.0-py3-none-any.whl", f"alias/{FILE}"):
            with pytest.raises(NoSuchFile):
                await here.index.file_at(path)


@pytest_twisted.ensureDeferred
async def test_links_that_lead_outside_are_served_when_that_is_asked_for(tmp_path: Path) -> None:
    root = make(tmp_path)
    async with running(root, follow_links=True) as here:
        await here.scanner.rescan()
        assert set(await here.everything()) == INSIDE | {"core-1.0-py3-none-any.whl"}
        located = await here.index.file_at("folder/core-1.0-py3-none-any.whl")
        assert located.location == str(root / "folder" / "core-1.0-py3-none-any.whl")


@pytest_twisted.ensureDeferred
async def test_a_file_that_becomes_a_link_outside_is_served_no_more(tmp_path: Path) -> None:
    root = make(tmp_path)
    path = root / "real" / FILE
    async with running(root) as here:
        await here.scanner.rescan()
        path.unlink()
        put(tmp_path / "outside" / "core-1.0-py3-none-any.whl", b"other")
        path.symlink_to(tmp_path / "outside" / "core-1.0-py3-none-any.whl")
        with pytest.raises(NoSuchFile):
            await here.index.file_at(f"real/{FILE}")


@pytest_twisted.ensureDeferred
async def test_two_folders_that_lead_to_each_other_end(tmp_path: Path) -> None:
    root, one, two = tmp_path / "root", tmp_path / "one", tmp_path / "two"
    put(one / FILE)
    put(two / FILE)
    put(root / "core-1.0-py3-none-any.whl")
    (one / "two").symlink_to(two)
    (two / "one").symlink_to(one)
    (root / "one").symlink_to(one)
    async with running(root, follow_links=True) as here:
        await here.scanner.rescan()
        assert set(await here.everything()) == {"core-1.0-py3-none-any.whl", f"one/{FILE}"}
        assert (await here.index.file_at(f"one/two/{FILE}")).known.root == 0
