from collections.abc import Mapping
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, Logger

from tests.storage.running import OneThread
from twisted_pypi.storage.hints import DEBOUNCE, Hints
from twisted_pypi.storage.rounds import Rounds


class Watching:
    """Hints, and what is looked at because of them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.looks: list[Mapping[str, bool]] = []
        self.ends: list[Deferred[None]] = []
        self.lost = 0
        self.hints = Hints(OneThread(), self.clock, self._look, self._lost)

    def _look(self, hints: Mapping[str, bool]) -> Deferred[None]:
        self.looks.append(hints)
        self.ends.append(Deferred())
        return self.ends[-1]

    def _lost(self) -> None:
        self.lost += 1


def test_hints_are_collected_for_a_moment() -> None:
    here = Watching()
    here.hints.add("/a", False)
    here.clock.advance(DEBOUNCE / 2)
    here.hints.add("/a", True)
    here.hints.add("/a", False)
    here.hints.add("/b", False)
    assert here.looks == []
    here.clock.advance(DEBOUNCE / 2)
    assert here.looks == [{"/a": True, "/b": False}]
    here.ends[0].callback(None)
    assert here.clock.getDelayedCalls() == []


def test_that_moment_is_a_small_part_of_the_two_seconds_that_are_promised() -> None:
    assert DEBOUNCE <= 0.1


def test_while_some_are_looked_at_the_next_are_collected() -> None:
    here = Watching()
    here.hints.add("/a", False)
    here.clock.advance(DEBOUNCE)
    here.hints.add("/b", False)
    here.clock.advance(DEBOUNCE * 5)
    assert len(here.looks) == 1
    here.ends[0].callback(None)
    here.clock.advance(DEBOUNCE)
    assert here.looks[1:] == [{"/b": False}]


def test_a_look_that_fails_is_reported_and_ends_nothing() -> None:
    here = Watching()
    said: list[dict[str, Any]] = []
    here.hints.log = Logger(observer=cast("ILogObserver", said.append))
    here.hints.add("/a", False)
    here.clock.advance(DEBOUNCE)
    here.ends[0].errback(RuntimeError("broken"))
    assert len(said) == 1
    here.hints.add("/b", False)
    here.clock.advance(DEBOUNCE)
    assert len(here.looks) == 2


def test_a_flood_of_hints_is_one_scan() -> None:
    here = Watching()
    for number in range(25_000):
        here.hints.add(f"/{number}", False)
    here.clock.advance(DEBOUNCE)
    assert (here.looks, here.lost) == ([], 1)
    here.hints.add("/a", False)
    here.clock.advance(DEBOUNCE)
    assert here.looks == [{"/a": False}]


def test_after_the_stop_nothing_is_looked_at() -> None:
    here = Watching()
    here.hints.add("/a", False)
    here.hints.stop()
    here.hints.add("/b", False)
    here.clock.advance(DEBOUNCE * 2)
    assert (here.looks, here.clock.getDelayedCalls()) == ([], [])


class Turning:
    """Rounds that end when the test says so."""

    def __init__(self, pause: float | None = 60.0) -> None:
        self.clock = Clock()
        self.ends: list[Deferred[None]] = []
        self.said: list[dict[str, Any]] = []
        self.rounds = Rounds(self.clock, self._work, pause)
        self.rounds.log = Logger(observer=cast("ILogObserver", self.said.append))

    async def _work(self) -> None:
        end: Deferred[None] = Deferred()
        self.ends.append(end)
        await end


def test_the_pause_begins_when_a_round_has_ended() -> None:
    here = Turning()
    here.rounds.soon()
    here.clock.advance(1000)
    assert len(here.ends) == 1
    here.ends[0].callback(None)
    here.clock.advance(59)
    assert len(here.ends) == 1
    here.clock.advance(1)
    assert len(here.ends) == 2


def test_a_round_that_is_wanted_during_another_follows_it_at_once() -> None:
    here = Turning()
    here.rounds.soon()
    here.rounds.soon()
    here.rounds.soon()
    assert len(here.ends) == 1
    here.ends[0].callback(None)
    assert len(here.ends) == 2
    here.ends[1].callback(None)
    assert len(here.ends) == 2
    here.rounds.soon()
    assert len(here.ends) == 3


def test_after_an_error_there_is_another_round_soon() -> None:
    for pause in (60.0, None):
        here = Turning(pause)
        here.rounds.soon()
        here.ends[0].errback(RuntimeError("broken"))
        assert len(here.said) == 1
        here.clock.advance(1)
        assert len(here.ends) == 2


def test_without_a_pause_there_is_one_round() -> None:
    here = Turning(None)
    here.rounds.soon()
    here.ends[0].callback(None)
    assert here.clock.getDelayedCalls() == []


def test_after_the_stop_there_is_no_round() -> None:
    here = Turning()
    here.rounds.soon()
    here.ends[0].callback(None)
    here.rounds.stop()
    here.rounds.soon()
    assert (len(here.ends), here.clock.getDelayedCalls()) == (1, [])
