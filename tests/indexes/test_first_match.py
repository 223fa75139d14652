"""Which projects are ours, which are an upstream's, and that nothing gets from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from hashlib import sha256
from typing import Any

import pytest
import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tests.indexes.world import FOO, World
from twisted_pypi.boundaries import UpstreamPage
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import NoSuchFile, NoSuchProject, NotAllowed, TwistedPyPIError, UpstreamFailed
from twisted_pypi.project_records import Origin, ProjectRecord, Status, Whose
from twisted_pypi.sidecars import Source
from twisted_pypi.testing.memory_upstream import MemoryUpstream

Asked = Coroutine[Deferred[Any], Any, Any]

ONE, TWO, THREE = (f"foo-{version}-py3-none-any.whl" for version in ("1.0", "2.0", "3.0"))


@pytest.mark.parametrize("source", [None, Source.UPLOAD])
@pytest_twisted.ensureDeferred
async def test_a_project_that_is_here_is_never_asked_for_outside(source: Source | None) -> None:
    world = World()
    await world.hold(ONE, source=source)
    world.upstream.put(TWO, b"two")
    assert await world.names() == [ONE]
    with pytest.raises(NoSuchProject):
        await world.index.offered(FOO, TWO)
    assert world.upstream.asked == []


@pytest_twisted.ensureDeferred
async def test_a_private_name_is_never_asked_for_outside() -> None:
    world = World(private=["foo*"])
    world.upstream.put(TWO, b"two")
    with pytest.raises(NoSuchProject):
        await world.index.project(FOO)
    with pytest.raises(NoSuchProject):
        await world.index.offered(FOO, TWO)
    assert world.upstream.asked == []


@pytest.mark.parametrize("name", ["-", "..", "a/b", "", "f\N{LATIN SMALL LETTER O WITH DIAERESIS}"])
@pytest_twisted.ensureDeferred
async def test_what_is_no_name_of_a_project_goes_nowhere(name: str) -> None:
    world = World()
    with pytest.raises(NoSuchProject):
        await world.index.project(ProjectName(name))
    with pytest.raises(NoSuchProject):
        await world.index.offered(ProjectName(name), TWO)
    assert world.upstream.asked == []


@pytest_twisted.ensureDeferred
async def test_a_project_that_is_not_here_is_the_upstreams() -> None:
    world = World()
    world.upstream.put(TWO, b"two")
    assert await world.names() == [TWO]
    assert (await world.index.offered(FOO, TWO)).file.url.endswith(f"/foo/{TWO}")
    with pytest.raises(NoSuchProject):
        await world.index.project(ProjectName("bar"))


@pytest_twisted.ensureDeferred
async def test_files_of_the_upstreams_that_are_held_are_served_from_the_folders() -> None:
    world = World()
    listed = world.upstream.put(TWO, b"two", yanked="broken", provenance="https://index.example.com/p")
    world.upstream.put(THREE, b"three")
    await world.hold(f"sub/{TWO}", source=Source.UPSTREAM, sha256=listed.hashes["sha256"])
    await world.hold(ONE, source=Source.UPSTREAM)
    page = await world.index.project(FOO)
    one, two, three = page.files
    assert page.versions == ("1.0", "2.0", "3.0")
    assert (one.filename, one.url) == (ONE, f"../../packages/{ONE}")
    assert (two.url, two.yanked, two.provenance) == (
        f"../../packages/sub/{TWO}",
        "broken",
        "https://index.example.com/p",
    )
    assert three.url == f"../../files/foo/{THREE}"
    # Addresses of the upstream's page stay good once a file was fetched into a folder.
    asked = len(world.upstream.asked)
    for name, path in ((ONE, ONE), (TWO, f"sub/{TWO}")):
        held = await world.index.held(FOO, name)
        assert held is not None
        assert held.known.path == path
    assert len(world.upstream.asked) == asked
    assert await world.index.held(FOO, THREE) is None
    assert (await world.index.offered(FOO, TWO)).file == listed


@pytest_twisted.ensureDeferred
async def test_a_file_of_the_folders_is_not_replaced_by_the_upstreams() -> None:
    world = World()
    world.upstream.put(TWO, b"two")
    held = await world.hold(TWO, source=Source.UPSTREAM)
    (file,) = (await world.index.project(FOO)).files
    assert (file.url, file.hashes) == (f"../../packages/{TWO}", {"sha256": held.sha256})
    with pytest.raises(NoSuchFile):
        await world.index.offered(FOO, TWO)


@pytest.mark.parametrize("error", ["down", "gone"])
@pytest_twisted.ensureDeferred
async def test_held_files_are_shown_when_the_upstream_has_nothing_to_say(error: str) -> None:
    world = World()
    await world.hold(ONE, source=Source.UPSTREAM)
    world.upstream.down = "no route" if error == "down" else None
    assert await world.names() == [ONE]
    world = World()
    world.upstream.down = "no route" if error == "down" else None
    with pytest.raises(UpstreamFailed if error == "down" else NoSuchProject):
        await world.names()


@pytest_twisted.ensureDeferred
async def test_a_quarantine_upstream_hides_held_files_as_well() -> None:
    world = World()
    world.upstream.put(TWO, b"two")
    world.upstream.say(FOO, {"status": "quarantined"})
    await world.hold(ONE, source=Source.UPSTREAM)
    page = await world.index.project(FOO)
    assert (page.files, page.versions, page.status) == ((), (), "quarantined")


@pytest_twisted.ensureDeferred
async def test_a_quarantine_upstream_leaves_what_is_ours_of_a_merged_project() -> None:
    world = World(merge=["foo"])
    world.upstream.put(TWO, b"two")
    world.upstream.say(FOO, {"status": "quarantined"})
    await world.hold(ONE, source=Source.UPLOAD)
    page = await world.index.project(FOO)
    assert ([file.filename for file in page.files], page.status) == ([ONE], None)


@pytest_twisted.ensureDeferred
async def test_a_quarantine_of_ours_holds_for_the_upstreams_projects() -> None:
    world = World()
    world.upstream.put(TWO, b"two")
    world.records[FOO] = ProjectRecord(Status.QUARANTINED, "malware")
    page = await world.index.project(FOO)
    assert (page.files, page.status, page.status_reason) == ((), "quarantined", "malware")
    with pytest.raises(NotAllowed, match="quarantined: malware"):
        await world.index.offered(FOO, TWO)
    assert world.upstream.asked == []
    world.records[FOO] = ProjectRecord(Status.DEPRECATED, "use bar")
    page = await world.index.project(FOO)
    assert ([file.filename for file in page.files], page.status, page.status_reason) == (
        [TWO],
        "deprecated",
        "use bar",
    )


@pytest_twisted.ensureDeferred
async def test_a_merged_project_has_both_and_ours_wins() -> None:
    world = World(merge=["foo"])
    world.upstream.put(TWO, b"two")
    world.upstream.put(THREE, b"three")
    ours = await world.hold(TWO, source=Source.UPLOAD)
    await world.hold(ONE, source=Source.UPLOAD)
    page = await world.index.project(FOO)
    assert [(file.filename, file.url.split("/")[2]) for file in page.files] == [
        (ONE, "packages"),
        (TWO, "packages"),
        (THREE, "files"),
    ]
    assert page.files[1].hashes == {"sha256": ours.sha256}
    assert (await world.index.offered(FOO, THREE)).file.filename == THREE
    with pytest.raises(NoSuchFile):
        await world.index.offered(FOO, TWO)
    with pytest.raises(NoSuchFile):
        await world.index.offered(FOO, ONE)


@pytest_twisted.ensureDeferred
async def test_all_projects_are_those_here_and_those_of_which_something_is_kept() -> None:
    world = World()
    await world.hold("acme-1.0.tar.gz")
    assert (await world.index.projects()).names == ("acme",)
    world.upstream.put(TWO, b"two")
    world.keep(TWO)
    assert (await world.index.projects()).names == ("acme", "foo")


class SlowUpstream(MemoryUpstream):
    """Answers when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Deferred[None]] = []

    async def page(self, name: ProjectName, *, confirm: bool = False) -> UpstreamPage:
        found = await super().page(name, confirm=confirm)
        self.waiting.append(Deferred())
        await self.waiting[-1]
        return found


@pytest.mark.parametrize(
    "ask", [lambda world: world.index.project(FOO), lambda world: world.index.offered(FOO, TWO)], ids=["page", "file"]
)
@pytest_twisted.ensureDeferred
async def test_a_project_that_becomes_ours_while_the_upstream_is_asked_is_ours(
    ask: Callable[[World], Asked],
) -> None:
    world = World()
    slow = SlowUpstream()
    slow.put(TWO, b"two")
    world.mirrored._upstream = slow  # noqa: SLF001  # the world makes a quick one
    coming: Deferred[Any] = Deferred.fromCoroutine(ask(world))
    await world.hold(ONE, source=Source.UPLOAD)
    slow.waiting[0].callback(None)
    found: Any = await coming.addErrback(lambda failure: failure.value)
    if isinstance(found, NoSuchProject):
        return
    assert [file.filename for file in found.files] == [ONE]


def result(coming: Asked) -> Any:
    """What comes at once, an error among it."""
    results: list[Any] = []
    Deferred.fromCoroutine(coming).addBoth(results.append)
    (found,) = results
    return found.value if isinstance(found, Failure) else found


NAMES = ("acme", "acme-tools", "foo")
FILES = [f"{name.replace('-', '_')}-{version}.tar.gz" for name in NAMES for version in ("1.0", "2.0", "9.9")]


@st.composite
def origins(draw: st.DrawFn) -> Origin:
    matched = draw(st.sets(st.sampled_from(FILES)))
    digests = {name: sha256(name.encode()).hexdigest() for name in matched}
    return Origin(draw(st.sampled_from(Whose)), "it was decided", 0, digests)


@given(
    held=st.dictionaries(st.sampled_from(FILES), st.sampled_from([None, *Source])),
    records=st.dictionaries(st.sampled_from(NAMES), origins()),
    published=st.sets(st.sampled_from(FILES)),
    kept=st.sets(st.sampled_from(FILES)),
    same=st.sets(st.sampled_from(FILES)),
    merge=st.sets(st.sampled_from(NAMES)),
    private=st.sampled_from([(), ("acme",), ("acme*",)]),
    down=st.booleans(),
)
def test_nothing_of_a_strangers_gets_into_a_project_of_ours(
    held: dict[str, Source | None],
    records: dict[str, Origin],
    published: set[str],
    kept: set[str],
    same: set[str],
    merge: set[str],
    private: tuple[str, ...],
    down: bool,
) -> None:
    world = World(merge=merge, private=private)
    for each in published | kept:
        # The bytes of a file of ours are its name.
        world.upstream.put(each, each.encode() if each in same else b"of a stranger's")
    for each in kept:
        project = ProjectName("-".join(each.split("-")[0].split("_")))
        world.keep(each, project=project)
        if each not in published:
            world.withdraw(each, project=project)
    for each, source in held.items():
        result(world.hold(each, source=source))
    for name, origin in records.items():
        world.records[ProjectName(name)] = ProjectRecord(origin=origin)
    world.upstream.down = "no route" if down else None
    for each in map(ProjectName, NAMES):
        decision = result(world.owners.owner(each))
        page = result(world.index.project(each))
        offers = [result(ask(each, name)) for name in FILES for ask in (world.index.offered, world.index.held)]
        if decision.whose is Whose.UPSTREAM or each in merge:
            continue
        assert each not in world.upstream.asked
        assert all(isinstance(offer, NoSuchProject) for offer in offers)
        if isinstance(page, TwistedPyPIError):
            assert isinstance(page, NoSuchProject)
            assert not [name for name in held if name.startswith(f"{each.replace('-', '_')}-")]
            continue
        for file in page.files:
            assert file.filename in held
            assert file.url == f"../../packages/{file.filename}"
            assert file.hashes["sha256"] == sha256(file.filename.encode()).hexdigest()
