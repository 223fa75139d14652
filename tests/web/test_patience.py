"""How long a connection may be silent."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from twisted_pypi.web.patience import Patience


class Silent(Patience):
    """Notes when its patience was over."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seconds = clock.seconds
        self.callLater = clock.callLater
        self.ends: list[float] = []

    def timeoutConnection(self) -> None:
        self.ends.append(self.clock.seconds())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def silent(clock: Clock) -> Silent:
    return Silent(clock)


def test_it_ends_once_so_long_after_the_last_sign(silent: Silent, clock: Clock) -> None:
    silent.setTimeout(75)
    clock.pump([40, 30])
    silent.resetTimeout()
    clock.pump([1] * 200)
    assert silent.ends == [145]
    silent.resetTimeout()
    clock.pump([1] * 200)
    assert silent.ends == [145]
    assert clock.getDelayedCalls() == []


def test_it_does_not_run_while_a_request_is_answered(silent: Silent, clock: Clock) -> None:
    silent.setTimeout(75)
    clock.advance(10)
    assert silent.setTimeout(None) == 75
    silent.resetTimeout()
    clock.pump([10] * 100)
    assert silent.ends == []
    assert silent.setTimeout(75) is None
    clock.pump([1] * 74)
    assert silent.ends == []
    clock.advance(1)
    assert silent.ends == [1085]


def test_requests_make_no_timers(silent: Silent, clock: Clock) -> None:
    for _ in range(50):
        silent.setTimeout(75)
        clock.advance(1)
        silent.setTimeout(None)
        assert len(clock.getDelayedCalls()) == 1


def test_a_shorter_time_ends_sooner(silent: Silent, clock: Clock) -> None:
    silent.setTimeout(75)
    silent.setTimeout(5)
    clock.pump([1] * 5)
    assert silent.ends == [5]


def test_nothing_is_left_behind(silent: Silent, clock: Clock) -> None:
    silent.setTimeout(75)
    silent.forget_timeout()
    silent.forget_timeout()
    assert clock.getDelayedCalls() == []
