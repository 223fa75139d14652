"""When a webhook is tried, in which order, and when it is given up; by a clock, and without a network."""

from __future__ import annotations

from itertools import pairwise

import pytest
import pytest_twisted
from twisted.internet.error import ConnectError

from tests.webhooks.house import House
from twisted_pypi.boundaries.happenings import Happening, HappeningKind
from twisted_pypi.webhooks import Webhooks
from twisted_pypi.webhooks.hook import FIRST_PAUSE, GIVE_UP, LIMIT, MOST


def test_messages_are_sent_in_order_and_not_before_the_teller_has_returned() -> None:
    house = House()
    house.tell("a", "b", "c")
    assert house.posted == []
    house.go_on()
    assert house.bodies == ["a", "b", "c"]
    assert (house.clock.getDelayedCalls(), house.said) == ([], [])


def test_one_at_a_time() -> None:
    house = House()
    house.answer = None
    house.tell("a", "b")
    house.go_on()
    assert house.bodies == ["a"]
    house.open[0].callback(200)
    house.go_on()
    assert house.bodies == ["a", "b"]
    house.open[1].callback(299)
    house.go_on()
    assert house.clock.getDelayedCalls() == []


@pytest.mark.parametrize("answer", [ConnectError(), 503, 429])
def test_where_nobody_answers_all_wait_longer_and_longer_for_an_hour(answer: int | Exception) -> None:
    house = House()
    house.answer = answer
    house.tell("a", "b")
    house.go_on(GIVE_UP + 1000)
    moments = [moment for moment, body in house.posted if body == "a"]
    assert set(house.bodies) == {"a"}, "nobody answers, so the other is not tried"
    assert [round(later - before) for before, later in pairwise(moments)] == [
        5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900,
    ]  # fmt: skip
    assert len(house.said) == 2
    assert "does not take messages" in house.said[0]
    assert house.said[1].startswith(
        "2 messages to webhook https://x are lost, which was not taken within an hour: uplo"
    )
    assert house.clock.getDelayedCalls() == []
    house.answer = 200
    house.tell("c")
    house.go_on(901)
    assert house.bodies[-1] == "c"
    assert house.said[2:] == ["webhook https://x takes messages again"]


def test_what_is_refused_keeps_nothing_back() -> None:
    house = House()
    house.refused["bad"] = 400
    house.tell("a", "bad", "c")
    house.go_on()
    assert house.bodies == ["a", "bad", "c"]
    house.tell("d")
    house.go_on()
    assert house.bodies[-1] == "d"
    del house.refused["bad"]
    house.go_on(FIRST_PAUSE + 1)
    assert house.bodies == ["a", "bad", "c", "d", "bad"]
    assert house.said[-1] == "webhook https://x takes messages again"
    assert house.clock.getDelayedCalls() == []


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 500])
def test_only_2xx_is_success(status: int) -> None:
    house = House()
    house.answer = status
    house.tell("a")
    house.go_on(GIVE_UP + 1000)
    assert 8 < len(house.bodies) < 15
    assert f"it answered {status}" in house.said[0]
    assert "1 messages" in house.said[1]


def test_who_answers_at_all_is_there_again() -> None:
    house = House()
    house.answer = 503
    house.tell("a", "b")
    house.go_on(FIRST_PAUSE + 1)
    house.answer = 400
    house.go_on(2 * FIRST_PAUSE)
    assert house.bodies == ["a", "a", "a", "b"]
    house.answer = 503
    house.tell("c")
    house.go_on()
    house.go_on(FIRST_PAUSE)
    assert house.bodies[-2:] == ["c", "b"], "its pauses begin anew"


def test_a_receiver_that_is_gone_is_sent_nothing_more() -> None:
    house = House()
    house.answer = 410
    house.tell("a", "b")
    house.go_on(5)
    house.tell("c")
    house.go_on(5)
    assert house.bodies == ["a"]
    assert house.said == ["webhook https://x is gone (410): nothing is sent to it until the next start"]
    assert house.clock.getDelayedCalls() == []


def test_a_try_takes_ten_seconds_at_most() -> None:
    house = House()
    house.answer = None
    house.tell("a")
    house.go_on(LIMIT - 1)
    assert house.said == []
    house.go_on(2)
    assert "did not answer within 10 seconds" in house.said[0]
    house.answer = 200
    house.go_on(10)
    assert house.bodies == ["a", "a"]


def test_pauses_differ_from_server_to_server() -> None:
    assert [_pause(random) for random in (0.0, 0.5, 1.0)] == [3.75, 5.0, 6.25]


def _pause(random: float) -> float:
    house = House(random)
    house.answer = 500
    house.tell("a")
    house.clock.pump([0.0, 0.0])
    return house.clock.getDelayedCalls()[0].getTime() - house.clock.seconds()


def test_the_oldest_are_lost_when_too_many_wait_and_said_to_be_once() -> None:
    house = House()
    house.answer = None
    house.tell("first")
    house.go_on()
    house.tell(*map(str, range(MOST + 9)))
    house.answer = 200
    house.open[0].callback(200)
    house.go_on()
    house.clock.pump([0.0] * (MOST + 20))
    assert house.bodies[:2] == ["first", "10"]
    assert house.bodies[-1] == str(MOST + 8)
    assert len(house.said) == 1
    assert "from now on the oldest are lost, upload of 0 first" in house.said[0]


@pytest_twisted.ensureDeferred
async def test_what_waits_at_the_end_is_sent_while_there_is_time() -> None:
    house = House()
    house.refused["bad"] = 400
    house.tell("bad")
    house.go_on()
    house.tell("a", "b")
    stopped = house.hook.stop(3)
    house.go_on()
    assert house.bodies == ["bad", "a", "b"]
    await stopped
    assert house.said[1:] == ["1 messages to webhook https://x are lost, since the server ends: upload of bad first"]
    house.tell("late")
    assert "upload of late first" in house.said[-1]
    assert house.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_the_end_does_not_wait_for_who_does_not_answer() -> None:
    house = House()
    house.answer = None
    house.tell("a", "b")
    house.go_on()
    stopped = house.hook.stop(3)
    house.go_on(2)
    assert not stopped.called
    house.go_on(1)
    await stopped
    assert house.said == ["2 messages to webhook https://x are lost, since the server ends: upload of a first"]
    assert house.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_the_end_does_not_wait_at_all_for_who_was_down_already() -> None:
    house = House()
    house.answer = ConnectError()
    house.tell("a")
    house.go_on()
    house.answer = None
    house.go_on(FIRST_PAUSE)
    assert len(house.open) == 1
    stopped = house.hook.stop(3)
    house.go_on()
    assert stopped.called
    assert "1 messages" in house.said[-1]
    assert house.clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_the_service_tells_all_hooks_of_packages_and_nothing_of_logins() -> None:
    houses = [House(), House()]
    tokens = iter("123456789")
    service = Webhooks([house.hook for house in houses], lambda: next(tokens), lambda: 1.0)
    service.startService()
    for kind in HappeningKind:
        service.tell(Happening(kind=kind, moment=0.0, user="ada"))
    for house in houses:
        house.go_on()
    kinds = [[body.split('"')[3] for body in house.bodies] for house in houses]
    assert kinds[0] == kinds[1]
    assert set(HappeningKind) - set(kinds[0]) == {"login", "login-failed", "user-added", "user-removed"}
    await service.stopService()
