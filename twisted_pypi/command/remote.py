"""What a command asks of a server that is running, and how it waits for what comes at once."""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from collections.abc import Callable, Coroutine, Mapping
from getpass import getpass
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twisted_pypi.command.verbs import CannotBeDone
from twisted_pypi.errors import BadSetting

PATIENCE = 60
"""Seconds that a server may take to answer."""

T = TypeVar("T")


def ask(said: str, path: str, user: str | None, body: Mapping[str, str] | None, read: Callable[[Any], T]) -> T:
    """Return what ``read`` makes of the JSON that a server answers; it raises ``ValueError`` for what it should not be.

    ``said`` is the address of the server as for an upload; with a ``body``
    it is a POST.  With ``user``, the password is asked for at a terminal, and
    else is the first line of standard input.  Raises ``BadSetting``, ``CannotBeDone``.
    """
    base = said.rstrip("/").removesuffix("/simple")
    if not base.startswith(("http://", "https://")):
        raise BadSetting(f"{said!r} is no address of a server: expected http:// or https://.")
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    if user is not None:
        login = f"{user}:{_password(user)}".encode()
        headers["Authorization"] = f"Basic {b64encode(login).decode()}"
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{base}{path}", data, headers)  # noqa: S310  # checked above
    try:
        with urlopen(request, timeout=PATIENCE) as response:  # noqa: S310  # its scheme was checked
            return read(json.loads(response.read()))
    except HTTPError as problem:
        with problem:
            raise CannotBeDone(_refusal(problem, user)) from problem
    except (URLError, OSError) as problem:
        raise CannotBeDone(f"{request.full_url} does not answer ({getattr(problem, 'reason', problem)})") from problem
    except ValueError as problem:
        raise CannotBeDone(f"{request.full_url} answers something else: expected the address of a server") from problem


async def at_once(function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    """Run what blocks here and now: a ``RunInThread`` of a command."""
    return function(*args, **kwargs)


def result(coming: Coroutine[Deferred[Any], Any, T]) -> T:
    """Return what comes at once, since nothing waits in a command, or raise its error."""
    results: list[T | Failure] = []
    Deferred.fromCoroutine(coming).addBoth(results.append)
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


def _refusal(problem: HTTPError, user: str | None) -> str:
    advice = ": give a login with -u USER" if problem.code == HTTPStatus.UNAUTHORIZED and user is None else ""
    return f"{problem.reason} ({problem.code}){advice}"


def _password(user: str) -> str:
    return getpass(f"Password for {user}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
