"""What a scan says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest_twisted

from tests.storage.running import put, running
from twisted_pypi.testing.archives import wheel


@pytest_twisted.ensureDeferred
async def test_what_was_found_since_the_last_time(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    files = [put(one / f"acme-1.{n}-py3-none-any.whl") for n in range(3)]
    other = put(two / "deep" / "core-2.0-py3-none-any.whl")
    async with running(one, two) as here:
        await here.scanner.rescan()
        first = here.scanner.last
        assert first is not None
        # The names were read before, so that nobody has to wait for a scan.
        assert (first.files, first.new, first.changed, first.gone) == (4, 0, 0, 0)
        assert 0 < first.began <= first.ended
        with here.catalog.reading() as reader:
            assert reader.size() == sum(each.stat().st_size for each in [*files, other])
        put(one / "sub" / "acme-2.0-py3-none-any.whl")
        put(files[0], wheel("acme", "1.0", content=b"more of it"))
        files[1].unlink()
        await here.scanner.rescan()
        second = here.scanner.last
        assert second is not None
        assert (second.files, second.new, second.changed, second.gone) == (4, 1, 1, 1)
        assert second.began >= first.ended
