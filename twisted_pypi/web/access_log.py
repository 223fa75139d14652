"""One line a request, in the combined format, written in batches.

A line costs a request an append to a list; formatting and writing wait until
some have come together.  The format is the one that every log reader knows
(NCSA combined: address, user, moment, request line, status, length, referrer, client).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IDelayedCall, IReactorTime

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest

INTERVAL = 0.5
"""Seconds between two writes while requests come."""

MOST_LINES = 1000
"""Lines kept before they are written at once."""

_UNSAFE = {each: f"\\x{each:02x}" for each in (*range(32), 127, *range(128, 256))} | {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
}


class AccessLog:
    """Collects requests and writes them as lines."""

    def __init__(
        self, write: Callable[[str], object], address: Callable[[IndexRequest], str], reactor: IReactorTime
    ) -> None:
        """Write through ``write``, which takes whole lines; ``address`` says who asked."""
        self._write = write
        self._address = address
        self._reactor = reactor
        self._entries: list[tuple[float, str, str, bytes, bytes, bytes, int, int, bytes, bytes]] = []
        self._timer: IDelayedCall | None = None

    def add(self, request: IndexRequest) -> None:
        """Note one request that was answered."""
        user = request.login
        self._entries.append(
            (
                self._reactor.seconds(),
                self._address(request),
                "-" if user is None else user.name,
                request.method,
                request.uri,
                request.clientproto,
                request.code,
                request.sentLength,
                request.getHeader(b"referer") or b"-",
                request.getHeader(b"user-agent") or b"-",
            )
        )
        if self._timer is None:
            self._timer = self._reactor.callLater(INTERVAL, self.flush)
        elif len(self._entries) >= MOST_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what was collected."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        entries, self._entries = self._entries, []
        if entries:
            self._write("".join(map(_line, entries)))


def _line(entry: tuple[float, str, str, bytes, bytes, bytes, int, int, bytes, bytes]) -> str:
    seconds, address, user, method, uri, protocol, status, length, referrer, client = entry
    moment = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(seconds))
    return (
        f"{_quote(address.encode()) or '-'} - {_quote(user.encode()).replace(' ', '_')} [{moment}] "
        f'"{_quote(method)} {_quote(uri)} {_quote(protocol)}" {status} {length or "-"} '
        f'"{_quote(referrer)}" "{_quote(client)}"\n'
    )


def _quote(text: bytes) -> str:
    return text.decode("latin-1").translate(_UNSAFE)
