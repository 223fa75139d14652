"""What is told of update passes, besides the log."""

from __future__ import annotations

import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tests.mirroring.test_schedule import HOUR, Passes
from twisted_pypi.boundaries.happenings import HappenedTo, Happening, HappeningKind
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import Unreadable
from twisted_pypi.mirroring.outcomes import Arrived, PassSummary, ProjectOutcome, State
from twisted_pypi.mirroring.schedule import Updates

ACME = ProjectName("acme")
FETCHED = (
    Arrived("acme-2.0.tar.gz", 9, "newer", "acme-2.0.tar.gz", "ab"),
    Arrived("acme-2.0-py3-none-any.whl", 9, "newer", "acme-2.0-py3-none-any.whl", "cd"),
    Arrived("acme-2.1.tar.gz", 9, "newer", "acme-2.1.tar.gz", "ef"),
    Arrived("acme-2.2.tar.gz", 9, "it would be"),
)


@pytest_twisted.ensureDeferred
async def test_a_pass_tells_of_each_release_that_it_fetched_and_of_its_end() -> None:
    told: list[Happening] = []
    passes = Passes()
    updates = Updates(passes, HOUR, Clock(), lambda: 0.0, told.append)
    outcomes = (ProjectOutcome(ACME, State.UPDATED, fetched=FETCHED), ProjectOutcome(ACME, State.ERROR, "it is down"))
    running = Deferred.fromCoroutine(updates.run_now())
    passes.begun[0].callback(PassSummary(0, 5 * 10**9, {State.UPDATED: 1, State.ERROR: 1}, outcomes))
    await running
    assert {each.kind for each in told} == {HappeningKind.UPDATE}
    assert {each.moment for each in told} == {5.0}
    assert [(each.project, each.version, each.files) for each in told] == [
        (ACME, "2.0", (HappenedTo("acme-2.0.tar.gz", "ab"), HappenedTo("acme-2.0-py3-none-any.whl", "cd"))),
        (ACME, "2.1", (HappenedTo("acme-2.1.tar.gz", "ef"),)),
        (None, None, ()),
    ]
    assert told[-1].detail == "2 projects (1 updated, 1 error), 3 files fetched"


@pytest_twisted.ensureDeferred
async def test_a_pass_that_fails_as_a_whole_is_told() -> None:
    told: list[Happening] = []
    passes = Passes()
    updates = Updates(passes, HOUR, Clock(), lambda: 0.0, told.append)
    running = Deferred.fromCoroutine(updates.run_now())
    passes.begun[0].errback(Unreadable("the folder is not there"))
    await running
    assert [each.detail for each in told] == ["nothing could be updated: the folder is not there"]
