"""Logins by a password file, from the header to the user."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from passlib.hash import apr_md5_crypt, bcrypt
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from tests.accounts.doubles import FAR, WRONG, Login, Threads, Verify, basic, log_in
from twisted_pypi.accounts.htpasswd_accounts import HtpasswdAccounts
from twisted_pypi.boundaries import User
from twisted_pypi.errors import Busy, LoginRequired, TooManyTries
from twisted_pypi.throttle import TRIES, Throttle


def test_right_login(accounts: HtpasswdAccounts) -> None:
    assert log_in(accounts, basic("alice", "secret")) == User("alice")


@pytest.mark.parametrize("authorization", [None, b"", b"Bearer abc", b"Basic !", b"Basic " + b64encode(b"alice")])
def test_no_login_or_a_broken_one(accounts: HtpasswdAccounts, authorization: bytes | None) -> None:
    with pytest.raises(LoginRequired, match="a login is needed"):
        log_in(accounts, authorization)


@pytest.mark.parametrize(
    ("user", "password"), [("alice", "hunter2"), ("carol", "secret"), ("", ""), ("alice", ""), ("ALICE", "secret")]
)
def test_wrong_login_never_says_what_was_wrong(
    accounts: HtpasswdAccounts, verify: Verify, user: str, password: str
) -> None:
    with pytest.raises(LoginRequired, match=f"^{WRONG}$"):
        log_in(accounts, basic(user, password))
    assert len(verify.calls) == 1, "somebody unknown costs what a wrong password does"


def test_a_thousand_downloads_cost_one_hash(accounts: HtpasswdAccounts, verify: Verify) -> None:
    header = basic("alice", "secret")
    assert accounts.remembered(header) is None
    for _ in range(1_000):
        user = accounts.remembered(header) or log_in(accounts, header)
        assert user == User("alice")
    assert verify.calls == [(b"secret", "plain-secret")]


def test_wrong_logins_are_never_remembered(accounts: HtpasswdAccounts) -> None:
    header = basic("alice", "wrong")
    with pytest.raises(LoginRequired):
        log_in(accounts, header)
    assert accounts.remembered(header) is None


def test_same_login_at_the_same_time_is_checked_once(
    accounts: HtpasswdAccounts, threads: Threads, verify: Verify
) -> None:
    threads.held = True
    logins = [Login(accounts.log_in(basic("alice", "secret"), f"192.0.2.{number % 3}")) for number in range(30)]
    assert threads.waiting == 1
    threads.run_one()
    assert {login.user() for login in logins} == {User("alice")}
    assert len(verify.calls) == 1


def test_after_ten_wrong_tries_unknown_logins_wait_and_known_ones_do_not(
    accounts: HtpasswdAccounts, verify: Verify, clock: Clock
) -> None:
    right = basic("alice", "secret")
    log_in(accounts, right)
    for _ in range(TRIES):
        with pytest.raises(LoginRequired):
            log_in(accounts, basic("alice", "stale"))
    before = len(verify.calls)
    with pytest.raises(TooManyTries) as caught:
        log_in(accounts, basic("alice", "stale"))
    assert 0 < caught.value.retry_after <= 60
    assert len(verify.calls) == before, "a slowed try costs no hash"
    assert log_in(accounts, right) == User("alice")
    assert log_in(accounts, basic("bob", "hunter2")) == User("bob")
    clock.advance(60)
    with pytest.raises(LoginRequired):
        log_in(accounts, basic("alice", "stale"))


def test_right_logins_and_full_queues_do_not_count(accounts: HtpasswdAccounts, path: Path, threads: Threads) -> None:
    for number in range(3 * TRIES):
        path.write_text(f"alice:plain-{number}\n")
        assert log_in(accounts, basic("alice", f"{number}")) == User("alice")
    threads.full = True
    for _ in range(3 * TRIES):
        with pytest.raises(Busy):
            log_in(accounts, basic("alice", "x"))


def test_many_guesses_at_once_get_no_further_than_many_in_a_row(accounts: HtpasswdAccounts, threads: Threads) -> None:
    threads.held = True
    guesses = [Login(accounts.log_in(basic("alice", f"guess {number}"), FAR)) for number in range(50)]
    assert threads.waiting == TRIES
    while threads.waiting:
        threads.run_one()
    kinds = [result.type for guess in guesses for result in guess.results if isinstance(result, Failure)]
    assert (kinds.count(LoginRequired), kinds.count(TooManyTries)) == (TRIES, 40)


@implementer(ICredentialsChecker)
class Tokens:
    """A further checker, which knows one token."""

    credentialInterfaces = (IUsernamePassword,)
    valid = True

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes | tuple[()]]:
        if self.valid and credentials.checkPassword(b"token"):
            return succeed(b"alice")
        raise UnauthorizedLogin


def test_other_checkers_are_asked_first_and_not_remembered(
    path: Path, clock: Clock, threads: Threads, verify: Verify
) -> None:
    path.write_text("alice:plain-secret\n")
    tokens = Tokens()
    accounts = HtpasswdAccounts(
        str(path), clock=clock, in_thread=threads, tries=Throttle(clock), verify=verify, checkers=[tokens]
    )
    assert log_in(accounts, basic("__token__", "token")) == User("alice")
    assert verify.calls == []
    assert accounts.remembered(basic("__token__", "token")) is None
    tokens.valid = False
    with pytest.raises(LoginRequired):
        log_in(accounts, basic("__token__", "token"))
    assert log_in(accounts, basic("alice", "secret")) == User("alice")


def test_checker_that_breaks_does_not_make_a_login_wrong(
    path: Path, clock: Clock, threads: Threads, verify: Verify, logged_failures: list[Failure]
) -> None:
    @implementer(ICredentialsChecker)
    class Broken:
        credentialInterfaces = (IUsernamePassword,)

        def requestAvatarId(self, credentials: object) -> Deferred[bytes | tuple[()]]:  # noqa: ARG002  # the interface gives it
            raise ConnectionError("the directory server is away")

    path.write_text("alice:plain-secret\n")
    accounts = HtpasswdAccounts(
        str(path), clock=clock, in_thread=threads, tries=Throttle(clock), verify=verify, checkers=[Broken()]
    )
    assert log_in(accounts, basic("alice", "secret")) == User("alice")
    with pytest.raises(Busy):
        log_in(accounts, basic("alice", "wrong"))
    assert [str(each.value) for each in logged_failures] == ["the directory server is away"] * 2
    logged_failures.clear()


def test_real_hashes(path: Path, clock: Clock, threads: Threads) -> None:
    path.write_text(f"alice:{bcrypt.using(rounds=4).hash('secret')}\nzoë:{apr_md5_crypt.hash('päss')}\nbob:$2y$05$x\n")
    accounts = HtpasswdAccounts(str(path), clock=clock, in_thread=threads, tries=Throttle(clock))
    assert log_in(accounts, basic("alice", "secret")) == User("alice")
    assert log_in(accounts, basic("zoë", "päss")) == User("zoë")
    assert log_in(accounts, b"Basic " + b64encode("zoë:päss".encode("latin-1"))) == User("zoë")
    for user, password in [("alice", "x\0y"), ("alice", "x" * 100), ("bob", "$2y$05$x"), ("nobody", "secret")]:
        with pytest.raises(LoginRequired):
            log_in(accounts, basic(user, password))
