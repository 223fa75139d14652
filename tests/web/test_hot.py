"""Logins on the fast way: kept as digests, and compared with the users in force."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any, cast

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.task import deferLater

from tests.web.test_simple import PIP, Somebody, World
from twisted_pypi.testing.wire import Wire, status
from twisted_pypi.web.hot import MOST_HEADS, HotAnswers

RIGHT = PIP[:-2] + b"Authorization: Basic right\r\n\r\n"


class Counted(Somebody):
    """Accounts that count how often they were looked at."""

    looks = 0

    def current_generation(self) -> int:
        self.looks += 1
        return self.generation


@dataclass
class Turns:
    """Turns as the test wants them."""

    number: int | None = None


class Private:
    """A site whose pages need a login, with a fast way whose turns the test decides."""

    def __init__(self) -> None:
        self.world = World(private=True)
        self.world.put("foo-1.0.tar.gz")
        self.turns = Turns()
        self.users = Counted()
        self.hot = HotAnswers(self.users, b"secret", self.turns)
        self.world.site.hot = self.hot
        wire = Wire(self.world.site)
        assert status(wire.send(RIGHT)) == 200
        wire.hang_up()
        self.users.looks = 0

    def known(self, *, plain: bool = True, secret: bool = False) -> bool:
        return self.hot.find(RIGHT, trusted=False, plain=plain, secret=secret) is not None


@pytest.fixture
def private() -> Private:
    return Private()


def test_users_are_looked_at_once_a_turn(private: Private) -> None:
    for number in (1, 2, 3):
        private.turns.number = number
        assert all(private.known() for _ in range(10))
        assert private.users.looks == number
    private.users.generation += 1
    private.turns.number = 4
    assert not private.known()


def test_what_is_noticed_within_a_turn_counts_at_once(private: Private) -> None:
    private.turns.number = 1
    assert private.known()
    private.users.generation += 1
    assert not private.known()
    assert private.users.looks == 1


@pytest.mark.parametrize(("number", "plain"), [(None, True), (1, False), (None, False)])
def test_users_are_looked_at_each_time_where_turns_do_not_tell(
    private: Private, number: int | None, plain: bool
) -> None:
    private.turns.number = number
    for looks in range(1, 4):
        assert private.known(plain=plain)
        assert private.users.looks == looks


def test_heads_with_and_without_a_login_are_found_whatever_came_before_them(private: Private) -> None:
    assert private.known(secret=True)
    assert private.hot.find(PIP, trusted=False, secret=True) is None
    wire = Wire(private.world.site)
    assert [status(wire.send(each)) for each in (RIGHT, PIP, RIGHT, PIP, PIP, RIGHT, RIGHT)] == [
        200, 401, 200, 401, 401, 200, 200,
    ]  # fmt: skip
    wire.hang_up()


@pytest.mark.parametrize("name", [b"Authorization", b"AUTHORIZATION", b"Proxy-Authorization"])
def test_no_login_is_kept_in_clear(name: bytes) -> None:
    world = World()
    world.put("foo-1.0.tar.gz")
    wire = world.wire()
    assert status(wire.send(PIP[:-2] + name + b": Basic c2VjcmV0\r\n\r\n")) == 200
    wire.hang_up()
    kept = vars(world.site.hot)
    assert not any(
        b"c2VjcmV0" in each for sort in ("_plain", "_forwarded", "_secrets") for of in kept[sort] for each in of
    )
    assert any(kept["_secrets"])


def test_a_head_behind_an_empty_line_is_not_remembered() -> None:
    world = World()
    world.put("foo-1.0.tar.gz")
    wire = world.wire()
    # The empty line may have come long before the rest, and before a change of users.
    assert status(wire.send(b"\r\n" + PIP)) == 200
    wire.hang_up()
    assert not any(vars(world.site.hot)["_plain"])


@pytest_twisted.async_yield_fixture
async def port(private: Private) -> AsyncIterator[int]:
    listening = cast("Any", reactor).listenTCP(0, private.world.site, interface="127.0.0.1")
    yield listening.getHost().port
    await maybeDeferred(listening.stopListening)
    for _ in range(3):
        await deferLater(cast("Any", reactor), 0, lambda: None)


@pytest_twisted.ensureDeferred
async def test_one_look_is_enough_for_sockets_and_none_of_an_earlier_turn(private: Private, port: int) -> None:
    async def answers(*clients: socket.socket) -> list[int]:
        for each in clients:
            each.sendall(RIGHT)
        found = []
        for each in clients:
            data = b""
            while not data:
                await deferLater(cast("Any", reactor), 0, lambda: None)
                private.world.clock.advance(0)  # the end of the turn, in which answers are sent
                try:
                    data = each.recv(65_536)
                except BlockingIOError:
                    continue
            found.append(status(data))
        return found

    with ExitStack() as stack:
        one, other = (stack.enter_context(closing(socket.create_connection(("127.0.0.1", port)))) for _ in range(2))
        for each in (one, other):
            each.setblocking(False)
        # The first one goes the strict way: here the other end is a proxy that is trusted.
        assert await answers(one) == [200]
        private.users.looks, private.turns.number = 0, 1
        assert await answers(one, other) + await answers(one) == [200] * 3
        assert private.users.looks == 1
        private.users.generation, private.users.open = 2, False
        private.world.accounts.open = False
        private.turns.number = 2
        assert await answers(other, one) == [401] * 2


def test_heads_with_a_number_in_each_do_not_push_out_those_that_come_again() -> None:
    world = World()
    world.put("foo-1.0.tar.gz")
    site = world.site
    assert site.hot is not None
    wire = world.wire()
    assert status(wire.send(PIP)) == 200
    for number in range(MOST_HEADS + 10):
        assert status(wire.send(PIP[:-2] + b"X-Request-Id: %d\r\n\r\n" % number)) == 200
    assert site.hot.find(PIP, trusted=False) is not None
    late = PIP[:-2] + b"X-Late: yes\r\n\r\n"
    found = []
    for _ in range(3):
        found.append(site.hot.find(late, trusted=False) is not None)
        wire.send(late)
    assert found == [False, False, True]
    wire.hang_up()
