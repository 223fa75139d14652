"""The explanation of a project over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from twisted.internet.defer import Deferred

from tests.indexes.test_explaining import explainer, wheel
from tests.indexes.world import FOO, World, at_once
from tests.web.test_files import Open, Plain
from twisted_pypi.policy.explanation import read_document
from twisted_pypi.policy.releases import parse_releases
from twisted_pypi.policy.rules import Denial, Rules
from twisted_pypi.testing.wire import ClockWithDate, Wire, body, head, status
from twisted_pypi.web.people.explaining import ExplanationPage
from twisted_pypi.web.people.templates import Templates
from twisted_pypi.web.resource import Leaf
from twisted_pypi.web.site import IndexSite
from twisted_pypi.web.why import LONG, Why, is_why


@pytest.fixture
def world() -> World:
    world = World()
    world.upstream.put(wheel("1.0"), b"1")
    world.upstream.put(wheel("2.0"), b"2", yanked="<b>broken</b>")
    world.rules = Rules(deny=(Denial(parse_releases("foo==1")),))
    return world


@pytest.fixture
def threads() -> list[str]:
    """The names of what was run in a thread."""
    return []


@pytest.fixture
def wire(world: World, threads: list[str]) -> Iterator[Wire]:
    def in_thread(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Deferred[Any]:
        threads.append(function.__name__)
        return at_once(function, *args, **kwargs)

    why = Why(explainer(world, run_in_thread=in_thread), ExplanationPage(Templates()), in_thread)
    leaf = Leaf(Open(), {b"GET": (None, why.get)})  # type: ignore[arg-type]  # it needs no more than this
    site = IndexSite(leaf, Plain(), access_log=None, error_pages=Plain(), addresses=Plain(), reactor=ClockWithDate())
    wire = Wire(site)
    yield wire
    wire.hang_up()


def get(wire: Wire, target: str, accept: str = "*/*") -> bytes:
    return wire.send(f"GET /-/why/{target} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n".encode())


def test_json_for_programs(wire: Wire) -> None:
    answer = get(wire, "Foo")
    assert (status(answer), head(answer)[b"content-type"]) == (200, b"application/json")
    assert (head(answer)[b"cache-control"], head(answer)[b"vary"]) == (b"no-store", b"Accept")
    found = json.loads(body(answer))
    assert (found["project"], found["whose"]) == ("foo", "upstream")
    assert [(file["filename"], file["state"], file.get("rule")) for file in found["files"]] == [
        (wheel("1.0"), "denied", "deny = foo==1"),
        (wheel("2.0"), "available", None),
    ]
    assert read_document(found).project == FOO
    found = json.loads(body(get(wire, "foo?version=2")))
    assert [file["version"] for file in found["files"]] == ["2.0"]


def test_a_page_for_people(wire: Wire) -> None:
    answer = get(wire, "foo", "text/html,application/xhtml+xml,*/*;q=0.8")
    assert (status(answer), head(answer)[b"content-type"]) == (200, b"text/html; charset=utf-8")
    assert b"content-security-policy" in head(answer)
    page = body(answer).decode()
    assert "foo is the upstream&#39;s, because no file of it is here." in page
    assert f'<strong class="status">denied</strong> {wheel("1.0")}' in page
    assert f"<strong>available</strong> {wheel('2.0')}" in page
    assert "yanked: &lt;b&gt;broken&lt;/b&gt;" in page
    assert "<b>" not in page
    one = body(get(wire, "foo?version=1.0", "text/html")).decode()
    assert wheel("1.0") in one
    assert wheel("2.0") not in one
    none = body(get(wire, "foo?version=9", "text/html")).decode()
    assert "There is no file of foo 9." in none


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_a_long_explanation_makes_nobody_wait(world: World, wire: Wire, threads: list[str], accept: str) -> None:
    get(wire, "foo", accept)
    assert threads == []
    for number in range(LONG):
        world.upstream.put(wheel(f"3.{number}"), b"3")
    assert wheel("3.0").encode() in body(get(wire, "foo", accept))
    assert threads == ["_files_in_order", "_reply"]


@pytest.mark.parametrize(
    ("target", "expected"), [("-", 404), (quote("a b"), 404), ("foo?" + "&".join("abcdefghijkl"), 400), ("bar", 200)]
)
def test_strange_addresses(wire: Wire, target: str, expected: int) -> None:
    assert status(get(wire, target)) == expected


def test_its_place() -> None:
    assert is_why([b"why", b"foo"])
    assert not any(is_why(rest) for rest in ([b"why"], [b"why", b"foo", b""], [b"status", b"foo"], []))
