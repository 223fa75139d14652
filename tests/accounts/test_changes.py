"""Logins while the password file changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.task import Clock

from tests.accounts.doubles import FAR, WRONG, Login, Threads, Verify, basic, log_in
from twisted_pypi.accounts.htpasswd_accounts import HtpasswdAccounts
from twisted_pypi.accounts.password_file import SETTLE
from twisted_pypi.boundaries import User
from twisted_pypi.errors import LoginRequired
from twisted_pypi.throttle import Throttle


def test_changed_user_is_out_at_once_and_the_others_keep_their_memory(
    accounts: HtpasswdAccounts, path: Path, verify: Verify
) -> None:
    alice, bob = basic("alice", "secret"), basic("bob", "hunter2")
    log_in(accounts, alice)
    log_in(accounts, bob)
    before = accounts.current_generation()
    path.write_text("alice:plain-changed\nbob:plain-hunter2\n")
    assert accounts.remembered(alice) is None
    assert accounts.remembered(bob) == User("bob")
    assert accounts.generation == accounts.current_generation() == before + 1
    with pytest.raises(LoginRequired):
        log_in(accounts, alice)
    assert log_in(accounts, basic("alice", "changed")) == User("alice")
    assert [password for password, _ in verify.calls] == [b"secret", b"hunter2", b"secret", b"changed"]


def test_added_user_is_in_at_once(accounts: HtpasswdAccounts, path: Path) -> None:
    with path.open("a") as file:
        file.write("carol:plain-x\n")
    assert log_in(accounts, basic("carol", "x")) == User("carol")
    assert accounts.users == 3


def test_removed_user_is_out_at_once(accounts: HtpasswdAccounts, path: Path, clock: Clock) -> None:
    header = basic("alice", "secret")
    log_in(accounts, header)
    path.write_text("bob:plain-hunter2\n")
    assert accounts.remembered(header) is None
    login = Login(accounts.log_in(header, FAR))
    clock.advance(SETTLE)
    with pytest.raises(LoginRequired, match=WRONG):
        login.user()


def test_user_who_is_gone_while_the_file_is_rewritten_is_waited_for(
    accounts: HtpasswdAccounts, path: Path, clock: Clock
) -> None:
    header = basic("alice", "secret")
    path.write_text("")
    login = Login(accounts.log_in(header, FAR))
    path.write_text("alice:plain-secret\nbob:plain-hunter2\n")
    assert login.results == []
    clock.advance(SETTLE)
    assert login.user() == User("alice")


@pytest.mark.parametrize(
    ("during", "password", "result"),
    [
        ("alice:plain-new\n", "new", User("alice")),
        ("alice:plain-new\n", "secret", None),
        ("carol:plain-new\n", "secret", None),
        ("alice:plain-secret\ncarol:plain-x\n", "secret", User("alice")),
    ],
)
def test_change_while_a_password_is_checked(
    accounts: HtpasswdAccounts, path: Path, threads: Threads, during: str, password: str, result: User | None
) -> None:
    threads.held = True
    login = Login(accounts.log_in(basic("alice", password), FAR))
    path.write_text(during)
    while threads.waiting:
        threads.run_one()
    if result is None:
        with pytest.raises(LoginRequired):
            login.user()
    else:
        assert login.user() == result


def test_deleted_file_lets_the_same_users_in(accounts: HtpasswdAccounts, path: Path) -> None:
    path.unlink()
    assert log_in(accounts, basic("alice", "secret")) == User("alice")


def test_no_file_is_nobody(path: Path, clock: Clock, threads: Threads, verify: Verify) -> None:
    accounts = HtpasswdAccounts(str(path), clock=clock, in_thread=threads, tries=Throttle(clock), verify=verify)
    with pytest.raises(LoginRequired, match=WRONG):
        log_in(accounts, basic("alice", "secret"))
    path.write_text("alice:plain-secret\n")
    assert log_in(accounts, basic("alice", "secret")) == User("alice")
