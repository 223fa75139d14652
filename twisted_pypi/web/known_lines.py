"""Header lines that were understood before, byte for byte, and what they say.

Clients repeat themselves: most lines of a head came before, from the same
client or another one.  twisted.web takes each apart the first time, and what it
made of it is remembered; the same bytes again mean the same.
"""

from __future__ import annotations

MOST_LINES = 2048
"""Lines remembered; with more, all are forgotten."""

LONGEST_LINE = 512
"""Bytes of a line that is worth remembering; the names of pip are up to 350 long."""

_REPEATED = {
    each.lower(): each
    for each in (
        b"Host", b"User-Agent", b"Accept", b"Accept-Encoding", b"Accept-Language", b"Connection", b"Cache-Control", b"Pragma"
    )
}  # fmt: skip
"""Headers that clients repeat, that are no secret, and that say nothing of a body."""


class KnownLines:
    """What header lines say: the name in its canonical form, and the value."""

    def __init__(self) -> None:
        """None are known."""
        self.known: dict[bytes, tuple[bytes, bytes]] = {}
        """What each line says."""

    def name_worth_remembering(self, line: bytes) -> bytes | None:
        """Return the canonical name of the header of a line, if it is one that comes again and again."""
        return _REPEATED.get(line.partition(b":")[0].lower()) if len(line) <= LONGEST_LINE else None

    def remember(self, line: bytes, name: bytes, value: bytes) -> None:
        """Remember what a line says."""
        if len(self.known) >= MOST_LINES:
            self.known.clear()
        self.known[line] = name, value
