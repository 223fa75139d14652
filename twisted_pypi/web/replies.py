"""What is answered: a status, headers and a body; and the one table from errors to answers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from twisted_pypi.errors import (
    AlreadyUploaded,
    BadFilename,
    BadForm,
    BadMetadata,
    BadUpload,
    Busy,
    LoginRequired,
    NoSpace,
    NoSuchFile,
    NoSuchProject,
    NotAllowed,
    TooLarge,
    TooManyTries,
    TwistedPyPIError,
    Unreadable,
    UpstreamFailed,
)
from twisted_pypi.simple.negotiate import names_type

CHALLENGE = b'Basic realm="pypi"'
"""The one ``WWW-Authenticate`` value; old clients know no other realm (RFC 7617 section 2)."""

RETRY_AFTER = 10
"""Seconds after which a client may ask again for something that cannot be read now."""

LONGEST_RETRY_AFTER = 60
"""Seconds; pip's client sleeps through a ``Retry-After`` without a word."""


class ErrorPages(Protocol):
    """Pages that tell a person in front of a browser what went wrong."""

    headers: tuple[tuple[bytes, bytes], ...]
    """What is to be sent with each."""

    def page(self, status: int, sentence: str) -> bytes:
        """Return the page of one error, as HTML."""


class BadRequest(TwistedPyPIError):
    """A request that HTTP/1.1 does not know."""


class WrongMethod(TwistedPyPIError):
    """A method that is not possible at this address; ``allowed`` are those that are (RFC 9110 section 15.5.6)."""

    def __init__(self, method: bytes, allowed: Collection[bytes]) -> None:
        self.allowed = b", ".join(sorted(allowed))
        super().__init__(f"{method.decode('latin-1')} is not possible here; expected {self.allowed.decode()}")


STATUS: tuple[tuple[type[TwistedPyPIError], HTTPStatus], ...] = (
    (LoginRequired, HTTPStatus.UNAUTHORIZED),
    (NotAllowed, HTTPStatus.FORBIDDEN),
    (NoSuchProject, HTTPStatus.NOT_FOUND),
    (NoSuchFile, HTTPStatus.NOT_FOUND),
    (WrongMethod, HTTPStatus.METHOD_NOT_ALLOWED),
    (AlreadyUploaded, HTTPStatus.CONFLICT),
    (TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (TooManyTries, HTTPStatus.TOO_MANY_REQUESTS),
    (BadRequest, HTTPStatus.BAD_REQUEST),
    (BadForm, HTTPStatus.BAD_REQUEST),
    (BadUpload, HTTPStatus.BAD_REQUEST),
    (BadFilename, HTTPStatus.BAD_REQUEST),
    (BadMetadata, HTTPStatus.BAD_REQUEST),
    (Busy, HTTPStatus.SERVICE_UNAVAILABLE),
    (Unreadable, HTTPStatus.SERVICE_UNAVAILABLE),
    (UpstreamFailed, HTTPStatus.BAD_GATEWAY),
    (NoSpace, HTTPStatus.INSUFFICIENT_STORAGE),
)
"""The status of each error; the first class that fits counts."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is known before its first byte is sent."""

    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Names and values, without ``Content-Length``, ``Date`` and ``Server``."""
    body: bytes | Iterable[bytes] = b""
    """The body; an iterable is sent piece by piece, as fast as the client reads."""
    reason: bytes | None = None
    """The reason phrase; ``None``: the usual one."""


def text_reply(status: int, text: str, *headers: tuple[bytes, bytes]) -> Reply:
    """Return a plain-text answer of one sentence, said in the reason phrase as well.

    Some clients show only the reason phrase and others only the body.  The
    phrase is latin-1 without control characters (RFC 9112 section 4).
    """
    text = "".join(each if each.isprintable() else " " for each in text)
    phrase = text.encode("latin-1", "replace")
    return Reply(
        status,
        # What is not here now may be here in a moment, and a 404 may be kept for a while unless this is said.
        ((b"Content-Type", b"text/plain; charset=utf-8"), (b"Cache-Control", b"no-cache"), *headers),
        text.encode() + b"\n",
        phrase[:400],
    )


def status_of(error: TwistedPyPIError) -> HTTPStatus:
    """Return the status that says this error to a client."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def error_headers(error: TwistedPyPIError) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers that go with an error: the challenge, when to come back."""
    if isinstance(error, LoginRequired):
        return ((b"WWW-Authenticate", CHALLENGE),)
    if isinstance(error, WrongMethod):
        return ((b"Allow", error.allowed),)
    if isinstance(error, TooManyTries | Busy):
        return ((b"Retry-After", b"%d" % min(error.retry_after, LONGEST_RETRY_AFTER)),)
    if isinstance(error, Unreadable | NoSpace):
        return ((b"Retry-After", b"%d" % RETRY_AFTER),)
    return ()


def error_reply(
    status: int,
    sentence: str,
    headers: tuple[tuple[bytes, bytes], ...] = (),
    *,
    method: bytes,
    accept: str,
    pages: ErrorPages,
) -> Reply:
    """Return an error as its client reads it: a page for a browser, JSON where it is asked for, else plain text."""
    if method in {b"GET", b"HEAD"} and names_type(accept, "text/html") and "vnd.pypi" not in accept:
        kind = (b"Content-Type", b"text/html; charset=utf-8")
        return Reply(status, (kind, (b"Vary", b"Accept"), *pages.headers, *headers), pages.page(status, sentence))
    if names_type(accept, "application/json"):
        text = json.dumps({"code": f"{status} {sentence}", "message": sentence})
        reply = text_reply(status, sentence, *headers)
        kind = (b"Content-Type", b"application/json")
        return Reply(status, (kind, *reply.headers[1:], (b"Vary", b"Accept")), text.encode(), reply.reason)
    return text_reply(status, sentence, *headers, (b"Vary", b"Accept"))
