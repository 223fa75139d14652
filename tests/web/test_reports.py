"""Logins as they are told: once for each password that was checked, and never for those that are remembered."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, cast

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from twisted_pypi.boundaries import User
from twisted_pypi.boundaries.happenings import Happening, HappeningKind
from twisted_pypi.errors import Busy, LoginRequired, TooManyTries
from twisted_pypi.web.bodies import IndexRequest
from twisted_pypi.web.reports import LONGEST_CLIENT, LONGEST_NAME, Reports


class Asked:
    """As much of a request as says who sent it."""

    login: User | None = None

    def __init__(self, client: bytes | None = b"pip/26") -> None:
        self.client = client

    def getHeader(self, name: bytes) -> bytes | None:
        return self.client if name == b"user-agent" else None


class House:
    """Accounts whose answer a test gives."""

    def __init__(self, address: str = "192.0.2.1") -> None:
        self.told: list[Happening] = []
        self.reports = Reports(self.told.append, lambda _: address, lambda: 7.0)
        self.known: User | None = None
        self.answers: list[Deferred[User]] = []

    def remembered(self, authorization: bytes) -> User | None:
        del authorization
        return self.known

    async def log_in(self, authorization: bytes | None, address: str) -> User:
        del authorization, address
        if self.known is not None:
            return self.known
        self.answers.append(Deferred())
        return await self.answers[-1]

    def ask(self, authorization: bytes = b"Basic " + b64encode(b"ada:x"), client: bytes | None = b"pip/26") -> Any:
        request = cast("IndexRequest", Asked(client))
        return Deferred.fromCoroutine(self.reports.log_in(self, request, authorization))


@pytest_twisted.ensureDeferred
async def test_a_login_is_told_once_and_not_when_it_is_remembered() -> None:
    house = House()
    asked = [house.ask(), house.ask()]
    assert house.told == []
    house.known = User("ada")
    for answer in house.answers:
        answer.callback(house.known)
    assert [(await each).name for each in asked] == ["ada", "ada"]
    await house.ask()
    (told,) = house.told
    assert (told.kind, told.moment, told.user) == (HappeningKind.LOGIN, 7.0, "ada")
    assert (told.address, told.client) == ("192.0.2.1", "pip/26")


@pytest.mark.parametrize("refused", [LoginRequired("wrong"), TooManyTries("too many", 5)])
@pytest_twisted.ensureDeferred
async def test_a_login_that_is_refused_is_told(refused: Exception) -> None:
    house = House()
    for _ in range(2):
        asked = house.ask()
        house.answers[-1].errback(refused)
        with pytest.raises(type(refused)):
            await asked
    assert [(each.kind, each.user, each.detail) for each in house.told] == [
        (HappeningKind.LOGIN_FAILED, "ada", str(refused))
    ] * 2


@pytest_twisted.ensureDeferred
async def test_what_was_not_checked_is_not_told() -> None:
    house = House()
    asked = house.ask()
    house.answers[-1].errback(Busy("later", 1))
    with pytest.raises(Busy):
        await asked
    assert house.told == []


@pytest_twisted.ensureDeferred
async def test_what_a_stranger_says_is_cut_and_need_not_be_there() -> None:
    house = House(address="")
    for authorization, client in (
        (b"Basic " + b64encode(b"n" * 60_000 + b":x"), b"\xff" * 60_000),
        (b"Bearer x", None),
    ):
        asked = house.ask(authorization, client)
        house.answers[-1].errback(LoginRequired("wrong"))
        with pytest.raises(LoginRequired):
            await asked
    first, second = house.told
    assert first.user == "n" * LONGEST_NAME
    assert first.client == "\ufffd" * LONGEST_CLIENT
    assert (first.address, second.user, second.client) == (None, None, None)
