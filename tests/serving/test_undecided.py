"""What a start says of projects that were put there by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher

from twisted_pypi.config import Config, Fallback
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import Busy
from twisted_pypi.serving.undecided import Undecided, private_line

PROXY = Config(roots=("/pypi",), fallback=Fallback.PROXY)


@pytest.fixture
def said() -> Iterator[list[str]]:
    lines: list[str] = []

    def observe(event: dict[str, Any]) -> None:
        if event["log_namespace"].endswith("undecided.Undecided"):
            lines.append(formatEvent(event))

    observer = cast("ILogObserver", observe)
    globalLogPublisher.addObserver(observer)
    yield lines
    globalLogPublisher.removeObserver(observer)


@pytest.mark.parametrize(
    ("config", "names", "expected"),
    [
        (PROXY, ["acme-core", "acme-web"], 1),
        (Config(roots=("/pypi",), update_every=86400.0), ["acme-core"], 1),
        (PROXY, [], 0),
        (Config(roots=("/pypi",)), ["acme-core"], 0),
        (Config(roots=("/pypi",), fallback=Fallback.OFF), ["acme-core"], 0),
    ],
)
def test_it_is_said_where_an_upstream_may_be_asked(
    said: list[str], config: Config, names: list[str], expected: int
) -> None:
    async def undecided() -> Sequence[ProjectName]:
        return [ProjectName(name) for name in names]

    service = Undecided(config, undecided)
    service.startService()
    service.stopService()
    assert len(said) == expected
    assert all(f"--private {name}" in line for line in said for name in names)


def test_the_line_has_an_end() -> None:
    line = private_line([ProjectName(f"p{number}") for number in range(23)])
    assert line.startswith("23 projects were put here by hand")
    assert line.endswith("--private p18 --private p19 and 3 more")
    assert private_line([ProjectName("p")]).startswith("1 project was put here by hand")


@pytest.mark.parametrize("busy", [True, False])
def test_a_server_that_stops_before_says_nothing(said: list[str], busy: bool) -> None:
    waiting: Deferred[Sequence[ProjectName]] = Deferred()

    async def undecided() -> Sequence[ProjectName]:
        return await waiting

    service = Undecided(PROXY, undecided)
    service.startService()
    if busy:
        waiting.errback(Busy("the server is stopping", 1))
    service.stopService()
    assert said == []
