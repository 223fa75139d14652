"""One member out of a zip archive, within limits.

Reads the central directory alone, so that an archive of many members costs
little and one that claims a million of them no memory; ``zipfile`` makes an
object of each.  Follows the layout of APPNOTE 6.3 with its 64 bit extension.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from struct import Struct
from struct import error as StructError  # noqa: N812 - a class that struct spells in lower case
from typing import BinaryIO, NamedTuple, cast

from twisted_pypi.errors import BadMetadata

LARGEST_DIRECTORY = 32 * 1024 * 1024
"""Bytes that the central directory may have: some 300,000 members."""

_END = Struct("<4s4HLLH")
_END_SIGNATURE = b"PK\x05\x06"
_LOCATOR_64 = Struct("<4sLQL")
_LOCATOR_64_SIGNATURE = b"PK\x06\x07"
_END_64 = Struct("<4sQ2H2L4Q")
_END_64_SIGNATURE = b"PK\x06\x06"
_ENTRY = Struct("<4s4x2H4x3L3H4x2L")
_ENTRY_SIGNATURE = b"PK\x01\x02"
_LOCAL = Struct("<4s22x2H")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_LONGEST_COMMENT = 0xFFFF
_IN_EXTRA_FIELD = 0xFFFFFFFF
_ENCRYPTED = 0x1
_STORED, _DEFLATED = 0, 8

_NAMES_OF_INTEREST = (b"METADATA", b"PKG-INFO", b".egg-info")
_ALL_NAMES = (b"",)


class Member(NamedTuple):
    """What the directory of an archive says of a member."""

    name: bytes
    flags: int
    """General purpose bit flags."""
    method: int
    """How it is packed."""
    crc: int
    packed: int
    """Bytes in the archive."""
    size: int
    """Bytes when unpacked."""
    attributes: int
    """Its external attributes: the upper half is the mode where Unix wrote them."""
    offset: int
    """Where its own header is, counted from the start of the archive."""


class ZipArchive:
    """A zip archive whose directory was read; ``file`` stays open and is the caller's.

    Raises ``BadMetadata`` when there is no whole directory at its end.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.prefix = 0
        """Bytes in front of the archive: a self-extracting one begins with a program."""
        with _damage():
            self._directory, self.prefix = _find_directory(file)

    def members(self, suffixes: tuple[bytes, ...] = _ALL_NAMES) -> Iterator[Member]:
        """The members whose names end so.  Raises ``BadMetadata`` at the first broken entry of any name."""
        with _damage():
            yield from _entries(self._directory, suffixes)

    def read(self, member: Member, largest: int) -> bytes:
        """Unpack a member.  Raises ``BadMetadata`` when it is damaged or has more than ``largest`` bytes."""
        with _damage():
            return _unpacked(self._file, member, self.prefix, largest)

    def data_at(self, member: Member) -> int:
        """Where the packed bytes of a member begin, behind its own header.

        Raises ``BadMetadata`` when that header is not where the directory says, or has another name.
        """
        with _damage():
            return _data_at(self._file, member, self.prefix)


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except (StructError, zlib.error, OverflowError) as error:
        raise BadMetadata(f"the zip archive is damaged ({error})") from None


def read_member(file: BinaryIO, choose: Callable[[list[bytes]], bytes | None], largest: int) -> bytes:
    """Return the member that ``choose`` picks from the names that could be metadata.

    Raises ``BadMetadata`` when the archive is malformed, nothing is picked,
    or the member has more than ``largest`` bytes.
    """
    archive = ZipArchive(file)
    members: dict[bytes, Member] = {}
    twice: set[bytes] = set()
    for member in archive.members(_NAMES_OF_INTEREST):
        if member.name in members:
            twice.add(member.name)
        members[member.name] = member
    name = choose(list(members))
    if name is None:
        raise BadMetadata("the archive has no core metadata where it belongs")
    if name in twice:
        raise BadMetadata(f"the archive has {_shown(name)} twice")
    return archive.read(members[name], largest)


def check(file: BinaryIO) -> None:
    """Raise ``BadMetadata`` unless the archive has a whole central directory."""
    for _ in ZipArchive(file).members(_NAMES_OF_INTEREST):
        pass


def _find_directory(file: BinaryIO) -> tuple[bytes, int]:
    """The directory, and how many bytes stand in front of the archive."""
    length = file.seek(0, 2)
    at = max(0, length - _END.size)
    end = _read(file, at, _END.size)
    if end[:4] != _END_SIGNATURE or end[-2:] != b"\0\0":
        # Behind the end record there may be a comment, whose length it tells.
        start = max(0, length - _END.size - _LONGEST_COMMENT)
        tail = _read(file, start, length - start)
        found = tail.rfind(_END_SIGNATURE)
        if found < 0 or len(tail) - found < _END.size:
            raise BadMetadata("this is not a whole zip archive: it has no directory at its end")
        at, end = start + found, tail[found : found + _END.size]
    _, _, _, _, _, size, offset, _ = _END.unpack(end)
    if at >= _LOCATOR_64.size:
        locator = _LOCATOR_64.unpack(_read(file, at - _LOCATOR_64.size, _LOCATOR_64.size))
        if locator[0] == _LOCATOR_64_SIGNATURE:
            at -= _LOCATOR_64.size + _END_64.size
            record = _END_64.unpack(_read(file, max(0, at), _END_64.size))
            if record[0] != _END_64_SIGNATURE:
                raise BadMetadata("the zip archive is damaged (its 64 bit end record is not where it belongs)")
            size, offset = record[8], record[9]
    if size > LARGEST_DIRECTORY:
        raise BadMetadata(f"the directory of the zip archive has {size} bytes; at most {LARGEST_DIRECTORY} are read")
    start = at - size
    if start < 0 or start < offset:
        raise BadMetadata("the zip archive is damaged (its directory does not fit into it)")
    return _read(file, start, size), start - offset


def _entries(data: bytes, suffixes: tuple[bytes, ...]) -> Iterator[Member]:
    """The entries whose names are of interest; every entry's frame is checked."""
    at, length = 0, len(data)
    while at < length:
        signature, flags, method, crc, packed, size, name_length, extra, comment, attributes, offset = (
            _ENTRY.unpack_from(data, at)
        )
        start = at + _ENTRY.size
        at = start + name_length + extra + comment
        if signature != _ENTRY_SIGNATURE or at > length:
            raise BadMetadata("the zip archive is damaged (its directory has a broken entry)")
        name = data[start : start + name_length]
        if name.endswith(suffixes):
            member = Member(name, flags, method, crc, packed, size, attributes, offset)
            yield _widened(member, data[start + name_length : start + name_length + extra])


def _widened(entry: Member, extra: bytes) -> Member:
    """The entry with the numbers that did not fit into 32 bits, from its extra field 1."""
    if _IN_EXTRA_FIELD not in (entry.packed, entry.size, entry.offset):
        return entry
    at = 0
    while at + 4 <= len(extra):
        kind, length = int.from_bytes(extra[at : at + 2], "little"), int.from_bytes(extra[at + 2 : at + 4], "little")
        if kind == 1:
            numbers = [int.from_bytes(extra[n : n + 8], "little") for n in range(at + 4, at + 4 + length, 8)]
            size = numbers.pop(0) if entry.size == _IN_EXTRA_FIELD and numbers else entry.size
            packed = numbers.pop(0) if entry.packed == _IN_EXTRA_FIELD and numbers else entry.packed
            offset = numbers.pop(0) if entry.offset == _IN_EXTRA_FIELD and numbers else entry.offset
            return entry._replace(size=size, packed=packed, offset=offset)
        at += 4 + length
    return entry


def _unpacked(file: BinaryIO, entry: Member, shift: int, largest: int) -> bytes:
    name = _shown(entry.name)
    if entry.flags & _ENCRYPTED:
        raise BadMetadata(f"{name} is encrypted")
    if max(entry.size, entry.packed) > largest:
        raise BadMetadata(f"{name} has {max(entry.size, entry.packed)} bytes; at most {largest} are read")
    packed = _read(file, _data_at(file, entry, shift), entry.packed)
    if entry.method == _STORED:
        data = packed
    elif entry.method == _DEFLATED:
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, entry.size + 1)
    else:
        raise BadMetadata(f"{name} is packed by method {entry.method}; expected stored or deflated")
    if len(data) != entry.size or zlib.crc32(data) != entry.crc:
        raise BadMetadata(f"the zip archive is damaged (the checksum or size of {name} does not agree)")
    return data


def _data_at(file: BinaryIO, entry: Member, shift: int) -> int:
    at = entry.offset + shift
    # A file system refuses to seek far behind the end, which would look as if the file itself could not be read.
    head = _read(file, at, _LOCAL.size) if at < file.seek(0, 2) else b""
    padded = head.ljust(_LOCAL.size, b"\0")
    signature, name_length, extra = cast("tuple[bytes, int, int]", _LOCAL.unpack(padded))
    if signature != _LOCAL_SIGNATURE or file.read(name_length) != entry.name:
        raise BadMetadata(f"the zip archive is damaged ({_shown(entry.name)} is not where its directory says)")
    return at + _LOCAL.size + name_length + extra


def _shown(name: bytes) -> str:
    """The name of a member as it may stand in a sentence and in a log."""
    return "".join(each if each.isprintable() else "?" for each in name.decode("utf-8", "replace"))


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)
