"""Wrong logins are slowed, per user and address."""

from __future__ import annotations

import tracemalloc

import pytest
from twisted.internet.task import Clock

from twisted_pypi import throttle
from twisted_pypi.errors import TooManyTries
from twisted_pypi.throttle import Throttle

HERE = "192.0.2.1"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tries(clock: Clock) -> Throttle:
    return Throttle(clock)


def fill(tries: Throttle, user: str = "alice", address: str = HERE) -> None:
    for _ in range(throttle.TRIES):
        tries.begin(user, address)


def test_the_eleventh_wrong_try_in_a_minute_has_to_wait(tries: Throttle, clock: Clock) -> None:
    fill(tries)
    clock.advance(18.5)
    with pytest.raises(TooManyTries, match=r"from 192\.0\.2\.1: try again in 42 seconds") as caught:
        tries.begin("alice", HERE)
    assert caught.value.retry_after == 42


@pytest.mark.parametrize(("passed", "wait"), [(0.0, 60), (0.001, 60), (59.0, 1), (59.99, 1)])
def test_waiting_is_between_1_and_60_seconds(tries: Throttle, clock: Clock, passed: float, wait: int) -> None:
    fill(tries)
    clock.advance(passed)
    with pytest.raises(TooManyTries) as caught:
        tries.begin("alice", HERE)
    assert caught.value.retry_after == wait


def test_after_a_minute_a_try_is_forgotten_and_refused_ones_never_counted(tries: Throttle, clock: Clock) -> None:
    tries.begin("alice", HERE)
    clock.advance(30)
    for _ in range(throttle.TRIES - 1):
        tries.begin("alice", HERE)
    for _ in range(50):
        with pytest.raises(TooManyTries):
            tries.begin("alice", HERE)
    clock.advance(30)
    tries.begin("alice", HERE)
    with pytest.raises(TooManyTries):
        tries.begin("alice", HERE)


def test_a_clock_that_is_set_back_locks_nobody_out(tries: Throttle, clock: Clock) -> None:
    clock.advance(10_000)
    fill(tries)
    clock.rightNow = 0.0
    tries.begin("alice", HERE)


def test_other_users_and_other_addresses_are_not_slowed(tries: Throttle) -> None:
    fill(tries)
    tries.begin("bob", HERE)
    tries.begin("alice", "192.0.2.2")


def test_right_logins_are_taken_back(tries: Throttle) -> None:
    for _ in range(100):
        tries.begin("alice", HERE)
        tries.forgive("alice", HERE)
    fill(tries)
    with pytest.raises(TooManyTries):
        tries.begin("alice", HERE)


def test_forgiving_what_was_never_tried_is_harmless(tries: Throttle) -> None:
    tries.forgive("alice", HERE)
    tries.forgive("alice", "")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", ""])
def test_loopback_and_unix_sockets_are_never_slowed(tries: Throttle, address: str) -> None:
    for _ in range(100):
        tries.begin("alice", address)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::2"),
        ("192.0.2.7", "::ffff:192.0.2.7"),
        ("not an address", "not an address"),
    ],
)
def test_addresses_of_one_client_are_counted_together(tries: Throttle, one: str, other: str) -> None:
    fill(tries, address=one)
    with pytest.raises(TooManyTries):
        tries.begin("alice", other)


def test_another_64_bit_prefix_is_another_client(tries: Throttle) -> None:
    fill(tries, address="2001:db8:1:2::1")
    tries.begin("alice", "2001:db8:1:3::1")


def test_memory_is_bounded_however_many_names_are_tried(tries: Throttle) -> None:
    tracemalloc.start()
    try:
        for number in range(4 * throttle.REMEMBERED):
            tries.begin(f"{number}" + "x" * 1_000, HERE)
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held < 500 * throttle.REMEMBERED
