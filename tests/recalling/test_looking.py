"""Looking after what is kept, in a pass of an update and once a day."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pytest
import pytest_twisted

from tests.recalling.house import ACME, HOUR, House, logged
from twisted_pypi.boundaries import KnownFile
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import Unreadable
from twisted_pypi.policy.ownership import Decision
from twisted_pypi.project_records import Whose
from twisted_pypi.recalling.looking import EVERY, FIRST, JITTER, Looks
from twisted_pypi.recalling.passes import RecallingRuns

OURS, GONE = ProjectName("ours"), ProjectName("gone")


class Owners:
    async def owner(self, name: ProjectName) -> Decision:
        return Decision(Whose.OURS if name == OURS else Whose.UPSTREAM, "so it is")

    async def decide(self, *_: object) -> Decision:
        raise NotImplementedError


def looks(house: House, *, random: float = 0.0, merge: Collection[ProjectName] = ()) -> Looks:
    async def projects() -> Collection[ProjectName]:
        return house.kept.projects()

    return Looks(
        house.recaller,
        house.upstream,
        Owners(),
        projects,
        clock=house.clock,
        random=lambda: random,
        merge=merge,
    )


@pytest_twisted.ensureDeferred
async def test_what_nobody_asks_for_is_looked_after_once_a_day() -> None:
    house = House(hide=True)
    for name in (ACME, OURS, GONE):
        house.publish("1", name=name)
        house.keep("1", name)
    del house.upstream.pages[GONE]
    house.upstream.say(ACME, {"status": "quarantined"})
    service = looks(house, random=1.0)
    service.startService()
    house.later(FIRST + JITTER - 1)
    assert house.upstream.asked == []
    house.later(1)
    await house.recaller.settled()
    assert sorted(house.upstream.asked) == sorted(house.upstream.confirmed) == ["acme", "gone"]
    recalled, gone = house.cached("1"), house.cached("1", GONE)
    assert recalled is not None
    assert gone is not None
    assert (recalled.how, recalled.hidden, gone.how, gone.hidden) == ("quarantined", True, "removed", False)
    house.later(EVERY - FIRST - JITTER)
    house.later(JITTER)
    await house.recaller.settled()
    gone = house.cached("1", GONE)
    assert gone is not None
    assert gone.hidden
    assert len(house.upstream.asked) == 4
    await service.stopService()
    assert house.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_what_is_merged_is_looked_after_and_an_upstream_that_is_down_says_nothing() -> None:
    house = House(hide=True)
    for name in (ACME, OURS):
        house.publish("1", name=name)
        house.keep("1", name)
    service = looks(house, merge=[OURS])
    await service.look()
    assert house.upstream.asked == ["acme", "ours"]
    house.publish()
    house.upstream.down = "it is down"
    for _ in range(2):
        house.later(2 * HOUR)
        await service.look()
    assert house.cached("1") is None


@pytest_twisted.ensureDeferred
async def test_a_look_that_fails_is_logged_and_the_next_one_is_made() -> None:
    house = House()
    fails = True

    async def projects() -> Collection[ProjectName]:
        if fails:
            raise Unreadable("the folder is not there")
        return [ACME]

    house.publish("1")
    service = Looks(house.recaller, house.upstream, Owners(), projects, clock=house.clock, random=lambda: 0.0)
    with logged() as lines:
        service.startService()
        house.later(FIRST)
    assert lines == ["what upstream indexes took back cannot be looked for: the folder is not there"]
    fails = False
    house.later(EVERY)
    await house.recaller.settled()
    assert house.upstream.asked == ["acme"]
    await service.stopService()


@dataclass
class Update:
    """A pass over one project that was removed."""

    house: House
    runs: RecallingRuns[str]
    fails: bool = False
    stopped: bool = False

    async def run(self) -> str:
        held: list[KnownFile] = await self.house.index.files_of(ACME)
        self.runs.saw(ACME, None, held)
        if self.fails:
            raise Unreadable("no more")
        return "done"

    def stop(self) -> None:
        self.stopped = True


@pytest_twisted.ensureDeferred
async def test_an_update_recalls_what_its_pages_do_not_have_any_more() -> None:
    house = House(hide=True)
    house.publish("1")
    await house.hold("1")
    updates: list[Update] = []

    def make(runs: RecallingRuns[str]) -> Update:
        updates.append(Update(house, runs))
        return updates[0]

    runs = RecallingRuns(house.recaller, make)
    runs.saw(ACME, None, await house.index.files_of(ACME))
    assert (await house.known("1")).recall is None
    assert await runs.run() == "done"
    house.later(HOUR)
    updates[0].fails = True
    with pytest.raises(Unreadable):
        await runs.run()
    recall = (await house.known("1")).recall
    assert recall is not None
    assert (recall.confirmed, recall.hidden) == (True, True)
    runs.stop()
    assert updates[0].stopped
