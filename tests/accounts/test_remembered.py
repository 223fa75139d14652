"""Logins that were found right before."""

from __future__ import annotations

import gc
from pathlib import Path
from timeit import repeat

from passlib.hash import bcrypt
from twisted.internet.task import Clock

from tests.accounts.doubles import Threads, Verify, basic, log_in
from twisted_pypi.accounts.htpasswd_accounts import HtpasswdAccounts
from twisted_pypi.accounts.memory import RememberedLogins
from twisted_pypi.boundaries import User
from twisted_pypi.throttle import Throttle


def test_neither_password_nor_header_is_kept(path: Path, clock: Clock, threads: Threads) -> None:
    path.write_text(f"alice:{bcrypt.using(rounds=4).hash('correct horse battery')}\n")
    accounts = HtpasswdAccounts(str(path), clock=clock, in_thread=threads, tries=Throttle(clock))
    header = basic("alice", "correct horse battery")
    log_in(accounts, header)
    gc.collect()
    seen: set[int] = set()
    queue: list[object] = [accounts]
    while queue:
        each = queue.pop()
        if id(each) in seen or isinstance(each, type) or type(each).__name__ in {"module", "function"}:
            continue
        seen.add(id(each))
        if isinstance(each, bytes | str):
            text = each if isinstance(each, bytes) else each.encode()
            assert b"correct horse" not in text
            assert header[6:] not in text
        queue.extend(gc.get_referents(each))
    assert len(seen) > 50


def test_memory_of_logins_is_bounded_and_forgets_the_one_unused_longest() -> None:
    memory = RememberedLogins(limit=2)
    for each in (b"a", b"b"):
        memory.add(each, User(each.decode()), "hash")
    assert memory.get(b"a") is not None
    memory.add(b"c", User("c"), "hash")
    assert [memory.get(each) is not None for each in (b"a", b"b", b"c")] == [True, False, True]


def test_digests_are_keyed_by_a_secret_of_the_process() -> None:
    assert RememberedLogins().digest(b"Basic x") != RememberedLogins().digest(b"Basic x")


def test_remembering_costs_microseconds(clock: Clock, path: Path, threads: Threads) -> None:
    path.write_text("alice:plain-secret\n")
    header = basic("alice", "secret")
    settled = HtpasswdAccounts(
        str(path),
        clock=clock,
        in_thread=threads,
        tries=Throttle(clock),
        verify=Verify(),
        now_ns=lambda: path.stat().st_mtime_ns + 10**12,
    )
    log_in(settled, header)
    best = min(repeat(lambda: settled.remembered(header), number=1_000, repeat=20)) / 1_000
    assert best < 60e-6, "ten times what it takes on a quiet machine"
