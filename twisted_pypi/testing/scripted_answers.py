"""Answers of a scripted upstream: as HTTP has them, or in one of the ways in which servers fail."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field

from twisted.web.server import Request


@dataclass(frozen=True, slots=True)
class Quirk:
    """How answers to one path differ from what they would be; what is ``None`` does not."""

    times: int | None = 1
    """For how many requests; ``None``: for all from then on."""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers beside the others."""
    body: bytes | None = None
    """Other bytes: wrong ones, or those of an error."""
    after: float = 0.0
    """Seconds until the first byte; infinite: it never comes."""
    stall_at: int | None = None
    """After so many bytes of the body nothing more comes."""
    cut_at: int | None = None
    """After so many bytes of the body the connection is closed."""
    length: int | None = None
    """What ``Content-Length`` says."""
    no_length: bool = False
    """The end of the body is the end of the connection."""
    packed: bool = False
    """The body is packed with gzip, whatever was asked for."""
    whole: bool = False
    """Ranges are not understood."""


def answer(
    body: bytes, headers: Mapping[str, str], asked: Mapping[str, str], quirk: Quirk
) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body for what was found, was asked for, and is to go wrong."""
    more = dict(headers) | dict(quirk.headers)
    if quirk.body is not None:
        body = quirk.body
    if _known(more, asked):
        return 304, more, b""
    if quirk.packed:
        return 200, more | {"Content-Encoding": "gzip"}, gzip.compress(body, mtime=0)
    first = asked.get("range", "").removeprefix("bytes=").removesuffix("-")
    if not first.isdigit() or quirk.whole or asked.get("if-range") not in {None, more.get("ETag")}:
        return 200, more, body
    if int(first) >= len(body):
        return 416, {"Content-Range": f"bytes */{len(body)}"}, b""
    return 206, {"Content-Range": f"bytes {first}-{len(body) - 1}/{len(body)}"} | more, body[int(first) :]


def _known(headers: Mapping[str, str], asked: Mapping[str, str]) -> bool:
    if "if-none-match" in asked:
        return asked["if-none-match"] == headers.get("ETag")
    return "Last-Modified" in headers and asked.get("if-modified-since") == headers["Last-Modified"]


def send(request: Request, status: int, headers: Mapping[str, str], body: bytes, quirk: Quirk) -> None:
    """Send an answer, as a quirk says."""
    request.setResponseCode(status)
    for name, value in headers.items():
        request.setHeader(name, value)
    if quirk.no_length:
        # Without this, bodies of unknown length are sent in chunks.
        request.clientproto = b"HTTP/1.0"
        request.setHeader("Connection", "close")
    else:
        request.setHeader("Content-Length", str(len(body) if quirk.length is None else quirk.length))
    stop = min((each for each in (quirk.cut_at, quirk.stall_at) if each is not None), default=None)
    request.write(body[:stop])
    if quirk.cut_at is not None:
        request.notifyFinish().addErrback(lambda _: None)
        request.channel.loseConnection()
    elif quirk.stall_at is not None:
        request.notifyFinish().addErrback(lambda _: None)
    else:
        channel = request.channel
        request.finish()
        if quirk.no_length or quirk.length not in {None, len(body)}:
            channel.loseConnection()
