"""What stands in for hashes and threads, and what asks for logins."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from twisted_pypi.boundaries import Accounts, User
from twisted_pypi.errors import Busy

FAR = "192.0.2.1"
WRONG = "the user name or the password is wrong"


def basic(user: str, password: str) -> bytes:
    return b"Basic " + b64encode(f"{user}:{password}".encode())


class Verify:
    """Compares as if plain text was hashed, and counts."""

    def __init__(self) -> None:
        self.calls: list[tuple[bytes, str]] = []

    def __call__(self, password: bytes, hashed: str) -> bool:
        self.calls.append((password, hashed))
        return hashed == "plain-" + password.decode(errors="replace")


class Threads:
    """Runs work when it is told to, or at once."""

    def __init__(self) -> None:
        self.held = False
        self.full = False
        self._waiting: list[tuple[Deferred[Any], Callable[[], Any]]] = []

    def __call__(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Deferred[Any]:
        if self.full:
            raise Busy("full", 5)
        if not self.held:
            return succeed(function(*args, **kwargs))
        result: Deferred[Any] = Deferred()
        self._waiting.append((result, lambda: function(*args, **kwargs)))
        return result

    def run_one(self) -> None:
        result, work = self._waiting.pop(0)
        result.callback(work())

    @property
    def waiting(self) -> int:
        return len(self._waiting)


class Login:
    """A login that was asked for, and what became of it."""

    def __init__(self, coroutine: Coroutine[Deferred[Any], Any, User]) -> None:
        self.results: list[User | Failure] = []
        Deferred.fromCoroutine(coroutine).addBoth(self.results.append)

    def user(self) -> User:
        (result,) = self.results
        if isinstance(result, Failure):
            result.raiseException()
        assert isinstance(result, User)
        return result


def log_in(accounts: Accounts, authorization: bytes | None, address: str = FAR) -> User:
    return Login(accounts.log_in(authorization, address)).user()
