"""The parts that ``twisted.cred`` puts together: checkers, a realm, the avatar."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import LoginFailed, UnauthorizedLogin
from twisted.cred.portal import IRealm
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import Attribute, Interface, classImplements, implementer

from twisted_pypi.accounts.basic import BasicLogin
from twisted_pypi.accounts.password_file import SETTLE, PasswordFile
from twisted_pypi.boundaries import RunInThread, User
from twisted_pypi.errors import Busy, TwistedPyPIError


class IUser(Interface):
    """Somebody who is logged in: the avatar of our realm."""

    name: str = Attribute("The user name.")


classImplements(User, IUser)


@implementer(IRealm)
class UserRealm:
    """Turns the name that a checker found into a ``User``."""

    def requestAvatar(
        self,
        avatarId: bytes | str | tuple[()],
        mind: object,  # noqa: ARG002  # IRealm gives it
        *interfaces: type[Interface],
    ) -> tuple[type[Interface], User, Callable[[], None]]:
        """Return ``IUser``, the user and a logout that does nothing."""
        if IUser not in interfaces:
            raise NotImplementedError(f"the realm knows users as IUser only, not as {interfaces!r}")
        if not avatarId:
            raise UnauthorizedLogin("nobody is logged in without a name")
        name = avatarId if isinstance(avatarId, str) else bytes(avatarId).decode()
        return IUser, User(name), lambda: None


@implementer(ICredentialsChecker)
class HtpasswdChecker:
    """Checks a user name and password by the password file."""

    credentialInterfaces = (IUsernamePassword,)

    def __init__(
        self, file: PasswordFile, clock: IReactorTime, in_thread: RunInThread, verify: Callable[[bytes, str], bool]
    ) -> None:
        self._file = file
        self._clock = clock
        self._in_thread = in_thread
        self._verify = verify

    def requestAvatarId(self, credentials: IUsernamePassword) -> Deferred[bytes | tuple[()]]:
        """Return the user name.  Fails with ``UnauthorizedLogin`` or ``Busy``."""
        return Deferred.fromCoroutine(self._check(credentials))

    async def _check(self, credentials: IUsernamePassword) -> bytes | tuple[()]:
        username: bytes = credentials.username
        name = username.decode(errors="replace")
        self._file.refresh()
        if self._file.just_lost(name):
            await deferLater(self._clock, SETTLE)
            self._file.refresh()
        while True:
            hashed = self._file.table.entries.get(name)
            # Somebody who is not there costs what a wrong password does, so that the time does not tell.
            tested = hashed or self._file.table.typical
            right = tested is not None and await self._in_thread(self._verify, credentials.password, tested)
            self._file.refresh()
            if self._file.table.entries.get(name) == hashed:
                break
        if hashed is None or not right:
            raise UnauthorizedLogin
        if isinstance(credentials, BasicLogin):
            credentials.verified_against = hashed
        return username


@implementer(ICredentialsChecker)
class FirstThatAccepts:
    """Several checkers as one (a portal knows one for each kind of credentials): asked in turn until one accepts."""

    log = Logger()

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, checkers: Sequence[ICredentialsChecker]) -> None:
        self._checkers = tuple(checkers)

    def requestAvatarId(self, credentials: IUsernamePassword) -> Deferred[bytes | tuple[()]]:
        """Return what the first checker that accepts returns.

        Fails with ``UnauthorizedLogin``, or with ``Busy`` when a checker
        broke and no other accepts: then nobody knows that the login is wrong.
        """
        return Deferred.fromCoroutine(self._ask(credentials))

    async def _ask(self, credentials: IUsernamePassword) -> bytes | tuple[()]:
        broken = False
        for checker in self._checkers:
            try:
                return await maybeDeferred(checker.requestAvatarId, credentials)
            except LoginFailed:
                continue
            except TwistedPyPIError:
                raise
            except Exception:  # noqa: BLE001  # a checker from elsewhere may fail in any way, and the next one still counts
                self.log.failure("the checker {checker!r} failed", checker=checker)
                broken = True
        if broken:
            raise Busy("this login cannot be checked at the moment: try again in 10 seconds", 10)
        raise UnauthorizedLogin
