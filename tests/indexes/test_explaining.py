"""Whose a project is, and how each of its files stands."""

from __future__ import annotations

from dataclasses import replace

import pytest
import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st

from tests.indexes.world import FOO, NOW, S, World, at_once
from twisted_pypi.boundaries import Recall, RunInThread
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import NoSuchProject
from twisted_pypi.indexes.explaining import Explainer
from twisted_pypi.policy.explanation import (
    ExplainedFile,
    Explanation,
    State,
    read_document,
    sentences,
    write_document,
)
from twisted_pypi.policy.releases import parse_releases
from twisted_pypi.policy.rules import Denial, Measure, Rules
from twisted_pypi.project_records import ACTIVE, ProjectRecord, Status, Whose
from twisted_pypi.sidecars import Source

DAY = 86_400


def wheel(version: str) -> str:
    return f"foo-{version}-py3-none-any.whl"


def explainer(
    world: World, *, mirrored: bool = True, merge: str | None = None, run_in_thread: RunInThread = at_once
) -> Explainer:
    return Explainer(
        world.local,
        world.owners,
        lambda name: world.records.get(name, ACTIVE),
        lambda: world.rules,
        clock=lambda: world.now,
        run_in_thread=run_in_thread,
        mirrored=world.mirrored if mirrored else None,
        merge=[ProjectName(merge)] if merge else (),
    )


def states(explanation: Explanation) -> dict[str, State]:
    return {file.version: file.state for file in explanation.files}


@pytest_twisted.ensureDeferred
async def test_every_file_of_an_upstreams_project_is_explained() -> None:
    world = World()
    world.rules = Rules(min_age=Measure("7d", 7 * DAY * S), deny=(Denial(parse_releases("foo==5"), "it phones home"),))
    old = (NOW - 30 * DAY) * S
    for version in ("1.0", "2.0", "3.0", "5.0", "6.0"):
        world.upstream.put(wheel(version), version.encode(), upload_time_ns=old)
    world.upstream.put(wheel("4.0"), b"4", upload_time_ns=(NOW - 6 * DAY) * S)
    world.upstream.put(wheel("7.0"), b"7", upload_time_ns=old, hashes={}, yanked=True)
    world.keep(wheel("2.0"))
    recall = Recall("removed", NOW * S, confirmed=True, hidden=True, reason="malware")
    world.cache.mark(world.keep(wheel("6.0")), recall)
    await world.hold(f"sub/{wheel('1.0')}", source=Source.UPSTREAM)
    # It came here in 1970, so it is old enough.
    explanation = await explainer(world).explain(FOO)
    assert (explanation.whose, explanation.index) == (Whose.UPSTREAM, world.upstream.index)
    assert states(explanation) == {
        "1.0": State.LOCAL,
        "2.0": State.CACHED,
        "3.0": State.AVAILABLE,
        "4.0": State.HELD_BACK,
        "5.0": State.DENIED,
        "6.0": State.RECALLED,
        "7.0": State.UNUSABLE,
    }
    by_version = {file.version: file for file in explanation.files}
    held_back = by_version["4.0"]
    assert (held_back.until_ns, held_back.rule) == ((NOW + DAY) * S, "min-age = 7d")
    assert by_version["7.0"].yanked == ""
    said = list(sentences(explanation))
    assert said[0] == f"foo is the upstream's, because {wheel('1.0')} was fetched from an upstream index."
    assert f"{wheel('5.0')} is held back, rule deny = foo==5, because it phones home." in said
    assert f"{wheel('7.0')} cannot be verified: the upstream index names no sha256 of it; yanked." in said
    assert list(sentences(explanation, "5"))[-1].startswith(wheel("5.0"))
    assert list(sentences(explanation, "8"))[-1] == "There is no file of foo 8."
    assert read_document(write_document(explanation)) == explanation
    assert [file.version for file in read_document(write_document(explanation, "5.0.0")).files] == ["5.0"]


@pytest_twisted.ensureDeferred
async def test_what_is_explained_is_what_is_given_out() -> None:
    world = World()
    world.rules = Rules(deny=(Denial(parse_releases("foo==1")), Denial(parse_releases("foo==4"))))
    for version in ("1.0", "2.0", "3.0", "4.0"):
        world.upstream.put(wheel(version), version.encode())
    world.keep(wheel("2.0"))
    world.keep(wheel("4.0"))
    given_out = {State.LOCAL, State.CACHED, State.AVAILABLE}
    explanation = await explainer(world).explain(FOO)
    assert [file.filename for file in explanation.files if file.state in given_out] == await world.names()


@pytest.mark.parametrize("source", [None, Source.UPLOAD])
@pytest_twisted.ensureDeferred
async def test_nobody_is_asked_about_a_project_that_is_here(source: Source | None) -> None:
    world = World()
    world.upstream.put(wheel("2.0"), b"2")
    await world.hold(wheel("1.0"), source=source)
    explanation = await explainer(world).explain(FOO)
    assert world.upstream.asked == []
    assert explanation.whose is (None if source is None else Whose.OURS)
    assert states(explanation) == {"1.0": State.LOCAL}
    first = next(sentences(explanation))
    assert first.startswith("foo is held to be ours" if source is None else "foo is ours")
    assert read_document(write_document(explanation)) == explanation


@pytest_twisted.ensureDeferred
async def test_an_outage_and_a_name_that_nobody_has() -> None:
    world = World()
    explanation = await explainer(world).explain(FOO)
    assert explanation.files == ()
    assert list(sentences(explanation))[-2:] == [
        f"Nothing of the upstream is shown: there is no project 'foo' at {world.upstream.index}.",
        "There is no file of foo.",
    ]
    world.upstream.put(wheel("1.0"), b"1")
    await explainer(world).explain(FOO)
    world.upstream.down = "no route"
    explanation = await explainer(world).explain(FOO)
    assert states(explanation) == {"1.0": State.AVAILABLE}
    assert "What the upstream has is shown as it was at 2023-11-14T22:13:20Z: no route." in list(sentences(explanation))
    assert read_document(write_document(explanation)) == explanation
    with pytest.raises(NoSuchProject):
        await explainer(world).explain(ProjectName("-"))


@pytest_twisted.ensureDeferred
async def test_a_quarantine_is_explained_ours_and_theirs() -> None:
    world = World()
    world.upstream.put(wheel("1.0"), b"1")
    await world.hold(wheel("2.0"), source=Source.UPSTREAM)
    world.upstream.say(FOO, {"status": "quarantined", "status_reason": "malware"})
    explanation = await explainer(world).explain(FOO)
    assert states(explanation) == {"1.0": State.RECALLED, "2.0": State.RECALLED}
    assert "foo is quarantined: malware." in list(sentences(explanation))
    world.upstream.asked.clear()
    world.records[FOO] = ProjectRecord(Status.QUARANTINED, "ours now")
    explanation = await explainer(world).explain(FOO)
    assert states(explanation) == {"2.0": State.DENIED}
    assert world.upstream.asked == []
    assert (explanation.status, explanation.reason) == ("quarantined", "ours now")


@pytest_twisted.ensureDeferred
async def test_a_recall_of_a_file_in_the_folders_is_explained() -> None:
    world = World()
    hidden = Recall("removed", NOW * S, confirmed=True, hidden=True, reason="malware")
    for version, recall in (("1.0", hidden), ("2.0", replace(hidden, hidden=False))):
        known = await world.hold(wheel(version), source=Source.UPSTREAM)
        await world.local.added(replace(known, recall=recall), None)
    explanation = await explainer(world, mirrored=False).explain(FOO)
    assert states(explanation) == {"1.0": State.RECALLED, "2.0": State.LOCAL}
    removed = "its index has removed it, as was first seen at 2023-11-14T22:13:20Z"
    assert explanation.files[0].because == f"is recalled: {removed}: malware"
    assert explanation.files[1].because.endswith(f"; {removed}")


@pytest_twisted.ensureDeferred
async def test_without_a_mirror_there_are_the_folders() -> None:
    world = World()
    world.rules = Rules(deny=(Denial(parse_releases("foo==1")),))
    await world.hold(wheel("1.0"), source=Source.UPSTREAM)
    await world.hold(wheel("2.0"), source=Source.UPSTREAM)
    explanation = await explainer(world, mirrored=False).explain(FOO)
    assert states(explanation) == {"1.0": State.DENIED, "2.0": State.LOCAL}
    assert world.upstream.asked == []


@pytest_twisted.ensureDeferred
async def test_a_merged_project_is_explained_with_both() -> None:
    world = World(merge=["foo"])
    world.upstream.put(wheel("2.0"), b"2")
    world.upstream.say(FOO, {"status": "quarantined"})
    await world.hold(wheel("1.0"), source=Source.UPLOAD)
    explanation = await explainer(world, merge="foo").explain(FOO)
    assert explanation.whose is Whose.OURS
    assert states(explanation) == {"1.0": State.LOCAL, "2.0": State.RECALLED}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["files", "whose", "project", "because"]), inner),
)


@given(JSON)
def test_what_is_no_explanation_is_refused(found: object) -> None:
    try:
        explanation = read_document(found)
    except ValueError:
        return
    assert isinstance(explanation, Explanation)


def test_every_state_can_be_read_again() -> None:
    files = tuple(ExplainedFile(wheel("1"), "1", state, "is so", until_ns=1_000_000 * S) for state in State)
    explanation = Explanation(FOO, None, "somebody put it there", files)
    assert read_document(write_document(explanation)) == explanation
