"""The unpacked bytes of a file, read forwards and within limits.

The compression is told by its magic number, since old archives are not always
what their names say.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from typing import BinaryIO

from twisted_pypi.errors import BadMetadata

_PIECE = 256 * 1024
_LARGEST_LZMA_MEMORY = 128 * 1024 * 1024


class Forward:
    """A stream that is read forwards and never for more than a number of bytes."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        """Read at most ``limit`` bytes."""
        self._stream = stream
        self._limit = self._left = limit
        self.used = False
        """Was anything read yet?"""

    def read(self, size: int) -> bytes:
        """So many bytes.  Raises ``EOFError``, ``ValueError`` and ``BadMetadata``, beside what the stream raises."""
        if size < 0:
            raise ValueError("a member has a negative size")
        self._left -= size
        if self._left < 0:
            raise BadMetadata(f"the archive unpacks to more than the {self._limit} bytes that are read")
        data = self._stream.read(size)
        if len(data) != size:
            raise EOFError("it ends too early")
        self.used = True
        return data

    def skip(self, size: int) -> None:
        """Read so many bytes and keep none."""
        while size > 0:
            self.read(min(size, _PIECE))
            size -= _PIECE

    def drain(self) -> None:
        """Read to the end."""
        while data := self._stream.read(_PIECE):
            self._left -= len(data)
            if self._left < 0:
                raise BadMetadata(f"the archive unpacks to more than the {self._limit} bytes that are read")


def decompressed(file: BinaryIO) -> BinaryIO:
    """Return a stream of what is packed in a file, from its start; a file that is not packed is one itself."""
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
