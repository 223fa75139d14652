"""Archives that point behind their end, and names in them that no sentence can hold."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from struct import pack, pack_into, unpack_from

import pytest

from twisted_pypi.core_metadata import extract
from twisted_pypi.distributions import parse_filename
from twisted_pypi.errors import BadMetadata
from twisted_pypi.testing.archives import wheel, zip_archive

METADATA = b"good-1.0.dist-info/METADATA"


def moved_to(offset: int) -> bytes:
    """A wheel whose directory says that METADATA is at this place."""
    archive = bytearray(wheel("good", "1.0"))
    name = archive.rindex(METADATA)
    entry, behind = name - 46, name + len(METADATA)
    extra = pack("<HHQ", 1, 8, offset)
    archive[entry + 42 : entry + 46] = b"\xff\xff\xff\xff"
    pack_into("<H", archive, entry + 30, len(extra))
    archive[behind:behind] = extra
    end = archive.rindex(b"PK\5\6")
    (size,) = unpack_from("<L", archive, end + 12)
    pack_into("<L", archive, end + 12, size + len(extra))
    return bytes(archive)


# Read from a real file: a stream in memory seeks as far as 64 bits reach, a file system does not.
@pytest.mark.parametrize("offset", [2**31, 2**44, 2**60, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_member_far_behind_the_end(offset: int, tmp_path: Path) -> None:
    path = tmp_path / "good-1.0-py3-none-any.whl"
    path.write_bytes(moved_to(offset))
    with path.open("rb") as file, pytest.raises(BadMetadata, match="is not where its directory says"):
        extract(file, parse_filename(path.name))


def test_a_name_that_cannot_stand_in_a_log() -> None:
    name = "a\n\x1b\ufeff.dist-info/METADATA"
    archive = zip_archive([(name, b"x")]).replace(name.encode(), name.replace("a", "b").encode(), 1)
    with pytest.raises(BadMetadata) as refused:
        extract(BytesIO(archive), parse_filename("good-1.0-py3-none-any.whl"))
    assert str(refused.value).isprintable()
