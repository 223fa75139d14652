"""What is told of recalls, besides the log."""

from __future__ import annotations

import pytest_twisted

from tests.recalling.house import ACME, NOW, House
from twisted_pypi.boundaries.happenings import Happening, HappeningKind
from twisted_pypi.recalling.recaller import Recaller


@pytest_twisted.ensureDeferred
async def test_a_recall_is_told_once_and_so_is_its_end() -> None:
    house = House()
    told: list[Happening] = []
    house.recaller = Recaller(house.kept, hide_removed=lambda: False, clock=house.clock.seconds, tell=told.append)
    house.publish("1")
    await house.hold("1")
    house.upstream.say(ACME, {"status": "quarantined", "status_reason": "it steals", "files": ()})
    await house.see()
    await house.see()
    (recalled,) = told
    assert (recalled.kind, recalled.moment, recalled.reason) == (HappeningKind.RECALL, NOW, "it steals")
    assert (recalled.project, recalled.version) == (ACME, "1")
    assert [each.filename for each in recalled.files] == ["acme-1.tar.gz"]
    assert recalled.detail is not None
    assert "was quarantined there" in recalled.detail
    house.later(60)
    house.publish("1")
    await house.see()
    assert [each.kind for each in told[1:]] == [HappeningKind.RECALL_ENDED]
