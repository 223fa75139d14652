"""What another index answers to the question for a page, unpacked within limits."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

from twisted_pypi.upstream.asking import Head
from twisted_pypi.upstream.bodies import Reception, Take, Waste
from twisted_pypi.upstream.failures import broken_off, failed

_OF_INTEREST = (
    "age",
    "cache-control",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "x-pypi-last-serial",
)
_NO_PAGE = frozenset({304, 404, 410})
_OPERATOR = "check the address of the upstream index, or ask its operator"
_SMALL = 10_000_000
_RATIO = 100


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """What an upstream answered to the question for a page."""

    status: int
    """200, 304, 404 or 410; any other status is an ``UpstreamFailed``."""
    url: str
    """The address that answered, after redirects, without a login: what relative addresses are relative to."""
    headers: Mapping[str, str]
    """The headers of interest, names in lower case: content-type, etag, last-modified, cache-control, age, expires,
    date, x-pypi-last-serial."""
    body: bytes
    """The page, unpacked; empty unless the status is 200."""
    whole: bool
    """Did the answer say where it ends?  If not, it cannot be told from one that broke off."""


class PageBody:
    """A page in memory, unpacked while it comes: at most so many bytes, and a hundred times what came."""

    def __init__(self, limit: int) -> None:
        """Refuse a page of more than ``limit`` bytes."""
        self._limit = limit
        self._head: Head | None = None
        self._unpack: zlib._Decompress | None = None
        self._came = 0
        self._page = BytesIO()

    def receive(self, head: Head, _: Reception) -> Take:
        """Say who takes the body of an answer.  Raises ``UpstreamFailed`` for one that cannot be a page."""
        self._head = head
        if head.status in _NO_PAGE:
            return Waste().take
        if head.status != 200:
            raise failed(head.address, f"answered {head.status} for a page", _OPERATOR)
        encoding = head.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in {"", "identity", "gzip", "x-gzip"}:
            raise failed(head.address, "sent a page in an encoding that was not asked for", _OPERATOR)
        if encoding.endswith("gzip"):
            self._unpack = zlib.decompressobj(31)
        if head.length is not None and head.length > self._limit:
            self._too_large(head)
        return lambda data: self._take(head, data)

    def answer(self, *, whole: bool) -> PageAnswer:
        """The answer, when all of it was taken.  Raises ``BrokenOff`` when it ends before its end."""
        if self._head is None:
            raise ValueError("there was no answer")
        if self._unpack is not None and not self._unpack.eof:
            raise broken_off(self._head.address, "broke off in the middle of a page")
        found = {name: self._head.headers[name] for name in _OF_INTEREST if name in self._head.headers}
        return PageAnswer(self._head.status, str(self._head.address), found, self._page.getvalue(), whole)

    def _take(self, head: Head, data: bytes) -> None:
        self._came += len(data)
        if self._came > self._limit:
            self._too_large(head)
        while data and self._unpack is not None:
            if self._unpack.eof:
                # RFC 1952 section 2.2: there may be another member.
                self._unpack = zlib.decompressobj(31)
            room = min(self._limit, max(_SMALL, _RATIO * self._came)) - self._page.tell()
            try:
                out = self._unpack.decompress(data, room + 1)
            except zlib.error:
                raise broken_off(head.address, "sent a page that cannot be unpacked") from None
            if len(out) > room:
                self._too_large(head)
            self._page.write(out)
            data = self._unpack.unused_data
        self._page.write(data)

    def _too_large(self, head: Head) -> None:
        raise failed(
            head.address, f"sent a page that unpacks to more than {self._limit} bytes, or is a bomb", _OPERATOR
        )
