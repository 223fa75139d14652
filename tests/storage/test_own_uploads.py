"""What the server itself publishes is no news to it."""

from __future__ import annotations

from pathlib import Path

import pytest_twisted

from tests.storage.running import running
from twisted_pypi.boundaries import Addition, KnownFile
from twisted_pypi.catalog import Place
from twisted_pypi.distributions import normalize, parse_filename
from twisted_pypi.sidecars import Sidecar, Source, format_sidecar
from twisted_pypi.storage.publishing import DirectoryStore
from twisted_pypi.testing.archives import wheel

FILENAME = "acme-1.0-py3-none-any.whl"
SIDECAR = f".{FILENAME}.json"


def published(root: Path) -> Addition:
    """Publish a wheel as an upload does."""
    store, content = DirectoryStore([str(root)], reserve=0), wheel("acme", "1.0")
    staged = store.stage(len(content), ())
    staged.write(content)
    sha256 = staged.digests()["sha256"]
    sidecar = Sidecar(sha256, 1_700_000_000_000_000_000, "anna", source=Source.UPLOAD)
    found = store.publish(staged, FILENAME, sidecar=format_sidecar(sidecar))
    known = KnownFile(
        root=found.root,
        path=found.path,
        distribution=parse_filename(FILENAME),
        size=found.size,
        mtime_ns=found.mtime_ns,
        inode=found.inode,
        sha256=sha256,
        uploaded_ns=1_700_000_000_000_000_000,
        source=Source.UPLOAD,
    )
    return Addition(known, None, found.sidecar_mtime_ns)


@pytest_twisted.ensureDeferred
async def test_its_sidecar_is_known_and_not_read_again(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    async with running(root) as here:
        await here.scanner.rescan()  # else the first scan may come upon it by itself
        known = await here.index.add(lambda: published(root))
        row = here.catalog.read.remembered(Place.of(known))
        assert row is not None
        assert row.sidecar_mtime_ns == (root / SIDECAR).stat().st_mtime_ns
        here.told.clear()
        await here.scanner.rescan()
        assert here.told == []
        assert await here.index.files_of(normalize("acme")) == [known]
