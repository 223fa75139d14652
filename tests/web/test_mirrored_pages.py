"""Pages of an upstream's projects over HTTP: as fast as those of the folders, and dropped when their time is over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.indexes.world import S, at_once
from tests.indexes.world import World as Mirror
from tests.web.test_files import Open, Plain
from tests.web.test_simple import PIP, Somebody
from twisted_pypi.events import Changes
from twisted_pypi.indexes.expiry import Expiry
from twisted_pypi.policy.releases import parse_releases
from twisted_pypi.policy.rules import Denial, Rules
from twisted_pypi.testing.wire import ClockWithDate, Wire, body, status
from twisted_pypi.web.fallback import NoFallback
from twisted_pypi.web.hot import HotAnswer, HotAnswers
from twisted_pypi.web.pages import FinishedPages
from twisted_pypi.web.resource import Leaf
from twisted_pypi.web.simple import Simple
from twisted_pypi.web.site import IndexSite

FILE = "foo-1.0-py3-none-any.whl"
PLAIN = PIP.replace(b"gzip, deflate", b"identity").replace(b"/simple/", b"/")


class Counting(HotAnswers):
    """Counts what is answered the fast way."""

    answered = 0

    def find(self, head: bytes, *, trusted: bool, plain: bool = False, secret: bool = False) -> HotAnswer | None:
        found = super().find(head, trusted=trusted, plain=plain, secret=secret)
        self.answered += found is not None
        return found


class World:
    """A site over a mirror, whose pages end as the server's do."""

    def __init__(self) -> None:
        self.clock = ClockWithDate()
        self.pages = FinishedPages()
        self.expiry = Expiry(self.clock, self.pages.expire)
        self.mirror = Mirror(expect_end=self.expiry.expect)
        self.changes = Changes()
        self.changes.subscribe(self.pages.drop)
        self.changes.subscribe_to_everything(self.pages.drop_all)
        simple = Simple(self.mirror.index, self.pages, NoFallback(), private=False, run_in_thread=at_once)
        self.hot = Counting(Somebody(), b"secret")
        self._pages_site = self._site(Leaf(Open(), {b"GET": (None, simple.get)}, simple.shortcut), self.hot)  # type: ignore[arg-type]  # it needs no more than this
        self.wires: list[Wire] = []

    def _site(self, leaf: Leaf, hot: HotAnswers | None = None) -> IndexSite:
        return IndexSite(
            leaf, Plain(), access_log=None, error_pages=Plain(), addresses=Plain(), hot=hot, reactor=self.clock
        )

    def get(self) -> bytes:
        # A connection is not kept for as long as a page.
        self.wires.append(Wire(self._pages_site))
        return self.wires[-1].send(PLAIN)

    @property
    def asked(self) -> int:
        return len(self.mirror.upstream.asked)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.mirror.upstream.put(FILE, b"one")
    world.mirror.upstream.fresh_ns = 600 * S
    yield world
    for wire in world.wires:
        wire.hang_up()
    world.expiry.stopService()


def test_the_second_request_takes_the_fast_way_as_for_a_project_of_ours(world: World) -> None:
    first = world.get()
    assert (status(first), world.hot.answered, world.asked) == (200, 0, 1)
    assert f"../../files/foo/{FILE}".encode() in body(first)
    assert world.get() == first
    assert (world.hot.answered, world.asked) == (1, 1)


def test_a_page_is_asked_for_again_when_its_time_is_over(world: World) -> None:
    first = world.get()
    world.clock.advance(599)
    world.get()
    assert (world.hot.answered, world.asked) == (1, 1)
    world.clock.advance(1)
    world.mirror.upstream.now_ns += 600 * S
    world.mirror.upstream.put("foo-2.0-py3-none-any.whl", b"two")
    again = world.get()
    assert (world.hot.answered, world.asked) == (1, 2)
    assert again != first
    world.get()
    assert (world.hot.answered, world.asked) == (2, 2)


def test_other_rules_concern_every_page(world: World) -> None:
    assert FILE.encode() in world.get()
    world.mirror.rules = Rules(deny=(Denial(parse_releases("foo")),))
    world.changes.publish_everything()
    answer = world.get()
    assert status(answer) == 200
    assert FILE.encode() not in answer


def test_what_is_kept_is_served_while_the_upstream_is_down(world: World) -> None:
    first = world.get()
    world.clock.advance(600)
    world.mirror.upstream.now_ns += 600 * S
    world.mirror.upstream.down = "no route"
    stale = world.get()
    assert status(stale) == 200
    assert b'"_stale-since":"2023-11-14T22:13:20.000000Z"' in stale
    assert FILE.encode() in stale
    assert stale != first
    # And from the kept page again, for a while.
    world.get()
    assert (world.hot.answered, world.asked) == (1, 2)
