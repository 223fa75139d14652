"""Fetched files in the folders stay under the rules."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_twisted

from tests.indexes.world import FOO, NOW, S
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import HeldBack
from twisted_pypi.indexes.ruled import Ruled
from twisted_pypi.policy.releases import parse_releases
from twisted_pypi.policy.rules import Denial, Exemption, Measure, Rules
from twisted_pypi.sidecars import Source
from twisted_pypi.testing.memory_index import MemoryIndex, known_file

DAY = 86_400
ONE, TWO, THREE = (f"foo-{version}.tar.gz" for version in ("1.0", "2.0", "3.0"))
DENY_ONE = Rules(deny=(Denial(parse_releases("foo==1"), "it phones home"),))


class World:
    def __init__(self, rules: Rules) -> None:
        self.inner = MemoryIndex()
        self.rules = rules
        self.ends: dict[ProjectName, int] = {}
        self.index = Ruled(self.inner, lambda: self.rules, clock=lambda: NOW, expect_end=self.ends.__setitem__)

    async def hold(self, path: str, source: Source | None, age: int = 0) -> None:
        known = known_file(path, uploaded_ns=(NOW - age) * S)
        object.__setattr__(known, "source", source)
        await self.inner.added(known, None)

    async def names(self) -> list[str]:
        return [file.filename for file in (await self.index.project(FOO)).files]


@pytest_twisted.ensureDeferred
async def test_only_what_was_fetched_is_judged() -> None:
    world = World(Rules(deny=(Denial(parse_releases("foo")),)))
    await world.hold(ONE, Source.UPSTREAM)
    await world.hold(TWO, Source.UPLOAD)
    await world.hold(THREE, None)
    page = await world.index.project(FOO)
    assert ([file.filename for file in page.files], page.versions) == ([TWO, THREE], ("2.0", "3.0"))
    assert [known.filename for known in await world.index.files_of(FOO)] == [TWO, THREE]
    assert [each.version for each in await world.index.distributions_of(FOO)] == ["2.0", "3.0"]
    assert [known.filename for known in await world.index.all_files()] == [TWO, THREE]
    assert (await world.index.projects()).names == (FOO,)
    assert await world.index.holding(ONE) == await world.inner.holding(ONE)


@pytest_twisted.ensureDeferred
async def test_without_rules_everything_is_as_it_was() -> None:
    world = World(Rules())
    await world.hold(ONE, Source.UPSTREAM)
    assert await world.index.project(FOO) == await world.inner.project(FOO)
    assert await world.index.distributions_of(FOO) == await world.inner.distributions_of(FOO)
    assert await world.index.file(FOO, ONE) == await world.inner.file(FOO, ONE)
    assert await world.index.file_at(ONE) == await world.inner.file_at(ONE)
    assert world.ends == {}


@pytest.mark.parametrize("ask", [lambda index: index.file(FOO, ONE), lambda index: index.file_at(ONE)])
@pytest_twisted.ensureDeferred
async def test_the_addresses_are_closed_as_well(ask: Callable[[Ruled], Awaitable[Any]]) -> None:
    world = World(DENY_ONE)
    await world.hold(ONE, Source.UPSTREAM)
    with pytest.raises(HeldBack, match=f"^{ONE} is held back, rule deny = foo==1, because it phones home$"):
        await ask(world.index)
    world.rules = Rules()
    assert (await ask(world.index)).known.filename == ONE


@pytest_twisted.ensureDeferred
async def test_a_page_ends_when_a_file_is_old_enough() -> None:
    world = World(Rules(min_age=Measure("7d", 7 * DAY * S)))
    await world.hold(ONE, Source.UPSTREAM, age=8 * DAY)
    await world.hold(TWO, Source.UPSTREAM, age=6 * DAY)
    await world.hold(THREE, Source.UPLOAD, age=5 * DAY)
    assert await world.names() == [ONE, THREE]
    assert world.ends == {FOO: (NOW + DAY) * S}


@pytest.mark.parametrize("ask", [lambda index: index.file(FOO, ONE), lambda index: index.file_at(ONE)])
@pytest_twisted.ensureDeferred
async def test_what_is_kept_of_a_file_ends_with_its_exception(ask: Callable[[Ruled], Awaitable[Any]]) -> None:
    until = (NOW + 60) * S
    exempt = Exemption(parse_releases("foo==1"), until, None)
    world = World(Rules(min_age=Measure("7d", 7 * DAY * S), allow=(exempt,)))
    await world.hold(ONE, Source.UPSTREAM)
    await ask(world.index)
    assert world.ends == {FOO: until}
    world.ends.clear()
    await world.hold(ONE, Source.UPLOAD)
    await ask(world.index)
    assert world.ends == {}
