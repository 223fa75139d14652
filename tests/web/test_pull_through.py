"""From a page to its files, and back when the upstream is gone: all parts of the mirror together, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.downloading.doubles import Mirror as Downloading
from tests.downloading.doubles import noise
from tests.indexes.world import FOO, NOW, Owners, S, at_once
from tests.web.test_files import Open, Plain
from twisted_pypi.boundaries import Recall
from twisted_pypi.indexes.expiry import Expiry
from twisted_pypi.indexes.first_match import FirstMatch
from twisted_pypi.indexes.mirrored import Mirrored
from twisted_pypi.policy.releases import parse_releases
from twisted_pypi.policy.rules import Denial, Measure, Rules
from twisted_pypi.project_records import ACTIVE
from twisted_pypi.testing.memory_index import MemoryIndex
from twisted_pypi.testing.wire import ClockWithDate, Wire, body, status
from twisted_pypi.web.fallback import NoFallback
from twisted_pypi.web.held_files import HeldFiles
from twisted_pypi.web.pages import FinishedPages
from twisted_pypi.web.resource import Leaf
from twisted_pypi.web.simple import Simple
from twisted_pypi.web.site import IndexSite
from twisted_pypi.web.upstream_files import UpstreamFiles

ONE, TWO = "foo-1.0-py3-none-any.whl", "foo-2.0-py3-none-any.whl"
BODY = noise(200_000)
JSON = "application/vnd.pypi.simple.v1+json"


class World:
    """The sites of ``/simple/`` and ``/files/`` over one upstream."""

    def __init__(self, folder: Path) -> None:
        self.clock = ClockWithDate()
        self.pages = FinishedPages()
        self.expiry = Expiry(self.clock, self.pages.expire)
        self.downloading = Downloading(folder)
        self.upstream, self.cache = self.downloading.upstream, self.downloading.cache
        self.upstream.by_hand = False
        self.upstream.fresh_ns = 600 * S
        self.rules = Rules()
        self.local = MemoryIndex()
        mirrored = Mirrored(
            self.upstream,
            self.cache,
            lambda: self.rules,
            clock=self.clock.seconds,
            run_in_thread=at_once,
            expect_end=self.expiry.expect,
        )
        shown = FirstMatch(self.local, mirrored, Owners(self.local, {}, ()), lambda _name: ACTIVE)
        simple = Simple(shown, self.pages, NoFallback(), private=False, run_in_thread=at_once)
        files = UpstreamFiles(shown, self.downloading.downloads, None)
        held = HeldFiles(shown, files.get, files.get)
        self._sites = {
            "simple": self._site(Leaf(Open(), {b"GET": (None, simple.get)}, simple.shortcut)),  # type: ignore[arg-type]  # it needs no more than this
            "files": self._site(Leaf(Open(), {b"GET": (None, held.get)})),  # type: ignore[arg-type]  # as above
        }
        self._wires: list[Wire] = []

    def _site(self, leaf: Leaf) -> IndexSite:
        return IndexSite(leaf, Plain(), access_log=None, error_pages=Plain(), addresses=Plain(), reactor=self.clock)

    def get(self, path: str) -> bytes:
        _, first, rest = path.split("/", 2)
        self._wires.append(Wire(self._sites[first]))
        return self._wires[-1].send(f"GET /{rest} HTTP/1.1\r\nHost: x\r\nAccept: {JSON}\r\n\r\n".encode())

    def page(self) -> dict[str, str]:
        """The address and the digest of each file that is listed."""
        answer = self.get("/simple/foo/")
        assert status(answer) == 200
        return {
            urljoin("/simple/foo/", file["url"]): file["hashes"]["sha256"] for file in json.loads(body(answer))["files"]
        }

    def later(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.upstream.now_ns += seconds * S

    def close(self) -> None:
        for wire in self._wires:
            wire.hang_up()
        self.expiry.stopService()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    world.upstream.put(ONE, BODY, metadata=b"Name: foo", upload_time_ns=(NOW - 86_400) * S)
    world.upstream.put(TWO, b"two", upload_time_ns=NOW * S)
    yield world
    world.close()


def test_every_address_of_a_page_has_the_bytes_that_it_promises(world: World) -> None:
    page = world.page()
    assert [address.rpartition("/")[2] for address in page] == [ONE, TWO]
    for address, digest in page.items():
        for _ in range(2):
            answer = world.get(address)
            assert status(answer) == 200
            assert sha256(body(answer)).hexdigest() == digest
    assert len(world.upstream.fetched) == 2
    assert body(world.get(f"/files/foo/{ONE}.metadata")) == b"Name: foo"
    assert status(world.get(f"/files/foo/{TWO}.metadata")) == 404
    assert world.page() == page


def test_an_outage_takes_nothing_away_that_was_here(world: World) -> None:
    page = world.page()
    world.get(f"/files/foo/{ONE}")
    world.later(700)
    world.upstream.down = "no route"
    assert world.page() == page
    assert b"_stale-since" in world.get("/simple/foo/")
    assert body(world.get(f"/files/foo/{ONE}")) == BODY
    assert status(world.get(f"/files/foo/{TWO}")) == 502
    # After a restart with nothing but the files.
    del vars(world.upstream)["_kept"][FOO]
    world.later(60)
    assert list(world.page()) == [f"/files/foo/{ONE}"]
    assert body(world.get(f"/files/foo/{ONE}")) == BODY


@pytest.mark.parametrize("cached", [False, True])
def test_what_a_rule_holds_back_is_closed_everywhere_until_it_is_not(world: World, *, cached: bool) -> None:
    if cached:
        assert status(world.get(f"/files/foo/{ONE}")) == 200
        assert status(world.get(f"/files/foo/{ONE}.metadata")) == 200
    world.rules = Rules(min_age=Measure("7d", 7 * 86_400 * S))
    world.pages.drop_all()
    assert world.page() == {}
    for name in (ONE, f"{ONE}.metadata"):
        answer = world.get(f"/files/foo/{name}")
        assert status(answer) == 403
        assert b"is held back until 2023-11-20T22:13:20Z, rule min-age = 7d" in answer
    world.later(6 * 86_400)
    assert list(world.page()) == [f"/files/foo/{ONE}"]
    assert status(world.get(f"/files/foo/{ONE}.metadata")) == 200
    world.rules = Rules(deny=(Denial(parse_releases("foo"), "it phones home"),))
    world.pages.drop_all()
    assert world.page() == {}
    assert b"it phones home" in world.get(f"/files/foo/{ONE}")


def test_a_recalled_file_is_gone_from_the_page_and_refused(world: World) -> None:
    world.get(f"/files/foo/{ONE}")
    kept = world.cache.find(FOO, ONE)
    assert kept is not None
    world.cache.mark(kept, Recall("quarantined", NOW * S, confirmed=True, hidden=True, reason="malware"))
    world.pages.drop_all()
    assert list(world.page()) == [f"/files/foo/{TWO}"]
    answer = world.get(f"/files/foo/{ONE}")
    assert status(answer) == 403
    assert b"malware" in answer


def test_a_project_that_becomes_ours_is_ours_at_once(world: World) -> None:
    assert len(world.page()) == 2
    world.get(f"/files/foo/{ONE}")
    world.local.put("foo-0.1.tar.gz")
    world.pages.drop(frozenset({FOO}))
    assert list(world.page()) == ["/packages/foo-0.1.tar.gz"]
    for name in (ONE, TWO):
        assert status(world.get(f"/files/foo/{name}")) == 404
