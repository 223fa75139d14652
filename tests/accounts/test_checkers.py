"""The parts for twisted.cred."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword, UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer
from zope.interface.verify import verifyClass, verifyObject

from twisted_pypi.accounts.checkers import FirstThatAccepts, HtpasswdChecker, IUser, UserRealm
from twisted_pypi.accounts.password_file import PasswordFile
from twisted_pypi.boundaries import User
from twisted_pypi.errors import Busy


@implementer(ICredentialsChecker)
class Answers:
    """A checker that answers as it was told."""

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, answer: bytes | Exception) -> None:
        self.answer = answer

    def requestAvatarId(self, credentials: object) -> Deferred[bytes | tuple[()]]:  # noqa: ARG002  # the interface gives it
        return fail(self.answer) if isinstance(self.answer, Exception) else succeed(self.answer)


@implementer(ICredentialsChecker)
class Breaks:
    """A checker that raises at once."""

    credentialInterfaces = (IUsernamePassword,)

    def requestAvatarId(self, credentials: object) -> Deferred[bytes | tuple[()]]:  # noqa: ARG002  # the interface gives it
        raise UnauthorizedLogin


def outcome(deferred: Deferred[Any]) -> Any:
    found: list[Any] = []
    deferred.addBoth(found.append)
    (result,) = found
    if isinstance(result, Failure):
        result.raiseException()
    return result


def test_interfaces_are_kept() -> None:
    verifyClass(ICredentialsChecker, HtpasswdChecker)
    verifyClass(ICredentialsChecker, FirstThatAccepts)
    verifyObject(IRealm, UserRealm())
    verifyObject(IUser, User("alice"))


def test_any_twisted_credential_logs_in_through_a_portal(path: Path, clock: Clock) -> None:
    async def run(function: Any, /, *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    path.write_text("zoë:secret\n")
    checker = HtpasswdChecker(
        PasswordFile(str(path), clock), clock, run, lambda password, hashed: password == hashed.encode()
    )
    portal = Portal(UserRealm(), [checker])
    interface, avatar, logout = outcome(portal.login(UsernamePassword("zoë".encode(), b"secret"), None, IUser))
    assert (interface, avatar) == (IUser, User("zoë"))
    logout()
    with pytest.raises(UnauthorizedLogin):
        outcome(portal.login(UsernamePassword(b"\xff", b"secret"), None, IUser))


def test_the_realm_knows_users_only() -> None:
    realm = UserRealm()
    with pytest.raises(NotImplementedError):
        realm.requestAvatar(b"alice", None, IRealm)
    with pytest.raises(UnauthorizedLogin):
        realm.requestAvatar((), None, IUser)
    assert realm.requestAvatar("alice", None, IUser)[1] == User("alice")


def test_the_first_checker_that_accepts_counts() -> None:
    checkers = [Answers(UnauthorizedLogin()), Breaks(), Answers(b"alice"), Answers(b"bob")]
    assert outcome(FirstThatAccepts(checkers).requestAvatarId(UsernamePassword(b"", b""))) == b"alice"
    with pytest.raises(UnauthorizedLogin):
        outcome(FirstThatAccepts(checkers[:2]).requestAvatarId(UsernamePassword(b"", b"")))


def test_a_full_queue_is_told() -> None:
    checkers = [Answers(Busy("full", 3)), Answers(b"alice")]
    with pytest.raises(Busy, match="full"):
        outcome(FirstThatAccepts(checkers).requestAvatarId(UsernamePassword(b"", b"")))
