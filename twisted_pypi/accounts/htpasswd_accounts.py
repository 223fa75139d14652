"""The accounts of a server with a password file."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import LoginFailed
from twisted.cred.portal import Portal
from twisted.internet.interfaces import IReactorTime

from twisted_pypi.accounts.basic import BasicLogin, parse_basic
from twisted_pypi.accounts.checkers import FirstThatAccepts, HtpasswdChecker, IUser, UserRealm
from twisted_pypi.accounts.hashes import PasswordHashes
from twisted_pypi.accounts.memory import RememberedLogins
from twisted_pypi.accounts.password_file import PasswordFile
from twisted_pypi.boundaries import RunInThread, User
from twisted_pypi.errors import LoginRequired
from twisted_pypi.inflight import InFlight


class Tries(Protocol):
    """Counts the logins that are not known to be right."""

    def begin(self, user: str, address: str) -> None:
        """Count one.  Raises ``TooManyTries``."""

    def forgive(self, user: str, address: str) -> None:
        """Take the latest one back."""


class HtpasswdAccounts:
    """Who may log in by a password file that may change at any time, and by further checkers.

    A change of the file counts from the next request on: it is looked at
    whenever a request carries a login, and before one is refused.
    """

    def __init__(
        self,
        path: str,
        *,
        clock: IReactorTime,
        in_thread: RunInThread,
        tries: Tries,
        checkers: Sequence[ICredentialsChecker] = (),
        verify: Callable[[bytes, str], bool] | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Read ``path``.

        ``in_thread`` runs ``verify(password, hash text)``.  ``checkers`` are
        for ``IUsernamePassword`` and asked before the password file; what
        they accept is not remembered here.  ``now_ns`` is the wall clock.
        """
        self._file = PasswordFile(path, clock, now_ns=now_ns)
        self._tries = tries
        self._memory = RememberedLogins()
        own = HtpasswdChecker(self._file, clock, in_thread, verify or PasswordHashes().verify)
        self._portal = Portal(UserRealm(), [FirstThatAccepts([*checkers, own])])
        self._attempts: InFlight[User] = InFlight()
        self._checks: InFlight[User] = InFlight()
        self._file.refresh()

    @property
    def generation(self) -> int:
        """A number that grows whenever the users in force change."""
        return self._file.generation

    @property
    def users(self) -> int:
        """How many users the password file lets in."""
        return len(self._file.table.entries)

    def current_generation(self) -> int:
        """Look at the file and return ``generation``: what was allowed under the same one still is."""
        self._file.refresh()
        return self._file.generation

    def reload(self) -> None:
        """Read the password file, whatever its times say."""
        self._file.reload()

    def remembered(self, authorization: bytes) -> User | None:
        """Return who this header was verified for, while that user's hash is the same: one stat and one digest."""
        self._file.refresh()
        return self._recall(self._memory.digest(authorization))

    async def log_in(self, authorization: bytes | None, address: str) -> User:
        """Return who this header is of.

        Raises ``LoginRequired``, ``TooManyTries`` and ``Busy``.  A login that
        was right before is never slowed; the same login asked for several
        times at once is checked once.
        """
        login = None if authorization is None else parse_basic(authorization)
        if authorization is None or login is None:
            raise LoginRequired("a login is needed: send a user name and a password by HTTP Basic")
        user = self.remembered(authorization)
        if user is not None:
            return user
        digest = self._memory.digest(authorization)
        return await self._attempts.run((digest, address), lambda: self._attempt(digest, login, address))

    def _recall(self, digest: bytes) -> User | None:
        known = self._memory.get(digest)
        if known is None:
            return None
        user, hashed = known
        return user if self._file.table.entries.get(user.name) == hashed else None

    async def _attempt(self, digest: bytes, login: BasicLogin, address: str) -> User:
        """Check a login for one address, whose tries it counts among."""
        self._tries.begin(login.name, address)
        try:
            user = await self._checks.run(digest, lambda: self._check(digest, login))
        except LoginFailed:
            raise LoginRequired("the user name or the password is wrong") from None
        except BaseException:
            self._tries.forgive(login.name, address)
            raise
        self._tries.forgive(login.name, address)
        return user

    async def _check(self, digest: bytes, login: BasicLogin) -> User:
        _, user, _ = await self._portal.login(login, None, IUser)
        if not isinstance(user, User):
            raise TypeError(f"the realm gave {user!r}, and a User was expected")
        if login.verified_against is not None:
            self._memory.add(digest, user, login.verified_against)
        return user
