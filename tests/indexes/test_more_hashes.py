"""One more hash on every page."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import cast

import pytest_twisted
from twisted.internet.threads import deferToThread

from tests.storage.running import put, running
from twisted_pypi.boundaries import RunInThread
from twisted_pypi.distributions import normalize
from twisted_pypi.indexes.more_hashes import MoreHashes

IN_THREAD = cast("RunInThread", deferToThread)
NAME = "acme-1.0-py3-none-any.whl"


@pytest_twisted.ensureDeferred
async def test_each_file_has_both_hashes_and_of_its_present_bytes(tmp_path: Path) -> None:
    path = put(tmp_path / "root" / NAME)
    async with running(tmp_path / "root") as here:
        index = MoreHashes(here.index, "md5", IN_THREAD)

        async def hashes() -> dict[str, str]:
            (file,) = (await index.project(normalize("acme"))).files
            return dict(file.hashes)

        def expected() -> dict[str, str]:
            content = path.read_bytes()
            return {"sha256": hashlib.sha256(content).hexdigest(), "md5": hashlib.md5(content).hexdigest()}  # noqa: S324  # it is what is asked for

        assert await hashes() == await hashes() == expected()
        put(path, path.read_bytes() + b"more", modified=1_700_000_100)
        await here.scanner.rescan()
        assert await hashes() == expected()


@pytest_twisted.ensureDeferred
async def test_a_file_that_cannot_be_read_has_the_one_that_is_known(tmp_path: Path) -> None:
    path = put(tmp_path / "root" / NAME)
    async with running(tmp_path / "root") as here:
        index = MoreHashes(here.index, "md5", IN_THREAD)
        await index.project(normalize("acme"))
        index = MoreHashes(here.index, "md5", IN_THREAD)
        path.rename(path.with_name("hidden"))
        (file,) = (await here.index.project(normalize("acme"))).files
        assert set(file.hashes) == {"sha256"}
        path.with_name("hidden").rename(path)
        assert set((await index.project(normalize("acme"))).files[0].hashes) == {"sha256", "md5"}
