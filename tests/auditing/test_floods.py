"""Failed logins are listed while they are few, and counted when they are many."""

from __future__ import annotations

from twisted.internet.task import Clock

from twisted_pypi.auditing.floods import AT_ALL, FROM_ONE, WINDOW, Floods
from twisted_pypi.boundaries.happenings import Happening, HappeningKind


class House:
    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.told: list[Happening] = []
        self.floods = Floods(self.told.append, self.clock)

    def fail(self, address: str = "192.0.2.1", times: int = 1) -> None:
        for _ in range(times):
            self.floods.take(Happening(kind=HappeningKind.LOGIN_FAILED, moment=0, user="ada", address=address))

    @property
    def listed(self) -> int:
        return sum(each.user is not None for each in self.told)

    @property
    def counted(self) -> dict[str | None, int]:
        return {each.address: each.times for each in self.told if each.user is None}


def test_few_are_listed_without_a_timer() -> None:
    house = House()
    house.fail(times=FROM_ONE)
    assert (house.listed, house.clock.getDelayedCalls()) == (FROM_ONE, [])
    house.clock.advance(WINDOW)
    house.fail(times=FROM_ONE)
    assert (house.listed, house.clock.getDelayedCalls()) == (2 * FROM_ONE, [])


def test_many_are_counted_and_told_at_the_end_of_the_window() -> None:
    house = House()
    house.fail(times=10_000)
    house.fail("192.0.2.2")
    house.floods.take(Happening(kind=HappeningKind.LOGIN, moment=0, user="ada"))
    assert (house.listed, house.counted) == (FROM_ONE + 2, {})
    house.clock.advance(WINDOW)
    assert house.counted == {"192.0.2.1": 10_000 - FROM_ONE}
    house.fail()
    assert house.listed == FROM_ONE + 3
    assert house.clock.getDelayedCalls() == []


def test_many_addresses_take_no_more_than_that() -> None:
    house = House()
    for number in range(5000):
        house.fail(f"2001:db8::{number:x}")
    assert house.listed == AT_ALL
    house.floods.stop()
    assert len(house.counted) == AT_ALL + 1
    assert house.counted[None] == 5000 - 2 * AT_ALL
    assert sum(house.counted.values()) + house.listed == 5000
    assert house.clock.getDelayedCalls() == []


def test_a_clock_that_is_set_back_begins_a_window_of_its_own() -> None:
    house = House()
    house.fail(times=FROM_ONE)
    house.clock.rightNow = 10.0
    house.fail(times=FROM_ONE)
    assert house.listed == 2 * FROM_ONE
