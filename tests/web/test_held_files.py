"""An upstream's addresses lead to the folders where its files lie there by now."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.indexes.test_explaining import wheel
from tests.indexes.test_first_match import result
from tests.indexes.world import World
from tests.web.test_files import Open, Plain
from twisted_pypi.sidecars import Source
from twisted_pypi.testing.wire import ClockWithDate, Wire, body, status
from twisted_pypi.web.bodies import IndexRequest
from twisted_pypi.web.held_files import HeldFiles
from twisted_pypi.web.replies import Reply
from twisted_pypi.web.resource import Leaf
from twisted_pypi.web.site import IndexSite


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def wire(world: World) -> Iterator[Wire]:
    async def in_folders(request: IndexRequest) -> Reply:
        return Reply(200, (), b"folders: " + b"/".join(request.postpath or []))

    async def elsewhere(request: IndexRequest) -> Reply:
        return Reply(200, (), b"elsewhere: " + b"/".join(request.postpath or []))

    leaf = Leaf(Open(), {b"GET": (None, HeldFiles(world.index, in_folders, elsewhere).get)})  # type: ignore[arg-type]  # it needs no more than this
    site = IndexSite(leaf, Plain(), access_log=None, error_pages=Plain(), addresses=Plain(), reactor=ClockWithDate())
    wire = Wire(site)
    yield wire
    wire.hang_up()


def get(wire: Wire, path: str) -> bytes:
    return wire.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


@pytest.mark.parametrize("suffix", ["", ".metadata"])
def test_what_was_fetched_into_a_folder_is_sent_from_there(world: World, wire: Wire, suffix: str) -> None:
    result(world.hold(f"sub/{wheel('1.0')}", source=Source.UPSTREAM))
    assert body(get(wire, f"/foo/{wheel('1.0')}{suffix}")) == f"folders: sub/{wheel('1.0')}{suffix}".encode()
    assert body(get(wire, f"/foo/{wheel('2.0')}{suffix}")) == f"elsewhere: foo/{wheel('2.0')}{suffix}".encode()


def test_what_is_ours_is_not_at_such_an_address(world: World, wire: Wire) -> None:
    result(world.hold(wheel("1.0"), source=Source.UPLOAD))
    assert status(get(wire, f"/foo/{wheel('1.0')}")) == 404
    assert world.upstream.asked == []


@pytest.mark.parametrize("path", ["/Foo/x", "/foo", "/foo/x/y", "/a%2Fb/x"])
def test_other_addresses_are_left_to_the_next(wire: Wire, path: str) -> None:
    assert body(get(wire, path)).startswith(b"elsewhere: ")
