"""When pages end that are right only for a while."""

from collections.abc import Iterator

import pytest
from twisted.internet.task import Clock

from twisted_pypi.distributions import ProjectName
from twisted_pypi.indexes.expiry import Expiry

S = 1_000_000_000
A, B, C = ProjectName("a"), ProjectName("b"), ProjectName("c")


class World:
    def __init__(self, most: int = 10) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.dropped: list[set[str]] = []
        self.expiry = Expiry(self.clock, lambda names: self.dropped.append(set(names)), most=most)
        self.expiry.startService()


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.expiry.stopService()
    assert not world.clock.getDelayedCalls()


def test_a_page_is_dropped_when_its_time_is_over_and_not_again(world: World) -> None:
    world.expiry.expect(A, 1060 * S)
    world.clock.advance(59)
    assert world.dropped == []
    world.clock.advance(1)
    assert world.dropped == [{A}]
    world.clock.pump([60] * 10)
    assert world.dropped == [{A}]
    world.expiry.expect(A, 2000 * S)
    world.clock.advance(1000)
    assert world.dropped == [{A}, {A}]


def test_one_timer_rings_for_all_and_for_the_earliest_first(world: World) -> None:
    for name, end in ((B, 1120), (A, 1060), (C, 1120)):
        world.expiry.expect(name, end * S)
        assert len(world.clock.getDelayedCalls()) == 1
    world.clock.advance(60)
    assert world.dropped == [{A}]
    world.clock.advance(60)
    assert world.dropped == [{A}, {B, C}]


@pytest.mark.parametrize(("first", "second"), [(1060, 1120), (1120, 1060)])
def test_of_two_ends_of_one_page_the_earlier_counts(world: World, first: int, second: int) -> None:
    world.expiry.expect(A, first * S)
    world.expiry.expect(A, second * S)
    world.clock.advance(60)
    assert world.dropped == [{A}]
    world.clock.advance(60)
    assert world.dropped == [{A}]


def test_a_page_that_was_over_before_it_was_built_is_kept_for_a_moment(world: World) -> None:
    world.expiry.expect(A, 0)
    assert world.dropped == []
    world.clock.advance(1)
    assert world.dropped == [{A}]


def test_a_page_that_holds_for_years_takes_no_timer_of_years(world: World) -> None:
    world.expiry.expect(A, 10**9 * S)
    (call,) = world.clock.getDelayedCalls()
    assert call.getTime() <= 1000 + 86_400
    world.clock.pump([43_200] * 6)
    assert world.dropped == []
    assert len(world.clock.getDelayedCalls()) == 1


def test_more_pages_than_are_watched_end_early() -> None:
    world = World(most=3)
    for number, name in enumerate("dcba"):
        world.expiry.expect(ProjectName(name), (2000 - number) * S)
    assert world.dropped == [{"a"}]
    for _ in range(1000):
        world.expiry.expect(A, 1500 * S)
        world.expiry.expect(A, 1400 * S)
    assert len(vars(world.expiry)["_ends"]) <= 3
    assert len(vars(world.expiry)["_queue"]) <= 3 * 2 + 64
    world.expiry.stopService()
