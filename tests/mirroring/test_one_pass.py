"""What a pass asks for, fetches and leaves alone."""

from __future__ import annotations

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from tests.mirroring.house import DAY_NS, NOW, Heard, House, archive
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import UpstreamFailed
from twisted_pypi.mirroring.one_project import Wanted
from twisted_pypi.mirroring.outcomes import PassSummary, State
from twisted_pypi.policy.names import NamePatterns
from twisted_pypi.policy.rules import Measure, Rules
from twisted_pypi.project_records import Whose
from twisted_pypi.sidecars import Source, parse_sidecar

OLD, NEW = "acme-1.0-py3-none-any.whl", "acme-1.1-py3-none-any.whl"
ACME = ProjectName("acme")


def states(summary: PassSummary) -> dict[State, int]:
    return dict(summary.states)


def because(summary: PassSummary) -> str:
    (outcome,) = summary.notable
    return outcome.because


@pytest_twisted.ensureDeferred
async def test_a_newer_release_is_put_beside_the_one_that_is_here() -> None:
    house = House()
    await house.hold("acme-0.9-py3-none-any.whl")
    await house.hold(f"sub/folder/{OLD}")
    house.offer(OLD, NEW)
    heard = Heard()
    summary = await house.update().run(heard)
    assert states(summary) == {State.UPDATED: 1}
    (outcome,) = summary.notable
    assert (outcome.held, outcome.offered, outcome.fetched[0].where) == ("1.0", "1.1", f"sub/folder/{NEW}")
    assert (summary.fetched, summary.size, summary.broken_off) == (1, len(archive(NEW)), False)
    stored = house.store.files[f"sub/folder/{NEW}"]
    assert stored.data == archive(NEW)
    sidecar = parse_sidecar(stored.sidecar or b"")
    assert sidecar is not None
    assert (sidecar.source, sidecar.uploaded_ns, sidecar.yanked) == (Source.UPSTREAM, house.upstream.now_ns, None)
    facts = sidecar.more["upstream"]
    assert isinstance(facts, dict)
    assert facts["index"] == house.upstream.index
    known = await house.index.holding(NEW)
    assert known is not None
    assert (known.sha256, known.source, known.uploaded_ns, known.requires_python) == (
        sidecar.sha256, Source.UPSTREAM, house.upstream.now_ns, ">=3.6",
    )  # fmt: skip
    assert await house.index.metadata(known) is not None
    assert (heard.projects, heard.files, heard.size) == (1, [(NEW, len(archive(NEW)))], len(archive(NEW)))
    assert heard.outcomes == [outcome]
    assert states(await house.update().run()) == {State.CURRENT: 1}


@pytest_twisted.ensureDeferred
async def test_the_upstream_is_never_asked_for_what_is_ours() -> None:
    house = House("secret-*")
    await house.hold("secret_one-1.0-py3-none-any.whl", source=None)
    await house.hold("uploaded-1.0-py3-none-any.whl", source=Source.UPLOAD)
    await house.hold("left-1.0-py3-none-any.whl")
    for name in ("secret_one", "uploaded", "left"):
        house.offer(f"{name}-1.0-py3-none-any.whl", f"{name}-9.0-py3-none-any.whl")
    update = house.update(wanted=Wanted(ignored=NamePatterns(["Left"])))
    assert await update.by_hand() == []
    assert states(await update.run()) == {State.OURS: 2, State.IGNORED: 1}
    assert house.upstream.asked == []
    assert house.seen == []


@pytest_twisted.ensureDeferred
async def test_what_was_put_by_hand_is_compared_once() -> None:
    house = House()
    await house.hold(OLD, source=None)
    await house.hold("other-1.0.tar.gz", b"ours", source=None)
    await house.hold("unknown-1.0.tar.gz", b"ours", source=None)
    house.offer(OLD, NEW, "other-1.0.tar.gz", "other-2.0.tar.gz")
    update = house.update()
    assert await update.by_hand() == ["acme", "other", "unknown"]
    heard = Heard()
    assert states(await update.run(heard)) == {State.UPDATED: 1, State.OURS: 2}
    assert (house.whose("acme"), house.whose("other"), house.whose("unknown")) == (
        Whose.UPSTREAM, Whose.OURS, Whose.OURS,
    )  # fmt: skip
    reasons = {each.name: each.because for each in heard.outcomes}
    assert "other-1.0.tar.gz is another file here" in reasons[ProjectName("other")]
    assert "unknown-1.0.tar.gz was put here by hand" in reasons[ProjectName("unknown")]
    assert [(name, page is not None) for name, page, _ in house.seen] == [("acme", True)]
    house.upstream.asked.clear()
    assert states(await update.run()) == {State.CURRENT: 1, State.OURS: 2}
    assert house.upstream.asked == ["acme"]
    assert await update.by_hand() == []


@pytest_twisted.ensureDeferred
async def test_looking_changes_nothing() -> None:
    house = House()
    await house.hold(OLD, source=None)
    await house.hold("other-1.0.tar.gz", b"ours", source=None)
    house.offer(OLD, NEW, "other-1.0.tar.gz")
    summary = await house.update().run(fetch=False, decide=False)
    assert states(summary) == {State.WOULD_UPDATE: 1, State.OURS: 1}
    (outcome,) = summary.notable
    assert [(each.filename, each.where) for each in outcome.fetched] == [(NEW, "")]
    assert (summary.fetched, outcome.size) == (0, len(archive(NEW)))
    assert (house.upstream.fetched, house.records.records, list(house.store.files)) == (
        [],
        {},
        [OLD, "other-1.0.tar.gz"],
    )


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda house: house.offer(NEW, hashes={"sha256": "00" * 32}), "came with sha256"),
        (lambda house: house.offer(NEW, size=10), "more than the 10 bytes"),
        (lambda house: house.upstream.lengths.update({f"https://files.example.com/acme/{NEW}": 10**12}), "more than"),
        (lambda house: house.upstream.bodies.pop(f"https://files.example.com/acme/{NEW}"), "answered 404"),
        (
            lambda house: house.upstream.fetch_errors.update(
                {f"https://files.example.com/acme/{NEW}": UpstreamFailed("it broke off")}
            ),
            "it broke off",
        ),
        (lambda house: setattr(house.upstream, "down", "it is down"), "it is down"),
        (lambda house: setattr(house.store, "capacity", 10), "the disk of the index is full"),
        (lambda house: setattr(house.store, "read_only", True), "cannot be written to"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_goes_wrong_leaves_nothing_behind(break_it: object, words: str) -> None:
    assert callable(break_it)
    house = House()
    await house.hold(OLD)
    house.offer(OLD, NEW)
    break_it(house)
    summary = await house.update().run()
    assert states(summary) == {State.ERROR: 1}
    assert words in because(summary)
    assert (set(house.store.files), house.store.staged) == ({OLD}, set())


@pytest_twisted.ensureDeferred
async def test_one_project_that_fails_does_not_keep_the_others_back() -> None:
    house = House()
    for name in ("aaa", "bbb", "ccc"):
        await house.hold(f"{name}-1.0-py3-none-any.whl")
        house.offer(f"{name}-1.1-py3-none-any.whl")
    del house.upstream.pages[ProjectName("bbb")]
    summary = await house.update().run()
    assert states(summary) == {State.UPDATED: 2, State.ERROR: 1}
    assert [each.name for each in summary.notable] == ["aaa", "bbb", "ccc"]
    assert "has no project bbb any more" in summary.notable[1].because
    assert [name for name, page, _ in house.seen if page is None] == ["bbb"]


@pytest_twisted.ensureDeferred
async def test_a_page_that_could_not_be_confirmed_is_not_believed() -> None:
    house = House()
    await house.hold(OLD, source=None)
    house.offer(OLD, NEW)
    await house.upstream.page(ACME)
    house.upstream.down = "it is down"
    summary = await house.update().run()
    assert (states(summary), because(summary)) == ({State.ERROR: 1}, "it is down")
    assert (house.whose("acme"), house.seen) == (None, [])


@pytest.mark.parametrize("filename", ["secret-1.1-py3-none-any.whl", "acme-extra-1.1.tar.gz"])
@pytest_twisted.ensureDeferred
async def test_a_page_cannot_bring_in_files_of_another_project(filename: str) -> None:
    house = House()
    await house.hold("acme-1.0.tar.gz")
    house.offer("acme-1.0.tar.gz", filename)
    found = house.upstream.pages.pop(ProjectName(filename.rpartition("-1.1")[0]))
    house.upstream.say(ACME, {"files": (*house.upstream.pages[ACME].files, *found.files)})
    await house.update(wanted=Wanted(all_files=True, unstable=True)).run()
    assert set(house.store.files) == {"acme-1.0.tar.gz"}


@pytest_twisted.ensureDeferred
async def test_metadata_cannot_bring_a_file_into_another_project() -> None:
    """A scan would read this name as a file of the project that the metadata names."""
    house = House()
    await house.hold("acme-extra-1.0.tar.gz")
    house.upstream.put("acme-extra-1.1.tar.gz", archive("acme-1.1.tar.gz"))
    summary = await house.update().run()
    assert states(summary) == {State.ERROR: 1}
    assert "is of the project acme, not of acme-extra" in because(summary)
    assert list(house.store.files) == ["acme-extra-1.0.tar.gz"]


@pytest_twisted.ensureDeferred
async def test_an_upload_in_the_meantime_makes_it_ours() -> None:
    house = House()
    await house.hold(OLD)
    house.offer(NEW)
    house.upstream.by_hand = True
    running = Deferred.fromCoroutine(house.update().run())
    await house.hold("acme-3.0.tar.gz", source=Source.UPLOAD)
    house.upstream.fetches[0].send_all()
    summary = await running
    assert states(summary) == {State.ERROR: 1}
    assert "acme is not the upstream's any more" in because(summary)
    assert NEW not in house.store.files


@pytest_twisted.ensureDeferred
async def test_another_file_of_the_same_name_stays() -> None:
    house = House()
    await house.hold(OLD)
    await house.hold(f"elsewhere/{NEW}", b"other")
    house.offer(OLD, NEW)
    await house.update().run()
    assert house.store.files[f"elsewhere/{NEW}"].data == b"other"
    assert (NEW in house.store.files, house.upstream.fetched) == (False, [])


@pytest_twisted.ensureDeferred
async def test_a_rule_holds_back_until_its_time_has_come() -> None:
    house = House()
    await house.hold(OLD)
    house.offer(OLD)
    house.offer(NEW, upload_time_ns=int(NOW) * 10**9 - DAY_NS)
    rules = Rules(min_age=Measure("7d", 7 * DAY_NS))
    update = house.update(rules=lambda: rules)
    summary = await update.run()
    assert states(summary) == {State.HELD_BACK: 1}
    assert "min-age" in summary.notable[0].left[0].because
    house.clock.advance(5 * 86_400)
    assert states(await update.run()) == {State.HELD_BACK: 1}
    house.clock.advance(2 * 86_400)
    assert states(await update.run()) == {State.UPDATED: 1}


@pytest_twisted.ensureDeferred
async def test_a_change_is_seen_after_many_quiet_passes() -> None:
    house = House()
    await house.hold(OLD)
    house.offer(OLD)
    update = house.update()
    for _ in range(3):
        assert states(await update.run()) == {State.CURRENT: 1}
    house.offer(NEW)
    assert states(await update.run()) == {State.UPDATED: 1}
    assert states(await update.run()) == {State.CURRENT: 1}
    known = await house.index.holding(NEW)
    assert known is not None
    await house.index.removed(known)
    del house.store.files[NEW]
    assert states(await update.run()) == {State.UPDATED: 1}


@pytest_twisted.ensureDeferred
async def test_only_so_many_at_once() -> None:
    house = House()
    for number in range(20):
        await house.hold(f"acme{number}-1.0-py3-none-any.whl")
        house.offer(f"acme{number}-1.1-py3-none-any.whl")
    house.upstream.by_hand = True
    running = Deferred.fromCoroutine(house.update(at_once=3).run())
    for done in range(20):
        assert len(house.upstream.fetches) == min(20, done + 3)
        house.upstream.fetches[done].send_all()
    assert states(await running) == {State.UPDATED: 20}


@pytest_twisted.ensureDeferred
async def test_stopped_in_the_middle_it_leaves_nothing_and_goes_on_later() -> None:
    house = House()
    for number in range(12):
        await house.hold(f"acme{number}-1.0-py3-none-any.whl")
        house.offer(f"acme{number}-1.1-py3-none-any.whl")
    house.upstream.by_hand = True
    update = house.update()
    running = Deferred.fromCoroutine(update.run())
    house.upstream.fetches[0].send_all()
    for fetch in house.upstream.fetches[1:]:
        fetch.send(100)
    update.stop()
    summary = await running
    assert (summary.broken_off, states(summary)) == (True, {State.UPDATED: 1})
    assert all(fetch.cancelled for fetch in house.upstream.fetches[1:])
    assert (len(house.upstream.fetches), house.store.staged, len(house.store.files)) == (9, set(), 13)
    house.upstream.by_hand = False
    assert states(await update.run()) == {State.UPDATED: 11, State.CURRENT: 1}


@pytest_twisted.ensureDeferred
async def test_only_the_named_projects() -> None:
    house = House()
    for name in ("aaa", "bbb"):
        await house.hold(f"{name}-1.0-py3-none-any.whl")
        house.offer(f"{name}-1.1-py3-none-any.whl")
    assert states(await house.update().run(only=[ProjectName("bbb")])) == {State.UPDATED: 1}
    assert house.upstream.asked == ["bbb"]
