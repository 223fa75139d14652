from hashlib import sha256
from pathlib import Path

import pytest
import pytest_twisted

from tests.storage.running import put, running
from twisted_pypi.distributions import normalize
from twisted_pypi.errors import NoSuchProject
from twisted_pypi.testing.archives import core_metadata, sdist, wheel


@pytest_twisted.ensureDeferred
async def test_files_in_all_folders_of_all_roots_are_listed(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    put(one / "acme-1.0-py3-none-any.whl")
    put(one / "deep" / "deeper" / "acme-1.1.tar.gz", sdist("acme", "1.1"))
    put(two / "core-2.0-py3-none-any.whl")
    async with running(one, two) as here:
        assert (await here.index.projects()).names == ("acme", "core")
        assert await here.filenames("acme") == ["acme-1.0-py3-none-any.whl", "acme-1.1.tar.gz"]
        await here.scanner.rescan()
        assert here.index.counts() == (2, 3)


@pytest_twisted.ensureDeferred
async def test_the_facts_of_a_file(tmp_path: Path) -> None:
    root = tmp_path / "root"
    content = wheel("acme", "1.0", "Requires-Python: >=3.9")
    path = put(root / "sub folder" / "acme-1.0-py3-none-any.whl", content)
    path.with_name(path.name + ".asc").write_bytes(b"signature")
    async with running(root) as here:
        (file,) = (await here.index.project(normalize("acme"))).files
        raw = core_metadata("acme", "1.0", "Requires-Python: >=3.9")
        assert file.url == "../../packages/sub%20folder/acme-1.0-py3-none-any.whl"
        assert file.hashes == {"sha256": sha256(content).hexdigest()}
        assert file.size == len(content)
        assert file.upload_time_ns == path.stat().st_mtime_ns
        assert file.requires_python == ">=3.9"
        assert file.core_metadata == {"sha256": sha256(raw).hexdigest()}
        assert file.gpg_sig is True
        (known,) = await here.index.files_of(normalize("acme"))
        assert await here.index.metadata(known) == raw


@pytest_twisted.ensureDeferred
async def test_an_unknown_project_is_missing_only_when_all_names_are_read(tmp_path: Path) -> None:
    root = tmp_path / "root"
    put(root / "acme-1.0-py3-none-any.whl")
    async with running(root) as here:
        with pytest.raises(NoSuchProject):
            await here.index.project(normalize("other"))
        assert here.scanner.enquiries.all_named


@pytest_twisted.ensureDeferred
async def test_what_is_known_is_answered_before_the_next_scan(tmp_path: Path) -> None:
    root = tmp_path / "root"
    path = put(root / "acme-1.0-py3-none-any.whl")
    async with running(root) as here:
        assert await here.filenames("acme") == [path.name]
    async with running(root) as here:
        await here.scanner.enquiries.opened()
        assert not here.scanner.enquiries.all_named
        assert await here.filenames("acme") == [path.name]
        assert not here.scanner.enquiries.all_named
