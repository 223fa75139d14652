"""The Basic scheme of HTTP (RFC 7617)."""

from __future__ import annotations

import binascii
from base64 import b64decode
from hmac import compare_digest

from twisted.cred.credentials import IUsernamePassword
from zope.interface import implementer


@implementer(IUsernamePassword)
class BasicLogin:
    """A user name and a password as a client sent them, both as UTF-8."""

    def __init__(self, username: bytes, password: bytes) -> None:
        self.username = username
        self.password = password
        self.verified_against: str | None = None
        """The hash text that the password was found right with; set by the checker of the password file."""

    @property
    def name(self) -> str:
        """The user name as text."""
        return self.username.decode(errors="replace")

    def checkPassword(self, password: bytes) -> bool:
        """Compare with the right password, where a checker knows it."""
        return compare_digest(self.password, password)


def parse_basic(authorization: bytes) -> BasicLogin | None:
    """Return the login of an ``Authorization`` header; ``None`` for other schemes and what is broken.

    The charset is UTF-8 (RFC 7617 section 2.1); what is not UTF-8 is taken
    as latin-1, which is what the requests library sends.
    """
    scheme, _, encoded = authorization.strip().partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        decoded = b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        return None
    username, colon, password = _as_utf8(decoded).partition(b":")
    return BasicLogin(username, password) if colon else None


def _as_utf8(data: bytes) -> bytes:
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1").encode()
    return data
