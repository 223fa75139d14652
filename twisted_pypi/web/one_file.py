"""One file: whole, in parts, or not at all when the client has it (RFC 9110 sections 8, 13 and 14)."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, BinaryIO

from twisted_pypi.web.conditions import (
    http_date,
    is_none_match,
    is_unmodified_since,
    precondition_fails,
    range_still_holds,
    wanted_ranges,
)
from twisted_pypi.web.file_sending import Coming, Part, send_file
from twisted_pypi.web.replies import Reply, text_reply
from twisted_pypi.web.sending import SERVER

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest

OCTETS = b"application/octet-stream"


@dataclass(frozen=True, slots=True)
class OneFile:
    """What is known of a file before a byte of it is read."""

    filename: str
    size: int
    """Bytes."""
    sha256: str
    """Hex digest; its ETag."""
    modified: float | None
    """When it was last changed, seconds since the epoch; ``None``: that is not known."""
    cache_control: bytes | None
    """The value of that header, if it is sent."""

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of every answer about it."""
        return [
            (b"ETag", b'"%s"' % self.sha256.encode()),
            *([(b"Last-Modified", http_date(self.modified).encode())] if self.modified is not None else []),
            *self.fixed_headers(),
        ]

    def fixed_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Return those that it has in common with other files."""
        ranges = (b"Accept-Ranges", b"bytes")
        return (ranges, (b"Cache-Control", self.cache_control)) if self.cache_control else (ranges,)


@dataclass(frozen=True, slots=True)
class Found:
    """What of a file is to be sent, and how that begins."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    parts: list[Part]
    tail: bytes


def asked_of(request: IndexRequest, about: OneFile) -> Found | Reply:
    """Return what a GET or HEAD asks of a file, or the answer for which no byte of it is needed."""
    etag, modified, headers = f'"{about.sha256}"', about.modified, about.headers()
    since = None if modified is None else _header(request, b"if-unmodified-since")
    if precondition_fails(_header(request, b"if-match"), since, etag, modified or 0):
        return text_reply(412, f"{about.filename} has other bytes than those that were asked for", headers[0])
    if _unchanged(request, etag, modified):
        return Reply(304, tuple(headers))
    ranges = _ranges(request, about.size, etag, modified)
    if ranges == []:
        unsatisfied = (b"Content-Range", b"bytes */%d" % about.size)
        sentence = f"the range is not in {about.filename}, which has {about.size} bytes"
        return text_reply(416, sentence, headers[0], (b"Accept-Ranges", b"bytes"), unsatisfied)
    parts, tail, status, kind, length = _parts(ranges, about.size)
    if ranges is not None and len(ranges) == 1:
        headers.append((b"Content-Range", b"bytes %d-%d/%d" % (ranges[0][0], ranges[0][1] - 1, about.size)))
    headers += [(b"Content-Type", kind), (b"Content-Length", b"%d" % length), (b"Server", SERVER)]
    return Found(status, tuple(headers), parts, tail)


def send_found(request: IndexRequest, found: Found, file: BinaryIO, coming: Coming | None = None) -> None:
    """Send what was asked for out of an open file, which is closed; ``coming`` tells of one that is not here yet."""
    if request.method == b"HEAD":
        file.close()
        send_head(request, found)
    else:
        _set_head(request, found)
        send_file(request, file, found.parts, found.tail, coming)


def send_head(request: IndexRequest, found: Found) -> None:
    """Answer a HEAD."""
    _set_head(request, found)
    request.write(b"")
    request.finish()


def _set_head(request: IndexRequest, found: Found) -> None:
    request.setResponseCode(found.status)
    request.responseHeaders.setRawHeaders(b"Date", [request.site.date()])
    for name, value in found.headers:
        request.responseHeaders.setRawHeaders(name, [value])


def _unchanged(request: IndexRequest, etag: str, modified: float | None) -> bool:
    tags = _header(request, b"if-none-match")
    if tags is not None:
        return is_none_match(tags, etag)
    since = _header(request, b"if-modified-since")
    return since is not None and modified is not None and is_unmodified_since(since, modified)


def _ranges(request: IndexRequest, size: int, etag: str, modified: float | None) -> list[tuple[int, int]] | None:
    asked = _header(request, b"range")
    if asked is None or request.method != b"GET":
        return None
    # A date that is not known is equal to none.
    if not range_still_holds(_header(request, b"if-range"), etag, -1 if modified is None else modified):
        return None
    return wanted_ranges(asked, size)


def _header(request: IndexRequest, name: bytes) -> str | None:
    value = request.getHeader(name)
    return None if value is None else value.decode("latin-1")


def _parts(ranges: list[tuple[int, int]] | None, size: int) -> tuple[list[Part], bytes, int, bytes, int]:
    """Return parts, tail, status, content type and length of the body."""
    if ranges is None:
        return [(b"", 0, size)], b"", 200, OCTETS, size
    if len(ranges) == 1:
        start, stop = ranges[0]
        return [(b"", start, stop)], b"", 206, OCTETS, stop - start
    boundary = token_hex(16).encode()
    parts: list[Part] = [
        (
            b"\r\n--%s\r\nContent-Type: %s\r\nContent-Range: bytes %d-%d/%d\r\n\r\n"
            % (boundary, OCTETS, start, stop - 1, size),
            start,
            stop,
        )
        for start, stop in ranges
    ]
    tail = b"\r\n--%s--\r\n" % boundary
    length = sum(len(before) + stop - start for before, start, stop in parts) + len(tail)
    return parts, tail, 206, b"multipart/byteranges; boundary=" + boundary, length
