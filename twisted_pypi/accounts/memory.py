"""Logins that were found right, so that each costs one hash and not one a request."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from secrets import token_bytes

from twisted_pypi.boundaries import User

REMEMBERED = 10_000
"""Logins; the one unused longest is forgotten first."""


class RememberedLogins:
    """Who logged in by which ``Authorization`` header, and the hash text that this was right for.

    Neither the header nor the password is kept, only a digest keyed by a
    secret of this object.  Whether the hash text still stands is the caller's
    to compare.
    """

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._secret = token_bytes(32)
        self._logins: OrderedDict[bytes, tuple[User, str]] = OrderedDict()

    def digest(self, authorization: bytes) -> bytes:
        """Return what this header is known by."""
        return blake2b(authorization, digest_size=16, key=self._secret).digest()

    def get(self, digest: bytes) -> tuple[User, str] | None:
        """Return who it was, and the hash text that was verified."""
        login = self._logins.get(digest)
        if login is not None:
            self._logins.move_to_end(digest)
        return login

    def add(self, digest: bytes, user: User, hashed: str) -> None:
        """Remember a login that was right."""
        self._logins[digest] = user, hashed
        self._logins.move_to_end(digest)
        if len(self._logins) > self._limit:
            self._logins.popitem(last=False)
