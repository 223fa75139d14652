"""When passes run, and when they do not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher
from twisted.python.failure import Failure

from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import Unreadable
from twisted_pypi.mirroring.outcomes import PassSummary, ProjectOutcome, State
from twisted_pypi.mirroring.schedule import FIRST, MOST_LINES, Updates

HOUR = 3600.0
SUMMARY = PassSummary(
    0, 10**9, {State.CURRENT: 2, State.ERROR: 1}, (ProjectOutcome(ProjectName("acme"), State.ERROR, "it is down"),)
)


class Passes:
    """Passes that end when the test says so."""

    def __init__(self) -> None:
        self.begun: list[Deferred[PassSummary]] = []
        self.stops = 0

    async def run(self) -> PassSummary:
        self.begun.append(Deferred())
        return await self.begun[-1]

    def stop(self) -> None:
        self.stops += 1


class Subject:
    def __init__(self, random: float = 0.0, every: float = HOUR) -> None:
        self.clock = Clock()
        self.passes = Passes()
        self.updates = Updates(self.passes, every, self.clock, lambda: random)


@contextmanager
def logged() -> Iterator[list[str]]:
    lines: list[str] = []
    observer = cast("ILogObserver", lambda event: lines.append(formatEvent(event)))
    globalLogPublisher.addObserver(observer)
    yield lines
    globalLogPublisher.removeObserver(observer)


@pytest.mark.parametrize(("random", "every", "first"), [(0.0, HOUR, 30), (0.5, HOUR, 210), (1.0, 86_400.0, 930)])
@pytest_twisted.ensureDeferred
async def test_the_first_pass_comes_a_while_after_the_start(random: float, every: float, first: float) -> None:
    assert FIRST == 30
    subject = Subject(random, every)
    subject.updates.startService()
    subject.clock.advance(first - 1)
    assert subject.passes.begun == []
    subject.clock.advance(1)
    assert len(subject.passes.begun) == 1
    subject.passes.begun[0].callback(SUMMARY)
    assert (subject.updates.last, subject.updates.under_way) == (SUMMARY, False)
    await subject.updates.stopService()
    assert subject.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_it_never_overlaps_itself() -> None:
    subject = Subject()
    subject.updates.startService()
    subject.clock.pump([HOUR] * 5)
    assert len(subject.passes.begun) == 1
    subject.passes.begun[0].callback(SUMMARY)
    subject.clock.advance(HOUR)
    subject.clock.advance(0)
    assert len(subject.passes.begun) == 2
    subject.passes.begun[1].callback(SUMMARY)
    await subject.updates.stopService()


@pytest_twisted.ensureDeferred
async def test_it_survives_every_error(logged_failures: list[Failure]) -> None:
    subject = Subject()
    subject.updates.startService()
    with logged() as lines:
        subject.clock.advance(FIRST)
        subject.passes.begun[0].errback(Unreadable("the folder is not there"))
        subject.clock.advance(HOUR)
        subject.clock.advance(0)
        assert (subject.updates.problem, len(lines)) == ("the folder is not there", 1)
        subject.passes.begun[1].errback(ZeroDivisionError())
    assert logged_failures.pop().check(ZeroDivisionError)
    assert "ZeroDivisionError" in str(subject.updates.problem)
    subject.clock.advance(HOUR)
    subject.clock.advance(0)
    subject.passes.begun[2].callback(SUMMARY)
    assert subject.updates.last == SUMMARY
    assert not subject.updates.problem
    await subject.updates.stopService()


@pytest_twisted.ensureDeferred
async def test_a_pass_now_is_the_one_that_is_under_way() -> None:
    subject = Subject()
    subject.updates.startService()
    now = [Deferred.fromCoroutine(subject.updates.run_now()) for _ in range(2)]
    subject.clock.advance(FIRST)
    assert (len(subject.passes.begun), subject.updates.under_way) == (1, True)
    subject.passes.begun[0].callback(SUMMARY)
    assert [await each for each in now] == [SUMMARY, SUMMARY]
    again = Deferred.fromCoroutine(subject.updates.run_now())
    subject.passes.begun[1].errback(Unreadable("not there"))
    assert await again is None
    await subject.updates.stopService()


@pytest_twisted.ensureDeferred
async def test_it_stops_in_the_middle_of_a_pass() -> None:
    subject = Subject()
    subject.updates.startService()
    subject.clock.advance(FIRST)
    stopped = subject.updates.stopService()
    assert (subject.passes.stops, stopped.called) == (1, False)
    subject.passes.begun[0].callback(SUMMARY)
    await stopped
    subject.clock.advance(HOUR * 10)
    assert (len(subject.passes.begun), subject.clock.getDelayedCalls()) == (1, [])


@pytest_twisted.ensureDeferred
async def test_a_pass_is_one_line_and_each_failure_another() -> None:
    subject = Subject()
    with logged() as lines:
        running = Deferred.fromCoroutine(subject.updates.run_now())
        subject.passes.begun[0].callback(SUMMARY)
        await running
    assert lines == [
        "Update: 3 projects in 1 s (2 current, 1 error), 0 files with 0 bytes fetched",
        "acme could not be updated: it is down",
    ]


@pytest_twisted.ensureDeferred
async def test_an_upstream_that_is_down_does_not_fill_the_log() -> None:
    subject = Subject()
    failures: Any = tuple(ProjectOutcome(ProjectName(f"acme{n}"), State.ERROR, "it is down") for n in range(50))
    with logged() as lines:
        running = Deferred.fromCoroutine(subject.updates.run_now())
        subject.passes.begun[0].callback(PassSummary(0, 0, {State.ERROR: 50}, failures))
        await running
    assert (len(lines), lines[-1]) == (1 + MOST_LINES + 1, "30 more could not be updated")


@pytest_twisted.ensureDeferred
async def test_it_stops_before_the_first_pass() -> None:
    subject = Subject()
    subject.updates.startService()
    await subject.updates.stopService()
    assert subject.clock.getDelayedCalls() == []
    subject.clock.advance(HOUR * 10)
    assert subject.passes.begun == []
