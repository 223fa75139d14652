"""How a request stands in the access log: a line in the combined format, or a JSON object.

What is the same whenever a remembered head comes again is written once; the
rest of a line is put before it when many of them are written together.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest

LONGEST_KEPT = 512
"""Bytes of what is kept as it was quoted before."""

NOBODY = "-"
"""The address of a client that has none, behind a Unix socket."""

Entry = tuple[float, str, str, str]
"""When a request was answered (seconds since the epoch), and the three parts of its line."""

_UNSAFE = {each: f"\\x{each:02x}" for each in (*range(32), 127, *range(128, 256))} | {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
}


class Form(Protocol):
    """One of them."""

    def parts(self, request: IndexRequest, address: str) -> tuple[str, str, str]:
        """Return address, user, and what comes after the moment and both, in the line of a request."""

    def timed(self, request: IndexRequest, rest: str) -> str:
        """Return ``rest`` with how long the request took, if that is said."""

    def lines(self, entries: Iterable[Entry]) -> Iterator[str]:
        """Return the lines, each with its end."""


class Combined:
    """The format that every log reader knows (NCSA combined): address, user, moment, request line, status, length, referrer, client."""

    def parts(self, request: IndexRequest, address: str) -> tuple[str, str, str]:
        """Return the parts; what has no value is ``-``."""
        login = request.login
        user = "-" if login is None else quoted(login.name.encode()).replace(" ", "_")
        referrer = request.getHeader(b"referer") or b"-"
        client = request.getHeader(b"user-agent") or b"-"
        line = f'"{quoted(request.method)} {quoted(request.uri)} {quoted(request.clientproto)}"'
        rest = f'{line} {request.code} {request.sentLength or "-"} "{quoted(referrer)}" "{quoted(client)}"\n'
        return quoted(address.encode()) or NOBODY, user, rest

    def timed(self, request: IndexRequest, rest: str) -> str:  # noqa: ARG002  # of the form
        """Return it as it is: the format has no place for a duration."""
        return rest

    def lines(self, entries: Iterable[Entry]) -> Iterator[str]:
        """Return the lines."""
        last, moment = -1, ""
        for seconds, address, user, rest in entries:
            if int(seconds) != last:
                last = int(seconds)
                moment = time.strftime("[%d/%b/%Y:%H:%M:%S +0000] ", time.gmtime(last))
            yield f"{address} - {user} {moment}{rest}"


class JsonLines:
    """One JSON object a line; what has no value is ``null``."""

    def parts(self, request: IndexRequest, address: str) -> tuple[str, str, str]:
        """Return the parts: the address as it is, the rest as JSON."""
        login = request.login
        said = {
            "method": _text(request.method),
            "path": _text(request.uri),
            "protocol": _text(request.clientproto),
            "status": request.code,
            "bytes": request.sentLength or 0,
            "referer": _text(request.getHeader(b"referer")),
            "user_agent": _text(request.getHeader(b"user-agent")),
        }
        return address or NOBODY, json.dumps(None if login is None else login.name), json.dumps(said)[1:] + "\n"

    def timed(self, request: IndexRequest, rest: str) -> str:
        """Return it with the duration, in seconds; pages that are answered from memory at once have none."""
        return f'"duration": {perf_counter() - request.began:.6f}, {rest}'

    def lines(self, entries: Iterable[Entry]) -> Iterator[str]:
        """Return the lines."""
        last, moment = -1, ""
        clients = {NOBODY: "null"}
        for seconds, address, user, rest in entries:
            if int(seconds) != last:
                last = int(seconds)
                moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(last))
            client = clients.get(address)
            if client is None:
                client = clients[address] = json.dumps(address)
            part = int((seconds - last) * 1000)
            yield f'{{"time": "{moment}.{part:03}Z", "namespace": "access", "client": {client}, "user": {user}, {rest}'


def quoted(text: bytes) -> str:
    """Return text from outside as it may stand in a line: printable ASCII, quotes and the rest escaped."""
    return _quoted_before(text) if len(text) <= LONGEST_KEPT else _quoted(text)


def _quoted(text: bytes) -> str:
    plain = text.decode("latin-1")
    if text.isascii() and plain.isprintable():
        # What nearly always comes: this takes 1 us where going through each character takes 17.
        return plain.replace("\\", "\\\\").replace('"', '\\"')
    return plain.translate(_UNSAFE)


_quoted_before = lru_cache(maxsize=512)(_quoted)
"""The same, for what comes again and again: methods, addresses, names of clients."""


def _text(sent: bytes | None) -> str | None:
    return None if sent is None else sent.decode("utf-8", "backslashreplace")
