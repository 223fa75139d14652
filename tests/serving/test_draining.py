"""Waiting for what is being sent."""

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tests.serving.doubles import Connections
from twisted_pypi.serving.draining import TICK, drain


def draining(site: Connections, clock: Clock, limit: float = 7.0) -> list[bool]:
    results: list[bool] = []
    Deferred.fromCoroutine(drain([site], clock, limit)).addCallback(results.append)
    return results


@pytest.mark.parametrize("idle", [0, 5])
def test_idle_connections_do_not_keep_it_waiting(idle: int) -> None:
    clock = Clock()
    results = draining(Connections(idle=idle), clock)
    clock.advance(TICK)
    assert results == [True]


def test_a_request_that_was_not_read_yet_is_answered() -> None:
    clock, site = Clock(), Connections(idle=1)
    results = draining(site, clock)
    site.busy, site.idle = 1, 0
    clock.advance(TICK)
    assert (results, site.busy) == ([], 1)
    site.busy = 0
    clock.advance(TICK)
    assert results == [True]


def test_it_waits_for_the_answers() -> None:
    clock, site = Clock(), Connections(busy=1, idle=1)
    results = draining(site, clock)
    clock.pump([TICK] * 20)
    assert results == []
    site.busy, site.idle = 0, 1
    clock.advance(TICK)
    assert (results, site.aborted) == ([True], 0)


def test_it_does_not_wait_for_ever() -> None:
    clock, site = Clock(), Connections(busy=2)
    results = draining(site, clock)
    clock.pump([TICK] * 139)
    assert results == []
    clock.pump([TICK] * 3)
    assert (results, site.aborted) == ([False], 2)
    assert clock.getDelayedCalls() == []
