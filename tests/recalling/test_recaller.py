"""What becomes of files that an index takes back, and when."""

from __future__ import annotations

from dataclasses import replace

import pytest
import pytest_twisted

from tests.recalling.house import ACME, HOUR, NOW, House, logged
from twisted_pypi.boundaries import Recall
from twisted_pypi.distributions import ProjectName
from twisted_pypi.sidecars import Sidecar, Source, format_sidecar
from twisted_pypi.testing.memory_index import known_file

OTHER = ProjectName("other")
SINCE = int(NOW) * 10**9
FETCHED = "2023-11-14T22:13:20Z"


@pytest_twisted.ensureDeferred
async def test_a_quarantine_hides_at_once_and_is_taken_back() -> None:
    house = House()
    house.publish("1", "2")
    house.keep("1")
    await house.hold("2")
    house.upstream.say(ACME, {"status": "quarantined", "status_reason": "it\nsteals", "files": ()})
    expected = Recall("quarantined", SINCE, confirmed=False, hidden=True, reason="it\nsteals")
    with logged() as lines:
        await house.see()
        await house.see()
    assert house.cached("1") == (await house.known("2")).recall == expected
    assert house.changed == [ACME]
    assert (await house.index.project(ACME)).files == ()
    assert lines == [
        f"acme-{version}.tar.gz of acme, fetched from {house.upstream.index} at {FETCHED}, was quarantined there,"
        f" as was first seen at {FETCHED} (it steals); it is kept from clients, and stays on the disk"
        for version in ("1", "2")
    ]
    # What a sidecar says besides stays, and its metadata too.
    sidecar = house.sidecar("acme-2.tar.gz")
    assert sidecar is not None
    assert sidecar.source is Source.UPSTREAM
    assert set(sidecar.more) == {"upstream", "recall"}
    assert await house.index.metadata(await house.known("2")) == b"metadata"
    house.later(60)
    house.publish("1", "2")
    with logged() as lines:
        await house.see()
    assert house.cached("1") is (await house.known("2")).recall is None
    assert [line.endswith("it was quarantined there, and is not any more") for line in lines] == [True, True]
    assert await house.recaller.recalls() == []


@pytest_twisted.ensureDeferred
async def test_a_yank_is_passed_on_and_taken_back() -> None:
    house = House()
    house.publish("1", "2", "3")
    house.yank("3", reason=True)
    house.keep("1")
    house.keep("3")
    await house.hold("2")
    await house.hold("3")
    house.yank("1", reason="broken")
    house.yank("2", reason="broken")
    await house.see()
    expected = Recall("yanked", SINCE, confirmed=False, hidden=False, reason="broken")
    assert house.cached("1") == (await house.known("2")).recall == expected
    assert (await house.known("2")).yanked == "broken"
    assert [file.yanked for file in (await house.index.project(ACME)).files] == ["broken", True]
    # What was yanked when it came is no news.
    assert house.cached("3") is (await house.known("3")).recall is None
    house.later(60)
    house.publish("1", "2", "3")
    await house.see()
    assert house.cached("1") is (await house.known("2")).recall is None
    assert (await house.known("2")).yanked is None


@pytest.mark.parametrize(("more", "yanked"), [({"yanked-by": "anna"}, "broken"), ({}, None)])
@pytest_twisted.ensureDeferred
async def test_a_yank_of_ours_outlives_the_upstreams(more: dict[str, object], yanked: str | None) -> None:
    house = House()
    house.publish("1")
    known = await house.hold("1")
    house.yank("1", reason="broken")
    await house.see()
    # Somebody yanks it here, too.
    await house.kept.mark((await house.kept.of(ACME))[1][0], (await house.known("1")).recall)
    path = known.path
    sidecar = house.sidecar(path)
    assert sidecar is not None
    house.store.annotate(known, lambda _: _formatted(replace(sidecar, more={**sidecar.more, **more})))
    house.later(60)
    house.publish("1")
    await house.see()
    after = await house.known("1")
    assert (after.recall, after.yanked) == (None, yanked)


@pytest.mark.parametrize("gone", [True, False])
@pytest_twisted.ensureDeferred
async def test_what_is_removed_is_hidden_by_a_pass_an_hour_later_if_the_rules_say_so(*, gone: bool) -> None:
    house = House(hide=True)
    house.publish("1", "2")
    house.keep("1")
    await house.hold("1")
    house.publish(*([] if gone else ["2"]))
    with logged() as lines:
        await house.look()
    first = Recall("removed", SINCE, confirmed=False, hidden=False)
    assert house.cached("1") == (await house.known("1")).recall == first
    assert [line.rpartition("; ")[2] for line in lines] == [
        "it is still given out, until that is seen again an hour later"
    ] * 2
    house.later(HOUR - 1)
    await house.look()
    assert house.cached("1") == first
    house.later(1)
    # A request for the page confirms it, and hides nothing.
    await house.see()
    assert house.cached("1") == (await house.known("1")).recall == replace(first, confirmed=True)
    house.hide = False
    await house.look()
    assert house.cached("1") == replace(first, confirmed=True)
    house.hide = True
    await house.look()
    hidden = replace(first, confirmed=True, hidden=True)
    assert house.cached("1") == (await house.known("1")).recall == hidden
    house.later(1)
    house.publish("1")
    await house.see()
    assert house.cached("1") is (await house.known("1")).recall is None


@pytest_twisted.ensureDeferred
async def test_what_is_missing_in_too_many_places_at_once_is_a_glitch_and_only_reported() -> None:
    house = House(hide=True)
    versions = [str(number) for number in range(10)]
    house.publish(*versions)
    for version in versions:
        house.keep(version)
    house.publish(*versions[2:])
    for _ in range(3):
        with logged() as lines:
            await house.look()
        house.later(2 * HOUR)
        assert {house.cached(version) for version in versions} == {None}
        assert [each.filename for each in await house.recaller.recalls()] == ["acme-0.tar.gz", "acme-1.tar.gz"]
        assert all(each.doubted and not each.recall.hidden for each in await house.recaller.recalls())
        assert house.recaller.troubles()[0].startswith("2 of 10 files that are kept of upstream indexes seem")
    # Said once.
    assert lines == []
    house.publish(*versions[1:])
    await house.look()
    # What was seen in a glitch does not count as seen.
    recalled = house.cached("0")
    assert recalled is not None
    assert (recalled.confirmed, recalled.hidden) == (False, False)
    assert house.recaller.troubles() == []
    assert [each.doubted for each in await house.recaller.recalls()] == [False]


@pytest_twisted.ensureDeferred
async def test_a_newer_page_in_the_meantime_wins() -> None:
    house = House(hide=True)
    house.publish("1")
    house.keep("1")
    await house.see()
    page = await house.page()
    house.publish()
    house.later(1)
    this = house.recaller.begin()
    await this.saw(ACME, await house.page())
    house.later(1)
    house.publish("1")
    await house.see()
    await this.end()
    assert house.cached("1") is None
    # And one that comes late says nothing.
    await house.recaller.saw(ACME, None)
    recalled = house.cached("1")
    assert recalled is not None
    await house.recaller.saw(ACME, page)
    assert house.cached("1") == recalled


@pytest_twisted.ensureDeferred
async def test_a_page_from_before_a_quarantine_that_somebody_else_saw_does_not_end_it() -> None:
    house = House()
    house.publish("1")
    house.later(60)
    old = await house.page()
    house.later(60)
    kept = house.keep("1")
    recall = Recall("quarantined", SINCE + 120 * 10**9, confirmed=False, hidden=True)
    house.cache.mark(kept, recall)
    await house.recaller.saw(ACME, old)
    assert house.cached("1") == recall
    await house.see()
    assert house.cached("1") is None


@pytest_twisted.ensureDeferred
async def test_uploads_and_what_came_by_hand_are_never_recalled() -> None:
    house = House(hide=True)
    house.publish("1")
    for source, path in ((Source.UPLOAD, "acme-2.tar.gz"), (None, "acme-3.tar.gz")):
        await house.index.added(replace(known_file(path), source=source), None)
    house.upstream.say(ACME, {"status": "quarantined"})
    await house.look()
    house.later(2 * HOUR)
    await house.look()
    assert await house.recaller.recalls() == []
    assert {known.recall for known in await house.index.files_of(ACME)} == {None}


@pytest_twisted.ensureDeferred
async def test_what_cannot_be_written_down_is_logged_and_tried_again() -> None:
    house = House()
    house.publish("1")
    await house.hold("1")
    house.store.read_only = True
    house.upstream.say(ACME, {"status": "quarantined"})
    with logged() as lines:
        await house.see()
    assert ["cannot be written down here" in line for line in lines] == [True]
    house.store.read_only = False
    house.later(1)
    await house.see()
    assert [each.recall.how for each in await house.recaller.recalls()] == ["quarantined"]


@pytest_twisted.ensureDeferred
async def test_the_report_is_of_everything_and_says_when_it_was_fetched() -> None:
    house = House()
    house.publish("1", name=OTHER)
    house.publish("1", "2")
    house.keep("1")
    house.keep("2")
    house.keep("1", OTHER)
    await house.hold("2")
    house.later(60)
    house.upstream.say(ACME, {"status": "quarantined"})
    assert await house.recaller.recalls() == []
    await house.see()
    found = await house.recaller.recalls()
    assert [(each.filename, each.cached, each.fetched_ns, each.index) for each in found] == [
        ("acme-1.tar.gz", True, SINCE, house.upstream.index),
        ("acme-2.tar.gz", False, SINCE, house.upstream.index),
        ("acme-2.tar.gz", True, SINCE, house.upstream.index),
    ]
    assert all(each.needs_a_hand for each in found)


def _formatted(sidecar: Sidecar) -> bytes:
    return format_sidecar(sidecar)
