"""Small package files, whole in memory and sent in one piece, as pages are.

Their bytes are compared with their digest when they are read, and size and
time of the file with what they were before each use: one ``stat`` (2 us).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO

from twisted_pypi.boundaries import LocatedFile
from twisted_pypi.errors import Unreadable
from twisted_pypi.web.one_file import OCTETS, OneFile
from twisted_pypi.web.pages import Page

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest

LARGEST = 1 << 16
"""Bytes of a file that is small."""

_PARTLY = (b"range", b"if-range", b"if-match", b"if-unmodified-since")


def wants_whole(request: IndexRequest) -> bool:
    """Does a request ask for the whole file, or whether it is another than the client has, and nothing else?"""
    return not any(request.requestHeaders.hasHeader(each) for each in _PARTLY)


def read_whole(located: LocatedFile, about: OneFile, file: BinaryIO) -> Page:
    """Return the finished answer with a small open file, which is closed.  Raises ``Unreadable``."""
    with file:
        body = file.read()
    if sha256(body).hexdigest() != about.sha256:
        raise Unreadable(f"{about.filename} is being replaced; ask again")
    proof = _Unchanged(located.location, located.known.size, located.known.mtime_ns)
    headers = (*about.fixed_headers(), (b"Content-Type", OCTETS))
    return Page(headers, body, f'"{about.sha256}"', modified=about.modified, proof=proof)


@dataclass(frozen=True, slots=True)
class _Unchanged:
    """Tells whether a file still looks as it did."""

    location: str
    size: int
    mtime_ns: int

    def __call__(self) -> bool:
        try:
            now = os.stat(self.location)  # noqa: PTH116  # on the way of every download
        except OSError:
            return False
        return now.st_mtime_ns == self.mtime_ns and now.st_size == self.size
