"""The fast way: request heads that were answered with a finished page, byte for byte, and that page.

twisted.web parses and answers a head the first time, with all its strictness.
Only what was then a plain GET with a finished page for an answer is remembered,
and only the very same bytes, on a connection with nothing else under way, are
answered from here.  So nothing is accepted here that is refused there.

A head with a login is remembered by a keyed digest, never by its bytes, and
counts only while the users stand as they stood.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol

from twisted_pypi.boundaries import User

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest
    from twisted_pypi.web.measuring import Series
    from twisted_pypi.web.pages import Page

MOST_HEADS = 4096
"""Heads remembered of each sort; with more, all of that sort are forgotten."""

LONGEST_HEAD = 2048
"""Bytes of a head that is worth remembering."""

_NEVER = (b"range", b"expect", b"upgrade", b"content-length", b"transfer-encoding", b"te", b"trailer")
_FORWARDING = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-prefix")


class Users(Protocol):
    """Tells whether the users in force changed."""

    def current_generation(self) -> int:
        """Return a number that grows whenever they did."""

    def remembered(self, authorization: bytes) -> User | None:
        """Return who this header is known to be of."""


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

    def __init__(self, users: Users, secret: bytes) -> None:
        """Remember logins by digests under ``secret``, at most 64 bytes."""
        self._users = users
        self._secret = secret
        self._plain: tuple[dict[bytes, HotAnswer], dict[bytes, HotAnswer]] = ({}, {})
        self._forwarded: tuple[dict[bytes, HotAnswer], dict[bytes, HotAnswer]] = ({}, {})
        self._secrets: tuple[dict[bytes, HotAnswer], dict[bytes, HotAnswer]] = ({}, {})

    def find(self, head: bytes, *, trusted: bool) -> HotAnswer | None:
        """Return what is to be answered to these bytes, if they are known and that still holds."""
        found = self._plain[trusted].get(head) or self._forwarded[trusted].get(head)
        if found is None:
            if b"uthorization:" not in head:
                return None
            found = self._secrets[trusted].get(blake2b(head, digest_size=16, key=self._secret).digest())
            if found is None:
                return None
        page = found.page
        if not page.live or (page.proof is not None and not page.proof()):
            return None
        if found.users is not None and found.users != self._users.current_generation():
            return None
        page.used = True
        return found

    def remember(self, head: bytes, request: IndexRequest, page: Page, *, unchanged: bool, trusted: bool) -> None:
        """Remember the answer that this request got, if it is one of those that may be."""
        headers = request.requestHeaders
        if len(head) > LONGEST_HEAD or request.clientproto != b"HTTP/1.1" or not request.uri.startswith(b"/"):
            return
        if any(headers.hasHeader(each) for each in _NEVER) or _closes(request):
            return
        users = None
        if request.login is not None:
            # In this order: a change after the first line makes the answer stale, never wrong.
            users = self._users.current_generation()
            if self._users.remembered(request.getHeader(b"authorization") or b"") is None:
                return
        address, user, rest = request.site.log_parts(request)
        forwarded = any(headers.hasHeader(each) for each in _FORWARDING)
        series = request.site.series(request)
        answer = HotAnswer(page, unchanged, users, address if forwarded and trusted else None, user, rest, series)
        kept = self._plain[trusted]
        if headers.hasHeader(b"authorization"):
            kept = self._secrets[trusted]
            head = blake2b(head, digest_size=16, key=self._secret).digest()
        elif forwarded:
            kept = self._forwarded[trusted]
        if len(kept) >= MOST_HEADS:
            kept.clear()
        kept[head] = answer


def _closes(request: IndexRequest) -> bool:
    """Does the connection header say anything but keep-alive?"""
    return any(value.strip().lower() != b"keep-alive" for value in request.headers_named(b"connection"))
