"""A body that comes in several answers, since what carried it broke off."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, NoReturn

from twisted_pypi.boundaries import Flow, Sink
from twisted_pypi.upstream.asking import Head
from twisted_pypi.upstream.bodies import Reception, Take
from twisted_pypi.upstream.failures import broken_off, failed

_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.ASCII)
_STRONG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')
_AGAIN = "ask for the file again; if that happens often, ask the operator of the upstream index"
_PROGRESS = 1 << 20


class ContentRange(NamedTuple):
    """Which bytes of how many an answer has (RFC 9110 section 14.4)."""

    first: int
    last: int
    length: int | None


def parse_content_range(value: str) -> ContentRange | None:
    """Read ``Content-Range``; ``None``: that is no range of bytes that can be."""
    match = _RANGE.fullmatch(value.strip())
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])
    length = None if match[3] == "*" else int(match[3])
    if last < first or (length is not None and last >= length):
        return None
    return ContentRange(first, last, length)


def strong_etag(value: str | None) -> str | None:
    """The entity tag, if it is one that is the same only for the same bytes (RFC 9110 section 8.8.3)."""
    return value if value is not None and _STRONG.fullmatch(value) else None


class Valve:
    """The ``Flow`` of a body over all its answers."""

    def __init__(self) -> None:
        self._paused = False
        self._now: Flow | None = None

    def lead(self, flow: Flow) -> None:
        """The body comes by another answer now."""
        self._now = flow
        if self._paused:
            flow.pause()

    def pause(self) -> None:
        """Send no more for now."""
        self._paused = True
        if self._now is not None:
            self._now.pause()

    def resume(self) -> None:
        """Go on."""
        self._paused = False
        if self._now is not None:
            self._now.resume()


class Resumption:
    """What was received of a body, and how to ask for the rest."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._valve = Valve()
        self._begun = False
        self._received = 0
        self._before = 0
        self._length: int | None = None
        self._etag: str | None = None

    def headers(self) -> Mapping[str, str]:
        """The headers to ask with: for all, or for what is missing."""
        self._before = self._received
        # Packing is refused: what is sent is what is stored and hashed.
        wanted = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if self._received:
            wanted["Range"] = f"bytes={self._received}-"
            if self._etag is not None:
                wanted["If-Range"] = self._etag
        return wanted

    def receive(self, head: Head, reception: Reception) -> Take:
        """Check the head of an answer against those before, and take its body.  Raises ``UpstreamFailed``."""
        if self._received:
            self._check_rest(head)
        else:
            self._check_all(head)
        self._valve.lead(reception)
        if not self._begun:
            self._begun = True
            self._sink.begun(self._valve, self._length)
        return self._taker(head)

    def check_end(self, head: Head) -> None:
        """Raise ``BrokenOff`` if the answer ended before the body does."""
        if self._length is not None and self._received < self._length:
            raise broken_off(head.address, f"sent {self._received} of {self._length} bytes", _AGAIN)

    def progressed(self) -> bool:
        """Did the last answer bring a good deal?"""
        return self._received - self._before >= _PROGRESS

    def possible(self) -> bool:
        """Can the rest be asked for, and be known to belong to what was received?"""
        return not self._received or self._etag is not None or self._length is not None

    def _check_all(self, head: Head) -> None:
        if head.status != 200:
            raise failed(
                head.address, f"answered {head.status} for a file", "see whether its page still names the file"
            )
        etag = strong_etag(head.headers.get("etag"))
        if self._begun and (head.length, etag) != (self._length, self._etag):
            _changed(head)
        self._length, self._etag = head.length, etag

    def _check_rest(self, head: Head) -> None:
        if head.status != 206:
            raise failed(head.address, f"answered {head.status} for the rest of a file that broke off", _AGAIN)
        part = parse_content_range(head.headers.get("content-range", ""))
        etag = strong_etag(head.headers.get("etag"))
        if part is None or part.first != self._received:
            raise failed(head.address, "sent another part of a file than was asked for", _AGAIN)
        if self._etag not in {None, etag} and etag is not None:
            _changed(head)
        if self._length is None:
            self._length = part.length
        elif part.length != self._length:
            _changed(head)

    def _taker(self, head: Head) -> Callable[[bytes], None]:
        received = self._sink.received
        most = self._length

        def take(data: bytes) -> None:
            self._received += len(data)
            if most is not None and self._received > most:
                raise failed(head.address, f"sent more than the {most} bytes that it spoke of", _AGAIN)
            received(data)

        return take


def _changed(head: Head) -> NoReturn:
    raise failed(head.address, "changed a file while it was fetched", _AGAIN)
