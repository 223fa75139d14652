"""Who wants to know of files that are gone is told, whoever noticed."""

from __future__ import annotations

from pathlib import Path

import pytest_twisted

from tests.storage.running import put, running
from twisted_pypi.catalog import Gone
from twisted_pypi.distributions import normalize

ONE, TWO = "acme-1.0-py3-none-any.whl", "acme-2.0-py3-none-any.whl"


@pytest_twisted.ensureDeferred
async def test_files_and_folders_that_are_gone(tmp_path: Path) -> None:
    root = tmp_path / "packages"
    for path in (ONE, f"deep/{TWO}"):
        put(root / path)
    async with running(root) as here:
        told: list[Gone] = []
        here.scanner.tell_of_gone(told.extend)
        await here.shows("acme", ONE, TWO)
        digests = await here.everything()
        (root / f"deep/{TWO}").unlink()
        (root / "deep").rmdir()
        await here.scanner.rescan()
        assert told == [Gone(normalize("acme"), "2.0", TWO, digests[f"deep/{TWO}"])]
        (root / "other").mkdir()
        (root / ONE).rename(root / "other" / ONE)
        await here.scanner.rescan()
        assert await here.filenames("acme") == [ONE]
        known = (await here.index.files_of(told[0].project))[0]
        (root / "other" / ONE).unlink()
        await here.index.removed(known)
        await here.scanner.rescan()
        assert [each.filename for each in told[1:]] in ([ONE], [ONE, ONE]), "a move may look like a removal at first"
