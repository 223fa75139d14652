"""Archives that point behind their end, read from a real file: no file system seeks as far as 64 bits reach."""

from __future__ import annotations

from pathlib import Path
from struct import pack, pack_into, unpack_from

import pytest

from twisted_pypi.core_metadata import extract
from twisted_pypi.distributions import parse_filename
from twisted_pypi.errors import BadMetadata
from twisted_pypi.testing.archives import wheel

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


@pytest.mark.parametrize("offset", [2**31, 2**44, 2**60, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_member_far_behind_the_end(offset: int, tmp_path: Path) -> None:
    path = tmp_path / "good-1.0-py3-none-any.whl"
    path.write_bytes(moved_to(offset))
    with path.open("rb") as file, pytest.raises(BadMetadata, match="is not where its directory says"):
        extract(file, parse_filename(path.name))
