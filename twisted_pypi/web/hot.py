"""The fast way: request heads that were answered with a finished page, byte for byte, and that page.

twisted.web parses and answers a head the first time, with all its strictness.
Only what was then a plain GET with a finished page for an answer is remembered,
and only the very same bytes, on a connection with nothing else under way, are
answered from here.  So nothing is accepted here that is refused there.

A head with a login is remembered by a keyed digest, never by its bytes, and
counts only while the users stand as they stood.  Whether they do is asked once
in each turn of the reactor: whatever is read from plain sockets in one turn was
on its way before the turn began, so no client can know of a change that came
between two of these answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol

from twisted_pypi.boundaries import User
from twisted_pypi.web.forwarded import FORWARDING

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest
    from twisted_pypi.web.measuring import Series
    from twisted_pypi.web.pages import Page

MOST_HEADS = 4096
"""Heads remembered of each sort; with more, all of that sort are forgotten."""

LONGEST_HEAD = 2048
"""Bytes of a head that is worth remembering."""

MOST_UNASKED = MOST_HEADS // 2
"""Heads of all sorts beyond which only those are remembered that came before: with a number in each, none ever does."""

MOST_MET = 16_384
"""Heads of which it is known that they came; with more, all that is forgotten."""

# In the form that twisted.web gives to all names.
_NEVER = frozenset({b"Range", b"Expect", b"Upgrade", b"Content-Length", b"Transfer-Encoding", b"TE", b"Trailer"})
_LOGINS = frozenset({b"Authorization", b"Proxy-Authorization"})
_SECRET = b"uthorization:"  # however the first letter is written


class Users(Protocol):
    """Tells whether the users in force changed."""

    @property
    def generation(self) -> int:
        """A number that grows whenever a change is seen."""

    def current_generation(self) -> int:
        """Look whether they did, and return ``generation``."""

    def remembered(self, authorization: bytes) -> User | None:
        """Return who this header is known to be of."""


class Turns(Protocol):
    """Numbers the turns of the reactor."""

    @property
    def number(self) -> int | None:
        """Which turn this is; ``None``: that is not known."""


class _NoTurns:
    number = None


@dataclass(slots=True)
class HotAnswer:
    """What is answered to one head."""

    page: Page
    unchanged: bool
    """Is 304 the answer, and not the page?"""
    users: int | None
    """The generation of users under which the login was right; ``None``: no login was needed."""
    address: str | None
    """Who asked, for the access log; ``None``: the other end of the connection."""
    user: str
    """Whose login it was, for the access log."""
    log_rest: str
    """The rest of its line in the access log."""
    series: Series | None
    """Where it is counted."""


class HotAnswers:
    """The heads that are remembered, apart for peers that are trusted proxies and those that are not."""

    def __init__(self, users: Users, secret: bytes, turns: Turns | None = None) -> None:
        """Remember logins by digests under ``secret``, at most 64 bytes; without ``turns`` look at the users each time."""
        self._users = users
        self._turns = turns or _NoTurns()
        self._looked: int | None = None  # the turn in which the users were looked at last
        # To go on from a copy takes less time than to begin with the secret again.
        self._keyed = blake2b(digest_size=16, key=secret)
        self._plain: tuple[dict[bytes, HotAnswer], dict[bytes, HotAnswer]] = ({}, {})
        self._forwarded: tuple[dict[bytes, HotAnswer], dict[bytes, HotAnswer]] = ({}, {})
        self._met: set[int] = set()
        self._kept = 0  # heads in all of them
        self._secrets: tuple[dict[bytes, HotAnswer], dict[bytes, HotAnswer]] = ({}, {})

    def find(self, head: bytes, *, trusted: bool, plain: bool = False, secret: bool = False) -> HotAnswer | None:
        """Return what is to be answered to these bytes, if they are known and that still holds.

        ``plain``: they are the first and only ones that were read from a
        socket in this turn of the reactor, and came over it as they are.
        ``secret``: the last head from there had a login, so look among those
        alone; what is not found so may be known all the same.
        """
        found = None if secret else self._plain[trusted].get(head) or self._forwarded[trusted].get(head)
        if found is None:
            if not self._secrets[trusted] or (not secret and _SECRET not in head):
                return None
            digest = self._keyed.copy()
            digest.update(head)
            found = self._secrets[trusted].get(digest.digest())
            if found is None:
                return None
        page = found.page
        if not page.live or (page.proof is not None and not page.proof()):
            return None
        if found.users is not None:
            turn = self._turns.number if plain else None
            if turn is None or turn != self._looked:
                self._looked = turn
                self._users.current_generation()
            if found.users != self._users.generation:
                return None
        page.used = True
        return found

    def _digest(self, head: bytes) -> bytes:
        digest = self._keyed.copy()
        digest.update(head)
        return digest.digest()

    def remember(self, head: bytes, request: IndexRequest, page: Page, *, unchanged: bool, trusted: bool) -> None:
        """Remember the answer that this request got, if it is one of those that may be."""
        if len(head) > LONGEST_HEAD or (self._kept >= MOST_UNASKED and not self._came_before(head)):
            return
        if request.clientproto != b"HTTP/1.1" or not request.uri.startswith(b"/"):
            return
        # An empty line may come before a request (RFC 9112 section 2.2), long before.
        if request.has_any(_NEVER) or _closes(request) or not head.startswith(request.method):
            return
        users = None
        if request.login is not None:
            # In this order: a change after the first line makes the answer stale, never wrong.
            users = self._users.current_generation()
            if self._users.remembered(request.getHeader(b"authorization") or b"") is None:
                return
        address, user, rest = request.site.log_parts(request)
        series = request.site.series(request)
        secret, forwarded = request.has_any(_LOGINS) or _SECRET in head, request.has_any(FORWARDING)
        kept = (self._secrets if secret else self._forwarded if forwarded else self._plain)[trusted]
        answer = HotAnswer(page, unchanged, users, address if forwarded and trusted else None, user, rest, series)
        if len(kept) >= MOST_HEADS:
            self._kept -= len(kept)
            kept.clear()
        before = len(kept)
        kept[self._digest(head) if secret else head] = answer
        self._kept += len(kept) - before

    def _came_before(self, head: bytes) -> bool:
        """Did this head come before, lately?  Of one with a login, too, no more than a number is kept."""
        number = hash(head)
        if number in self._met:
            return True
        if len(self._met) >= MOST_MET:
            self._met.clear()
        self._met.add(number)
        return False


def _closes(request: IndexRequest) -> bool:
    """Does the connection header say anything but keep-alive?"""
    return any(value.strip().lower() != b"keep-alive" for value in request.headers_named(b"connection"))
