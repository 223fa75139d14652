"""The turns of the reactor, counted."""

from __future__ import annotations

from typing import Any, cast

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import Clock, deferLater

from twisted_pypi.serving.turns import Turns


@pytest_twisted.ensureDeferred
async def test_each_turn_has_a_number_of_its_own_until_the_end() -> None:
    running: Any = reactor
    turns = Turns(running)
    assert turns.number is None
    turns.startService()
    seen: list[int | None] = []
    for _ in range(5):
        seen += [turns.number, turns.number]
        await deferLater(cast("Any", running), 0, lambda: None)
    numbers = [each for each in seen if each is not None]
    assert numbers[::2] == numbers[1::2]
    assert numbers[::2] == sorted(set(numbers))
    assert len(set(numbers)) == 5
    turns.stopService()
    assert turns.number is None
    assert "doIteration" not in vars(running)


def test_turns_of_other_reactors_are_not_counted() -> None:
    turns = Turns(Clock())
    turns.startService()
    assert turns.number is None
    turns.stopService()
