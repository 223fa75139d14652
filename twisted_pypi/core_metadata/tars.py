"""The members of a tar archive, plain or compressed, within limits.

Reads forwards and keeps nothing but the block at hand, so that no header,
however large it says it is, costs memory.  Follows the POSIX ustar and pax
formats and GNU's long names.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

from twisted_pypi.core_metadata.streams import Forward, decompressed
from twisted_pypi.errors import BadMetadata

_BLOCK = 512
_LARGEST_HEADER = 1024 * 1024
_ZEROES = bytes(_BLOCK)
REGULAR = frozenset({b"0", b"\0", b"7"})
"""Type flags of files."""
_WITHOUT_DATA = frozenset({b"1", b"2", b"3", b"4", b"5", b"6"})


class Member(NamedTuple):
    """What the header of a member says."""

    name: bytes
    kind: bytes
    """Its type flag: ``0`` is a file, ``5`` a folder."""
    size: int
    """Bytes."""
    target: bytes
    """What a link points to."""
    sparse: bool
    """Is it a file with holes, as GNU tar writes them?"""


def members(
    file: BinaryIO, *, unpacked: int, wanted: Callable[[Member], bool], largest: int, must_end: bool = False
) -> Iterator[tuple[Member, bytes | None]]:
    """Every member from start to end, and the data of those that are ``wanted``.

    Raises ``BadMetadata`` when the archive is malformed, a wanted member has
    more than ``largest`` bytes, or there are more than ``unpacked`` bytes;
    with ``must_end`` also when the empty blocks at its end are missing.
    """
    with _damage():
        yield from _walk(Forward(decompressed(file), unpacked), wanted, largest, must_end=must_end)


def read_pkg_info(file: BinaryIO, *, largest: int, unpacked: int) -> bytes:
    """Return the PKG-INFO of the top folder of a source distribution.

    Raises ``BadMetadata`` when the archive is malformed, has none, it has
    more than ``largest`` bytes, or it does not come within the first
    ``unpacked`` bytes.
    """
    for _, data in members(file, unpacked=unpacked, wanted=is_pkg_info, largest=largest):
        if data is not None:
            return data
    raise BadMetadata("the archive has no PKG-INFO in its top folder")


def check(file: BinaryIO, *, unpacked: int) -> None:
    """Raise ``BadMetadata`` unless the archive can be unpacked to its end, with at most so many bytes."""
    for _ in members(file, unpacked=unpacked, wanted=lambda _: False, largest=0, must_end=True):
        pass


def is_pkg_info(member: Member) -> bool:
    """Is this the PKG-INFO of the top folder?"""
    if member.kind not in REGULAR or not member.name.endswith(b"/PKG-INFO"):
        return False
    return len([part for part in member.name.split(b"/") if part not in {b"", b"."}]) == 2


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
        raise BadMetadata(f"the tar archive is damaged ({error})") from None
    except OSError as error:
        # gzip and bz2 say OSError of malformed data too, but then without a number.
        if error.errno is not None:
            raise
        raise BadMetadata(f"the tar archive is damaged ({error})") from None


def _walk(
    stream: Forward, wanted: Callable[[Member], bool], largest: int, *, must_end: bool
) -> Iterator[tuple[Member, bytes | None]]:
    long: dict[bytes, bytes] = {}
    pax: dict[bytes, bytes] = {}
    while (block := _next_header(stream, must_end=must_end)) is not None:
        size, kind = _number(block[124:136]), block[156:157]
        if kind in {b"L", b"K"}:
            long[kind] = _header_data(stream, size).rstrip(b"\0")
            continue
        if kind == b"x":
            pax = _pax(_header_data(stream, size))
            continue
        member = Member(
            pax.get(b"path") or long.get(b"L") or _name(block),
            kind,
            int(pax.get(b"size", size)),
            pax.get(b"linkpath") or long.get(b"K") or block[157:257].partition(b"\0")[0],
            kind == b"S" or any(key.startswith(b"GNU.sparse.") for key in pax),
        )
        long, pax = {}, {}
        if not wanted(member):
            _skip_data(stream, block, kind, member.size)
            yield member, None
        elif member.size > largest:
            name = member.name.rpartition(b"/")[2].decode("utf-8", "replace")
            raise BadMetadata(f"{name} has {member.size} bytes; at most {largest} are read")
        else:
            yield member, stream.read(member.size)
            stream.skip(-member.size % _BLOCK)


def _next_header(stream: Forward, *, must_end: bool) -> bytes | None:
    try:
        block = stream.read(_BLOCK)
    except EOFError:
        # Some writers leave out the two empty blocks at the end.
        if must_end or not stream.used:
            raise
        return None
    if block == _ZEROES:
        stream.drain()
        return None
    _check_sum(block)
    return block


def _skip_data(stream: Forward, block: bytes, kind: bytes, size: int) -> None:
    if kind == b"S":
        more = block[482]
        while more:
            more = stream.read(_BLOCK)[504]
    if kind not in _WITHOUT_DATA:
        stream.skip(-(-size // _BLOCK) * _BLOCK)


def _name(block: bytes) -> bytes:
    name = block[:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0] if block[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(field, "big") & ~(0x80 << 8 * (len(field) - 1))
    return int(field.partition(b"\0")[0].strip() or b"0", 8)


def _check_sum(block: bytes) -> None:
    expected = _number(block[148:156])
    found = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    if found != expected:
        # Very old writers counted bytes as signed.
        found -= 256 * (sum(byte > 127 for byte in block) - sum(byte > 127 for byte in block[148:156]))
        if found != expected:
            raise ValueError("a header's checksum does not agree")


def _header_data(stream: Forward, size: int) -> bytes:
    if size > _LARGEST_HEADER:
        raise BadMetadata(f"a header of the archive has {size} bytes; at most {_LARGEST_HEADER} are read")
    return stream.read(-(-size // _BLOCK) * _BLOCK)[:size]


def _pax(data: bytes) -> dict[bytes, bytes]:
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(data) and data[at]:
        space = data.index(b" ", at, at + 20)
        length = int(data[at:space])
        key, _, value = data[space + 1 : at + length - 1].partition(b"=")
        if length <= space - at:
            raise ValueError("an extended header has a wrong length")
        records[key] = value
        at += length
    return records
