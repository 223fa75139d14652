"""PKG-INFO out of a tar archive, plain or compressed, within limits.

Reads forwards and keeps nothing but the block at hand, so that no header,
however large it says it is, costs memory.  Follows the POSIX ustar and pax
formats and GNU's long names; the compression is told by its magic number,
since old archives are not always what their names say.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from typing import BinaryIO

from twisted_pypi.errors import BadMetadata

_BLOCK = 512
_PIECE = 256 * 1024
_LARGEST_HEADER = 1024 * 1024
_LARGEST_LZMA_MEMORY = 128 * 1024 * 1024
_ZEROES = bytes(_BLOCK)
_REGULAR = b"0\x007"
_WITHOUT_DATA = b"123456"


def read_pkg_info(file: BinaryIO, *, largest: int, unpacked: int) -> bytes:
    """Return the PKG-INFO of the top folder of a source distribution.

    Raises ``BadMetadata`` when the archive is malformed, has none, it has
    more than ``largest`` bytes, or it does not come within the first
    ``unpacked`` bytes.
    """
    found = _guarded(file, unpacked, largest)
    if found is None:
        raise BadMetadata("the archive has no PKG-INFO in its top folder")
    return found


def check(file: BinaryIO, *, unpacked: int) -> None:
    """Raise ``BadMetadata`` unless the archive can be unpacked to its end, with at most so many bytes."""
    _guarded(file, unpacked, None)


def _guarded(file: BinaryIO, unpacked: int, largest: int | None) -> bytes | None:
    try:
        return _walk(_Forward(_decompressed(file), unpacked), largest)
    except (EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
        raise BadMetadata(f"the tar archive is damaged ({error})") from None
    except OSError as error:
        # gzip and bz2 say OSError of malformed data too, but then without a number.
        if error.errno is not None:
            raise
        raise BadMetadata(f"the tar archive is damaged ({error})") from None


class _Forward:
    """A stream that is read forwards and never for more than a number of bytes."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream = stream
        self._left = limit
        self.used = False
        """Was anything read yet?"""

    def read(self, size: int) -> bytes:
        if size < 0:
            raise ValueError("a member has a negative size")
        self._left -= size
        if self._left < 0:
            raise BadMetadata("the archive unpacks to more bytes than are read")
        data = self._stream.read(size)
        if len(data) != size:
            raise EOFError("it ends too early")
        self.used = True
        return data

    def skip(self, size: int) -> None:
        while size > 0:
            self.read(min(size, _PIECE))
            size -= _PIECE

    def drain(self) -> None:
        while data := self._stream.read(_PIECE):
            self._left -= len(data)
            if self._left < 0:
                raise BadMetadata("the archive unpacks to more bytes than are read")


def _walk(stream: _Forward, largest: int | None) -> bytes | None:
    """Go through the members: to PKG-INFO, or to the end when no size is given."""
    long_name: bytes | None = None
    pax: dict[bytes, bytes] = {}
    while (block := _next_header(stream, must_end=largest is None)) is not None:
        size, kind = _number(block[124:136]), block[156:157]
        if kind == b"L":
            long_name = _header_data(stream, size).rstrip(b"\0")
            continue
        if kind == b"x":
            pax = _pax(_header_data(stream, size))
            continue
        size = int(pax.get(b"size", size))
        name = pax.get(b"path") or long_name or _name(block)
        long_name, pax = None, {}
        if largest is not None and kind in _REGULAR and _is_pkg_info(name):
            if size > largest:
                raise BadMetadata(f"PKG-INFO has {size} bytes; at most {largest} are read")
            return stream.read(size)
        _skip_data(stream, block, kind, size)
    return None


def _next_header(stream: _Forward, *, must_end: bool) -> bytes | None:
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


def _skip_data(stream: _Forward, block: bytes, kind: bytes, size: int) -> None:
    if kind == b"S":
        more = block[482]
        while more:
            more = stream.read(_BLOCK)[504]
    if kind not in _WITHOUT_DATA:
        stream.skip(-(-size // _BLOCK) * _BLOCK)


def _is_pkg_info(name: bytes) -> bool:
    if not name.endswith(b"/PKG-INFO"):
        return False
    return len([part for part in name.split(b"/") if part not in {b"", b"."}]) == 2


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


def _header_data(stream: _Forward, size: int) -> bytes:
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


def _decompressed(file: BinaryIO) -> BinaryIO:
    file.seek(0)
    magic = file.read(6)
    file.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]  # reads like one
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(file)  # type: ignore[return-value]  # reads like one
    if magic == b"\xfd7zXZ\0" or magic.startswith(b"\x5d\0\0"):
        return io.BufferedReader(_Lzma(file), _PIECE)
    return file


class _Lzma(io.RawIOBase):
    """The unpacked bytes of an xz or lzma stream, with a bound on the memory that it may ask for."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decompressor = lzma.LZMADecompressor(memlimit=_LARGEST_LZMA_MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader hands over
        while not self._decompressor.eof:
            packed = self._file.read(64 * 1024) if self._decompressor.needs_input else b""
            if self._decompressor.needs_input and not packed:
                raise EOFError("it ends too early")
            data = self._decompressor.decompress(packed, len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)
        return 0
