import json
import xmlrpc.client
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import BadForm, NoSuchFile, NoSuchProject, TooLarge, Unreadable
from twisted_pypi.testing.memory_index import MemoryIndex
from twisted_pypi.web import legacy
from twisted_pypi.web.legacy import LONGEST_CALL, MOST_HITS, MOST_SUMMARIES, LegacyJson, Search
from twisted_pypi.web.replies import Reply

P = ParamSpec("P")
T = TypeVar("T")
BASE = "https://pypi.example.com/team"


async def at_once(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    return function(*args, **kwargs)


def metadata(name: str, version: str, summary: str = "") -> bytes:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {summary}\n".encode()


async def document(index: MemoryIndex, name: str, version: str | None = None) -> dict[str, Any]:
    reply = await LegacyJson(index, at_once).project(name, version, BASE)
    assert (reply.status, dict(reply.headers)[b"Content-Type"]) == (200, b"application/json")
    assert isinstance(reply.body, bytes)
    read = json.loads(reply.body)
    assert isinstance(read, dict)
    return read


@pytest.fixture
def index() -> MemoryIndex:
    index = MemoryIndex()
    index.put("foo_bar-1.0.tar.gz", metadata("Foo.Bar", "1.0", "The first"))
    index.put("sub/foo_bar-2.0-py3-none-any.whl", metadata("Foo.Bar", "2.0", "The second"), size=7)
    index.put("foo-bar-2.0.tar.gz", metadata("Foo.Bar", "2.0", "Of the sdist"))  # first by name, but wheels tell more
    index.put("foo_bar-3.0a1.tar.gz", metadata("Foo.Bar", "3.0a1", "The third"))
    index.put("other-1.0.tar.gz", metadata("Other", "1.0", "Something ELSE & more"))
    return index


@pytest.mark.parametrize("spelling", ["foo-bar", "Foo.Bar", "foo_bar"])
@pytest_twisted.ensureDeferred
async def test_the_newest_stable_release_speaks_for_the_project(index: MemoryIndex, spelling: str) -> None:
    read = await document(index, spelling)
    assert (read["info"]["name"], read["info"]["version"]) == ("Foo.Bar", "2.0")
    assert read["info"]["summary"] == "The second"
    assert read["info"]["package_url"] == f"{BASE}/simple/foo-bar/"
    assert list(read["releases"]) == ["1.0", "2.0", "3.0a1"]
    assert [each["url"] for each in read["urls"]] == [
        f"{BASE}/packages/foo-bar-2.0.tar.gz",
        f"{BASE}/packages/sub/foo_bar-2.0-py3-none-any.whl",
    ]
    assert read["urls"][1]["size"] == 7


@pytest.mark.parametrize(
    ("version", "found"),
    [("1.0", "1.0"), ("1", "1.0"), ("2.0.0", "2.0"), ("nonsense", None), ("v3.0-alpha1", "3.0a1"), ("4.0", None)],
)
@pytest_twisted.ensureDeferred
async def test_one_version_is_found_in_any_spelling(index: MemoryIndex, version: str, found: str | None) -> None:
    if found is None:
        with pytest.raises(NoSuchFile, match=r"no version .* the newest is 2\.0"):
            await document(index, "foo-bar", version)
    else:
        read = await document(index, "foo-bar", version)
        assert read["info"]["version"] == found
        assert "releases" not in read


@pytest_twisted.ensureDeferred
async def test_a_release_without_readable_metadata_lets_an_older_one_speak(index: MemoryIndex) -> None:
    index.put("foo_bar-5.0.tar.gz")
    index.put("foo_bar-4.0.tar.gz", b"no metadata at all")
    assert (await document(index, "foo-bar"))["info"]["version"] == "2.0"
    # ... but a version that was asked for speaks for itself.
    info = (await document(index, "foo-bar", "5.0"))["info"]
    assert (info["name"], info["version"], info["summary"]) == ("foo-bar", "5.0", None)


@pytest_twisted.ensureDeferred
async def test_without_any_metadata_the_newest_stable_release_speaks() -> None:
    index = MemoryIndex()
    for number in range(50):
        index.put(f"x-{number}.0.tar.gz", b"broken")
    assert (await document(index, "x"))["info"]["version"] == "49.0"
    assert index.metadata_reads == legacy.MOST_TRIES


@pytest.mark.parametrize("name", ["missing", "", "-", "a/b", "\N{LATIN SMALL LETTER A WITH DIAERESIS}"])
@pytest_twisted.ensureDeferred
async def test_what_is_not_here_is_said_so(index: MemoryIndex, name: str) -> None:
    with pytest.raises(NoSuchProject):
        await document(index, name)


async def search(search: Search, *parameters: Any) -> list[dict[str, Any]]:
    reply = await search.call(xmlrpc.client.dumps(parameters, "search").encode())
    return read_hits(reply)


def read_hits(reply: Reply) -> list[dict[str, Any]]:
    assert (reply.status, dict(reply.headers)[b"Content-Type"]) == (200, b"text/xml; charset=utf-8")
    assert isinstance(reply.body, bytes)
    (found,), _ = xmlrpc.client.loads(reply.body)
    assert isinstance(found, list)
    return found


@pytest_twisted.ensureDeferred
async def test_a_hit_has_its_own_name_its_newest_version_and_its_summary(index: MemoryIndex) -> None:
    assert await search(Search(index, at_once), {"name": ["bar"], "summary": ["bar"]}, "or") == [
        {"name": "Foo.Bar", "version": "2.0", "summary": "The second", "_pypi_ordering": 0}
    ]


@pytest.mark.parametrize(
    ("fields", "operator", "names"),
    [
        ({"name": "FOO_bar"}, "or", ["Foo.Bar"]),
        ({"name": ["o"]}, "or", ["Other", "Foo.Bar"]),  # it starts with the term
        ({"name": ["foo", "other"]}, "and", ["Other", "Foo.Bar"]),  # alternatives; the very name is first
        ({"summary": "else"}, "or", ["Other"]),
        ({"summary": "second"}, "and", ["Foo.Bar"]),
        ({"summary": "first"}, "and", []),  # only the newest speaks
        ({"name": "foo", "summary": "else"}, "or", ["Foo.Bar", "Other"]),
        ({"name": "foo", "summary": "else"}, "and", []),
        ({"name": "o", "summary": "else"}, "and", ["Other"]),
        ({"name": "nothing"}, "or", []),
        ({}, "and", []),
        ({"author": "foo"}, "or", []),
    ],
)
@pytest_twisted.ensureDeferred
async def test_fields_are_combined(index: MemoryIndex, fields: dict[str, Any], operator: str, names: list[str]) -> None:
    hits = await search(Search(index, at_once), fields, operator)
    assert [hit["name"] for hit in hits] == names
    assert [hit["_pypi_ordering"] for hit in hits] == list(range(len(names)))


@pytest_twisted.ensureDeferred
async def test_a_project_without_metadata_is_found_by_name() -> None:
    index = MemoryIndex()
    index.put("x-1.0.zip")
    index.put("x-2.0.zip", b"broken")
    assert await search(Search(index, at_once), {"name": "x"}) == [
        {"name": "x", "version": "2.0", "summary": "", "_pypi_ordering": 0}
    ]


@pytest_twisted.ensureDeferred
async def test_metadata_is_read_once(index: MemoryIndex) -> None:
    searching = Search(index, at_once)
    for _ in range(3):
        assert await search(searching, {"summary": "else"})
    assert index.metadata_reads == 2
    index.put("other-2.0.tar.gz", metadata("Other", "2.0", "Changed"))
    assert await search(searching, {"summary": "else"}) == []


def large_index() -> MemoryIndex:
    index = MemoryIndex()
    for number in range(MOST_SUMMARIES + 1):
        index.put(f"p{number}-1.0.zip", metadata(f"p{number}", "1.0", "same"))
    index.put("q-1.0.zip", metadata("q", "1.0", "odd"))
    return index


@pytest_twisted.ensureDeferred
async def test_a_large_index_is_searched_by_name_alone() -> None:
    index = large_index()
    searching = Search(index, at_once)
    assert [hit["name"] for hit in await search(searching, {"name": "q", "summary": "same"}, "or")] == ["q"]
    assert index.metadata_reads == 1
    assert len(await search(searching, {"name": "p"})) == MOST_HITS
    with pytest.raises(xmlrpc.client.Fault, match="searched by name"):
        await search(searching, {"summary": "same"})
    assert [hit["name"] for hit in await search(searching, {"name": "q", "summary": "odd"})] == ["q"]
    index.metadata_reads = 0
    assert await search(searching, {"name": "p", "summary": "odd"}) == []
    assert index.metadata_reads <= MOST_SUMMARIES


@pytest_twisted.ensureDeferred
async def test_a_project_that_goes_away_meanwhile_is_left_out() -> None:
    class Fleeting(MemoryIndex):
        async def files_of(self, name: ProjectName) -> list[KnownFile]:
            if name == "a":
                raise NoSuchProject("gone")
            if name == "b":
                raise Unreadable("not now")
            return await super().files_of(name)

    index = Fleeting()
    for name in ("xa", "a", "b", "ab"):
        index.put(f"{name}-1.0.zip")
    assert [hit["name"] for hit in await search(Search(index, at_once), {"name": ["a", "b"]})] == ["ab", "xa"]


@pytest_twisted.ensureDeferred
async def test_one_search_goes_on_at_a_time(index: MemoryIndex) -> None:
    waiting: list[Deferred[None]] = []

    async def in_turn(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        turn = Deferred[None]()
        waiting.append(turn)
        await turn
        return function(*args, **kwargs)

    searching = Search(index, in_turn)
    body = xmlrpc.client.dumps(({"name": "other"},), "search").encode()
    running = [Deferred.fromCoroutine(searching.call(body)) for _ in range(2)]
    while waiting:
        assert len(waiting) == 1
        waiting.pop().callback(None)
    assert [hit["name"] for each in running for hit in read_hits(await each)] == ["Other", "Other"]


@pytest_twisted.ensureDeferred
async def test_what_is_no_search_is_refused(index: MemoryIndex) -> None:
    searching = Search(index, at_once)
    with pytest.raises(BadForm):
        await searching.call(b"hello")
    with pytest.raises(TooLarge):
        await searching.call(b" " * (LONGEST_CALL + 1))
    with pytest.raises(xmlrpc.client.Fault, match="no method"):
        read_hits(await searching.call(xmlrpc.client.dumps((), "list_packages").encode()))
    # A refusal leaves nothing locked.
    assert await search(searching, {"name": "foo"})
