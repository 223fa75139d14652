"""What is shown and offered of an upstream's projects."""

from dataclasses import replace
from hashlib import sha256
from typing import Any, cast

import pytest
import pytest_twisted
from twisted.logger import ILogObserver, Logger

from tests.indexes.world import FOO, NOW, S, World, at_once
from twisted_pypi.boundaries import Recall
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import HeldBack, NoSuchFile, NoSuchProject, Recalled, UpstreamFailed
from twisted_pypi.indexes.mirrored import LONG, REMIND, RETRY, Mirrored
from twisted_pypi.indexes.standing import Bar
from twisted_pypi.policy.releases import parse_releases
from twisted_pypi.policy.rules import Denial, Exemption, Measure, Rules

ONE, TWO, TEN = (f"foo-{version}-py3-none-any.whl" for version in ("1.0", "2.0", "10.0"))
DAY = 86_400
WEEK = Measure("7d", 7 * DAY * S)
HIDDEN = Recall("removed", (NOW - DAY) * S, confirmed=True, hidden=True, reason="malware")


@pytest.fixture
def world() -> World:
    return World()


async def names(mirrored: Mirrored) -> list[str]:
    return [file.filename for file in (await mirrored.project(FOO)).files]


@pytest_twisted.ensureDeferred
async def test_a_page_is_the_upstreams_with_addresses_of_ours(world: World) -> None:
    file = world.upstream.put(
        TWO,
        b"two",
        metadata=b"m",
        yanked="broken",
        requires_python=">=3.9",
        gpg_sig=True,
        provenance="https://index.example.com/integrity",
    )
    world.upstream.put("foo-1.0+local.tar.gz", b"one")
    world.upstream.put("foo-10.0.zip", b"ten", core_metadata=True)
    world.upstream.say(FOO, {"status": "deprecated", "status_reason": "see bar", "meta": {"_last-serial": "1"}})
    page = await world.mirrored.project(FOO)
    assert [each.filename for each in page.files] == ["foo-1.0+local.tar.gz", TWO, "foo-10.0.zip"]
    assert page.versions == ("1.0+local", "2.0", "10.0")
    assert (page.name, page.status, page.status_reason, page.meta) == (FOO, "deprecated", "see bar", {})
    one, two, ten = page.files
    assert two == replace(file, url=f"../../files/foo/{TWO}", gpg_sig=None)
    assert two.core_metadata == {"sha256": sha256(b"m").hexdigest()}
    assert one.url == "../../files/foo/foo-1.0%2Blocal.tar.gz"
    assert ten.core_metadata is None


@pytest.mark.parametrize(
    ("filename", "facts", "because"),
    [
        (ONE, {"hashes": {}}, "sha256"),
        (ONE, {"hashes": {"md5": "0" * 32}}, "sha256"),
        ("bar-1.0-py3-none-any.whl", {}, "a file of bar"),
        ("bar-1.0.tar.gz", {}, "project name"),
        ("foo.html", {}, "does not end like a package"),
        ("foo-1.0/../x.whl", {}, "one plain name"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_cannot_be_verified_or_is_not_its_own_is_not_offered(
    world: World, filename: str, facts: dict[str, Any], because: str
) -> None:
    file = world.upstream.put(TWO, b"two")
    strange = replace(file, filename=filename, **facts)
    world.upstream.say(FOO, {"files": (strange, file)})
    assert await names(world.mirrored) == [TWO]
    refusals = {each.file.filename: each.refusal for each in (await world.mirrored.look(FOO)).standings}
    refusal = refusals[filename]
    assert refusal is not None
    assert because in refusal.sentence
    with pytest.raises(NoSuchFile):
        await world.mirrored.offered(FOO, filename)


@pytest_twisted.ensureDeferred
async def test_rules_leave_a_page_with_what_remains(world: World) -> None:
    world.upstream.put(ONE, b"one", upload_time_ns=(NOW - 8 * DAY) * S)
    world.upstream.put(TWO, b"two", upload_time_ns=(NOW - 6 * DAY) * S)
    world.upstream.put(TEN, b"ten", upload_time_ns=None)
    world.upstream.fresh_ns = 30 * DAY * S
    world.rules = Rules(min_age=WEEK)
    page = await world.mirrored.project(FOO)
    assert ([file.filename for file in page.files], page.versions) == ([ONE], ("1.0",))
    # The page is another when the second is old enough.
    assert world.ends == {FOO: (NOW + DAY) * S}
    with pytest.raises(HeldBack, match=rf"^{TWO} is held back until 2023-.*, rule min-age = 7d$"):
        await world.mirrored.offered(FOO, TWO)
    world.now += DAY
    assert await names(world.mirrored) == [ONE, TWO]
    assert (await world.mirrored.offered(FOO, TWO)).file.filename == TWO
    world.rules = Rules(deny=(Denial(parse_releases("foo")),))
    page = await world.mirrored.project(FOO)
    assert (page.files, page.versions) == ((), ())
    with pytest.raises(HeldBack, match="rule deny = foo"):
        await world.mirrored.offered(FOO, ONE)


@pytest_twisted.ensureDeferred
async def test_what_a_page_leaves_out_is_counted_for_whoever_wants_to_know(world: World) -> None:
    world.upstream.put(ONE, b"one", upload_time_ns=(NOW - 8 * DAY) * S)
    world.upstream.put(TWO, b"two", upload_time_ns=(NOW - 6 * DAY) * S)
    world.rules = Rules(min_age=WEEK)
    await world.mirrored.project(FOO)
    assert world.mirrored.kept_back is None
    world.mirrored.kept_back = {}
    await world.mirrored.project(FOO)
    assert world.mirrored.kept_back == {FOO: {Bar.HELD_BACK: 1}}
    world.rules = Rules()
    await world.mirrored.project(FOO)
    assert world.mirrored.kept_back == {}


@pytest_twisted.ensureDeferred
async def test_an_exception_to_a_rule_ends_the_page_when_it_ends(world: World) -> None:
    world.upstream.put(TWO, b"two", upload_time_ns=(NOW - DAY) * S)
    world.upstream.fresh_ns = 30 * DAY * S
    world.rules = Rules(min_age=WEEK, allow=(Exemption(parse_releases("foo==2.0"), (NOW + 60) * S),))
    assert await names(world.mirrored) == [TWO]
    assert world.ends == {FOO: (NOW + 60) * S}
    world.now += 60
    assert await names(world.mirrored) == []


@pytest_twisted.ensureDeferred
async def test_a_page_holds_as_long_as_the_upstream_says(world: World) -> None:
    world.upstream.put(ONE, b"one")
    world.upstream.fresh_ns = 600 * S
    await world.mirrored.project(FOO)
    assert world.ends == {FOO: world.upstream.now_ns + 600 * S}


@pytest_twisted.ensureDeferred
async def test_a_project_that_was_quarantined_offers_nothing_until_it_is_not(world: World) -> None:
    world.upstream.put(ONE, b"one")
    world.upstream.put(TWO, b"two")
    world.keep(ONE)
    world.upstream.say(FOO, {"status": "quarantined", "status_reason": "malware"})
    page = await world.mirrored.project(FOO)
    assert (page.files, page.versions, page.status, page.status_reason) == ((), (), "quarantined", "malware")
    for name in (ONE, TWO):
        with pytest.raises(Recalled, match="quarantined the project: malware"):
            await world.mirrored.offered(FOO, name)
    world.upstream.say(FOO, {"status": None, "status_reason": None})
    assert await names(world.mirrored) == [ONE, TWO]
    assert (await world.mirrored.offered(FOO, ONE)).cached is not None


@pytest.mark.parametrize("listed", [True, False])
@pytest_twisted.ensureDeferred
async def test_what_was_recalled_is_hidden(world: World, *, listed: bool) -> None:
    world.upstream.put(ONE, b"one")
    world.upstream.put(TWO, b"two")
    kept = world.keep(ONE)
    if not listed:
        world.withdraw(ONE)
    world.cache.mark(kept, HIDDEN)
    assert await names(world.mirrored) == [TWO]
    with pytest.raises(Recalled, match=r"has removed it, as was first seen at 2023-.*: malware"):
        await world.mirrored.offered(FOO, ONE)
    world.cache.mark(kept, replace(HIDDEN, hidden=False))
    assert await names(world.mirrored) == [ONE, TWO]
    assert (await world.mirrored.offered(FOO, ONE)).file.filename == ONE


@pytest_twisted.ensureDeferred
async def test_a_recalled_yank_is_passed_on_when_the_page_is_gone(world: World) -> None:
    world.upstream.put(ONE, b"one")
    world.cache.mark(world.keep(ONE), Recall("yanked", NOW * S, confirmed=True, hidden=False, reason="broken"))
    world.upstream.down = "no route"
    (file,) = (await world.mirrored.project(FOO)).files
    assert file.yanked == "broken"


@pytest_twisted.ensureDeferred
async def test_what_is_kept_stays_listed_and_offered_when_the_upstream_drops_it(world: World) -> None:
    world.upstream.put(ONE, b"one")
    world.upstream.put(TWO, b"two")
    kept = world.keep(ONE)
    world.withdraw(ONE)
    assert await names(world.mirrored) == [ONE, TWO]
    offered = await world.mirrored.offered(FOO, ONE)
    assert (offered.cached, offered.index, offered.file.url) == (kept, kept.index, kept.facts.url)
    del world.upstream.pages[FOO]
    page = await world.mirrored.project(FOO)
    assert ([file.filename for file in page.files], page.meta) == ([ONE], {})
    assert world.ends[FOO] == (NOW + RETRY) * S


@pytest_twisted.ensureDeferred
async def test_other_bytes_under_a_name_that_is_kept_do_not_replace_them(world: World) -> None:
    world.upstream.put(ONE, b"one")
    kept = world.keep(ONE)
    world.upstream.put(ONE, b"another", yanked="replaced")
    (file,) = (await world.mirrored.project(FOO)).files
    assert (file.hashes, file.size, file.yanked) == ({"sha256": kept.sha256}, 3, "replaced")
    offered = await world.mirrored.offered(FOO, ONE)
    assert (offered.cached, offered.file.hashes) == (kept, {"sha256": kept.sha256})


@pytest_twisted.ensureDeferred
async def test_a_file_that_is_kept_is_offered_without_asking_anybody(world: World) -> None:
    world.upstream.put(ONE, b"one")
    kept = world.keep(ONE)
    assert (await world.mirrored.offered(FOO, ONE)).cached == kept
    assert world.upstream.asked == []
    world.rules = Rules(deny=(Denial(parse_releases("foo==1")),))
    with pytest.raises(HeldBack):
        await world.mirrored.offered(FOO, ONE)


@pytest_twisted.ensureDeferred
async def test_a_page_promises_the_metadata_that_the_address_of_a_kept_file_has(world: World) -> None:
    world.upstream.put(ONE, b"one")
    world.upstream.put(TWO, b"two", metadata=b"m")
    world.keep(ONE)
    world.keep(TWO)
    # It was added later, as the public index did for old files.
    world.upstream.put(ONE, b"one", metadata=b"m")
    promised = {file.filename: file.core_metadata for file in (await world.mirrored.project(FOO)).files}
    assert promised == {ONE: None, TWO: {"sha256": sha256(b"m").hexdigest()}}
    for name, metadata in promised.items():
        assert (await world.mirrored.offered(FOO, name)).file.core_metadata == metadata


@pytest_twisted.ensureDeferred
async def test_a_file_is_offered_by_its_name_alone(world: World) -> None:
    file = world.upstream.put(ONE, b"one")
    offered = await world.mirrored.offered(FOO, ONE)
    assert (offered.project, offered.file, offered.index, offered.cached) == (FOO, file, world.upstream.index, None)
    for name in (TWO, "../foo-1.0.tar.gz", ".foo-1.0.tar.gz", ""):
        with pytest.raises(NoSuchFile):
            await world.mirrored.offered(FOO, name)
    with pytest.raises(NoSuchProject):
        await world.mirrored.offered(ProjectName("bar"), "bar-1.0.tar.gz")


@pytest_twisted.ensureDeferred
async def test_an_outage_shows_since_when_and_says_so_once(world: World) -> None:
    said: list[dict[str, Any]] = []
    world.mirrored.log = Logger(observer=cast("ILogObserver", said.append))
    world.upstream.put(ONE, b"one")
    await world.mirrored.project(FOO)
    world.upstream.down = "no route to index.example.com"
    world.now += 100
    for _ in range(3):
        page = await world.mirrored.project(FOO)
        assert [file.filename for file in page.files] == [ONE]
        assert page.meta == {"_stale-since": "2023-11-14T22:13:20.000000Z"}
    assert world.ends[FOO] == (NOW + 100 + RETRY) * S
    assert len(said) == 1
    assert "no route" in said[0]["because"]
    world.now += REMIND
    await world.mirrored.project(FOO)
    assert len(said) == 2
    world.upstream.down = None
    assert (await world.mirrored.project(FOO)).meta == {}
    assert len(said) == 2


@pytest_twisted.ensureDeferred
async def test_that_nobody_is_asked_on_purpose_is_no_news() -> None:
    world = World(offline=True)
    said: list[dict[str, Any]] = []
    world.mirrored.log = Logger(observer=cast("ILogObserver", said.append))
    world.upstream.put(ONE, b"one")
    world.keep(ONE)
    world.upstream.down = "offline"
    assert "_stale-since" in (await world.mirrored.project(FOO)).meta
    assert said == []


@pytest_twisted.ensureDeferred
async def test_an_outage_with_no_page_leaves_the_files_that_are_kept(world: World) -> None:
    world.upstream.put(ONE, b"one", requires_python=">=3.9")
    world.upstream.put(TWO, b"two")
    world.keep(ONE)
    world.upstream.down = "no route"
    page = await world.mirrored.project(FOO)
    assert [(file.filename, file.requires_python) for file in page.files] == [(ONE, ">=3.9")]
    assert page.meta == {"_stale-since": "2023-11-14T22:13:20.000000Z"}
    with pytest.raises(UpstreamFailed):
        await world.mirrored.offered(FOO, TWO)
    with pytest.raises(UpstreamFailed):
        await world.mirrored.project(ProjectName("bar"))


@pytest_twisted.ensureDeferred
async def test_metadata_that_is_kept_is_no_file_of_a_page(world: World) -> None:
    file = world.upstream.put(ONE, b"one", metadata=b"m")
    world.keep(ONE)
    world.cache.put(FOO, file, data=b"m", suffix=".metadata")
    assert await names(world.mirrored) == [ONE]
    assert (await world.mirrored.projects()).names == (FOO,)


@pytest_twisted.ensureDeferred
async def test_a_long_page_is_judged_alike(world: World) -> None:
    for number in range(LONG + 1):
        world.upstream.put(f"foo-{number}.0.tar.gz", b"x", upload_time_ns=(NOW - number * DAY) * S)
    world.rules = Rules(min_age=WEEK)
    world.upstream.fresh_ns = 30 * DAY * S
    assert len(await names(world.mirrored)) == LONG + 1 - 7
    assert world.ends[FOO] == (NOW + DAY) * S


@pytest_twisted.ensureDeferred
async def test_what_the_upstream_said_is_told_and_what_it_could_not_say_is_not(world: World) -> None:
    seen: list[tuple[str, bool]] = []
    mirrored = Mirrored(
        world.upstream,
        world.cache,
        Rules,
        clock=lambda: world.now,
        run_in_thread=at_once,
        expect_end=world.ends.__setitem__,
        saw=lambda name, page: seen.append((name, page is not None)),
    )
    world.upstream.put(ONE, b"one")
    world.upstream.put(TWO, b"two")
    await mirrored.project(FOO)
    await mirrored.offered(FOO, TWO)
    world.keep(ONE)
    world.upstream.down = "no route"
    await mirrored.project(FOO)
    assert seen == [("foo", True), ("foo", True)]
    world.upstream.down = None
    del world.upstream.pages[FOO]
    await mirrored.project(FOO)
    assert seen[2:] == [("foo", False)]
