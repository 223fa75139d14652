"""The figures of several processes as one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from twisted.internet.task import Clock

from twisted_pypi.sharing import SharedMemory
from twisted_pypi.web.figures import Values, counters, read, written
from twisted_pypi.web.measuring import Measurements
from twisted_pypi.web.totals import EVERY, Totals

WRONG = (("outcome", "wrong"),)


@dataclass
class Process:
    """One of them."""

    measurements: Measurements
    totals: Totals
    clock: Clock
    connections: int = 0


@pytest.fixture
def memory() -> Iterator[SharedMemory]:
    memory = SharedMemory(2)
    memory.open()
    yield memory
    memory.close()


def process(memory: SharedMemory, number: int, connections: int = 0) -> Process:
    """A process that is started; another one of the same number takes its place."""
    own = SharedMemory(2, number, memory.descriptor)
    measurements, clock = Measurements(), Clock()

    def figures() -> Values:
        found: Values = {("files", ()): 7 - number, ("connections", ()): connections}
        found["logins", WRONG] = measurements.logins["wrong"]
        found["upstream_failing", (("index", "there"),)] = number
        if number:
            found["scan_age_seconds", ()] = 5
        return found

    totals = Totals(measurements, own, figures, clock)
    totals.startService()
    return Process(measurements, totals, clock, connections)


def requests(of: Process) -> dict[tuple[str, int], tuple[int, int]]:
    return {(route, status): (sum(series.buckets), series.sent) for route, status, series in of.totals}


def test_each_shows_its_own_now_and_the_others_as_they_were_left(memory: SharedMemory) -> None:
    one, two = process(memory, 0, 3), process(memory, 1, 4)
    one.measurements.series("simple", 200).add(0.001, 10)
    two.measurements.series("simple", 200).add(0.001, 20)
    two.measurements.series("file", 404).add(70, 5)
    assert requests(one) == {("simple", 200): (1, 10)}
    assert requests(two) == {("simple", 200): (1, 20), ("file", 404): (1, 5)}
    for each in (one, two):
        each.clock.advance(EVERY)
    both = {("simple", 200): (2, 30), ("file", 404): (1, 5)}
    assert (requests(one), requests(two)) == (both, both)
    shared = {
        ("connections", ()): 7,
        ("logins", WRONG): 0,
        ("upstream_failing", (("index", "there"),)): 1,
        ("scan_age_seconds", ()): 5,
    }
    assert one.totals.figures() == {("files", ()): 7} | shared
    assert two.totals.figures() == {("files", ()): 6} | shared


def test_who_takes_the_place_of_another_goes_on_from_its_figures(memory: SharedMemory) -> None:
    one, two = process(memory, 0), process(memory, 1)
    two.measurements.series("simple", 200).add(0.001, 20)
    two.measurements.logins["wrong"] = 3
    two.clock.advance(EVERY)
    for expected in (4, 5):
        another = process(memory, 1)
        another.measurements.series("simple", 200).add(0.001, 1)
        another.measurements.logins["wrong"] = 1
        another.clock.advance(EVERY)
        for each in (one, another):
            assert requests(each) == {("simple", 200): (expected - 2, 20 + expected - 3)}
            assert each.totals.figures()["logins", WRONG] == expected


def test_what_another_version_has_left_is_no_harm() -> None:
    good: Values = {("files", ()): 7, ("logins", WRONG): 2.5}
    assert read(json.loads(json.dumps(written(good)))) == good
    assert read([["unheard of", [], 1], ["logins", [], 1], *written(good), ["files", ["more"], 1]]) == good
    assert counters(good) == {("logins", WRONG): 2.5}


def test_whoever_counts_holds_on_to_its_series(memory: SharedMemory) -> None:
    one = process(memory, 0)
    series = one.measurements.series("simple", 200)
    assert requests(one) == {("simple", 200): (0, 0)}
    series.add(0.001, 10)
    assert requests(one) == {("simple", 200): (1, 10)}


def test_more_than_there_is_room_for_is_shown_by_nobody_else(memory: SharedMemory) -> None:
    one, two = process(memory, 0), process(memory, 1)
    for number in range(2000):
        one.measurements.series(f"{number}", 200).add(1, 1)
    one.clock.advance(EVERY)
    assert requests(two) == {}
    assert len(requests(one)) == 2000
    assert os.fstat(memory.descriptor).st_size == 4096 + 2 * (1 << 16) + (1 << 20)
