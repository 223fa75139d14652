"""HTTP answers, read as strictly as the standards write them (RFC 9110, RFC 9112)."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass, field
from typing import Any

from backports import zstd

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)")
_FIELD = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)"
)
_ONCE = (
    b"content-type",
    b"content-length",
    b"etag",
    b"date",
    b"server",
    b"location",
    b"content-range",
    b"last-modified",
)
_WITHOUT_BODY = (204, 304)


class Malformed(AssertionError):
    """What came is no HTTP answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer."""

    status: int
    reason: str
    headers: dict[str, str]
    """By lower-case name; a header that came several times is joined by commas."""
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The body as text, unpacked."""
        return self.unpacked.decode()

    @property
    def unpacked(self) -> bytes:
        """The body without its content coding."""
        match self.headers.get("content-encoding"):
            case "gzip":
                return gzip.decompress(self.body)
            case "zstd":
                return bytes(zstd.decompress(self.body))
            case other:
                assert other is None, other
                return self.body

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.unpacked)


def read_answer(data: bytes, method: str) -> Answer | None:
    """Return the answer that these bytes are; ``None`` when it is not complete.  Raises ``Malformed``."""
    head, blank, rest = data.partition(b"\r\n\r\n")
    if not blank:
        return None
    first, *lines = head.split(b"\r\n")
    status_line = _STATUS_LINE.fullmatch(first)
    if status_line is None:
        raise Malformed(first)
    status = int(status_line[1])
    if status == 100:
        return read_answer(rest, method)
    headers = _headers(lines)
    length = headers.get("content-length")
    if method == "HEAD" or status in _WITHOUT_BODY:
        if rest:
            raise Malformed(f"a {status} to {method} has a body of {len(rest)} bytes")
    elif length is None:
        chunks = _unchunked(rest) if headers.get("transfer-encoding") == "chunked" else None
        if chunks is None:
            return None
        rest = chunks
    elif len(rest) != int(length):
        if len(rest) > int(length):
            raise Malformed(f"{len(rest)} bytes came where Content-Length says {length}")
        return None
    return Answer(status, status_line[2].decode("latin-1"), headers, rest)


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise Malformed(line)
        name, value = found[1].lower(), found[2].decode("latin-1")
        key = name.decode()
        if key in headers:
            if name in _ONCE:
                raise Malformed(f"{key} came twice: {headers[key]!r}, {value!r}")
            value = f"{headers[key]}, {value}"
        headers[key] = value
    return headers


def _unchunked(data: bytes) -> bytes | None:
    """Return the body of a chunked answer; ``None`` when it is not complete (RFC 9112 section 7.1)."""
    body = b""
    while True:
        size, line_end, data = data.partition(b"\r\n")
        if not line_end:
            return None
        length = int(size, 16)
        if len(data) < length + 2:
            return None
        if data[length : length + 2] != b"\r\n":
            raise Malformed(data[:80])
        if length == 0:
            return body
        body, data = body + data[:length], data[length + 2 :]
