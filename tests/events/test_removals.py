"""Files that are gone: who tells of them, once."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.boundaries.happenings import HappenedTo, Happening, HappeningKind
from twisted_pypi.catalog import Gone
from twisted_pypi.distributions import ProjectName, normalize, parse_filename
from twisted_pypi.errors import NoSuchProject
from twisted_pypi.events import Happenings
from twisted_pypi.events.removals import DELAY, FOUND_GONE, Removals

ACME = normalize("acme")
ONE, TWO = "acme-1.0.tar.gz", "acme-1.0-py3-none-any.whl"


def gone(filename: str) -> Gone:
    return Gone(ACME, "1.0", filename, "ab" * 32)


class House:
    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.here: list[str] = []
        self.answer: Deferred[None] | None = None
        self.told: list[Happening] = []
        self.happenings = Happenings()
        self.happenings.subscribe(self.told.append)
        self.removals = Removals(self.happenings, self.files_of, self.clock)
        self.removals.startService()

    async def files_of(self, name: ProjectName) -> list[KnownFile]:
        if self.answer is not None:
            await self.answer
        if not self.here:
            raise NoSuchProject(f"there is no {name}")
        return [KnownFile(0, each, parse_filename(each), 1, 1, 1, "ab" * 32, 1) for each in self.here]

    def removed_by_request(self, filename: str) -> None:
        files = (HappenedTo(filename),)
        self.happenings.tell(
            Happening(kind=HappeningKind.REMOVAL, moment=self.clock.seconds(), files=files, user="ada")
        )

    @property
    def found_gone(self) -> list[Happening]:
        return [each for each in self.told if each.detail == FOUND_GONE]


def test_a_release_that_is_gone_is_one_happening_at_the_moment_of_the_notice() -> None:
    house = House()
    house.removals.noticed([gone(ONE)])
    house.clock.advance(1)
    house.removals.noticed([gone(TWO)])
    assert house.told == []
    house.clock.advance(DELAY)
    (told,) = house.told
    assert (told.kind, told.moment, told.project, told.version) == (HappeningKind.REMOVAL, 1000.0, ACME, "1.0")
    assert told.files == (HappenedTo(ONE, "ab" * 32), HappenedTo(TWO, "ab" * 32))
    assert (told.user, told.detail) == (None, FOUND_GONE)


def test_what_was_moved_or_replaced_is_not_gone() -> None:
    house = House()
    house.removals.noticed([gone(ONE), gone(TWO)])
    house.here = [ONE]
    house.clock.advance(DELAY)
    assert [each.files[0].filename for each in house.told] == [TWO]


@pytest.mark.parametrize("first", ["request", "notice"])
@pytest.mark.parametrize("before", [0.0, DELAY - 0.001])
def test_what_a_request_removed_is_told_once(first: str, before: float) -> None:
    house = House()
    house.removed_by_request("other-1.0.tar.gz")
    house.clock.advance(before)
    if first == "request":
        house.removed_by_request(ONE)
        house.clock.advance(0.002)
        house.removals.noticed([gone(ONE)])
    else:
        house.removals.noticed([gone(ONE)])
        house.removed_by_request(ONE)
    house.clock.advance(DELAY)
    assert house.found_gone == []
    house.happenings.tell(Happening(kind=HappeningKind.UPLOAD, moment=0, files=(HappenedTo(ONE),)))
    house.removals.noticed([gone(ONE)])
    house.clock.advance(DELAY)
    assert len(house.found_gone) == 1, "it was back, and went again"


def test_what_is_noticed_while_somebody_looks_is_told_later() -> None:
    house = House()
    house.answer = Deferred()
    house.removals.noticed([gone(ONE)])
    house.clock.advance(DELAY)
    house.removals.noticed([gone(TWO)])
    house.answer.callback(None)
    house.answer = None
    assert [each.files[0].filename for each in house.told] == [ONE]
    house.clock.advance(DELAY)
    assert [each.files[0].filename for each in house.told] == [ONE, TWO]


def test_nothing_is_left_at_the_end() -> None:
    house = House()
    house.removals.noticed([gone(ONE)])
    stopped: Any = house.removals.stopService()
    assert stopped is None
    assert len(house.told) == 1
    house.removals.noticed([gone(TWO)])
    assert len(house.told) == 2
    assert house.clock.getDelayedCalls() == []
