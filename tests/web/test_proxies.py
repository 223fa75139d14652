"""Trusted proxies: addresses, networks and names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from timeit import repeat
from typing import Any, cast

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IReactorPluggableNameResolver
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher

from twisted_pypi.errors import BadSetting
from twisted_pypi.web.proxies import EVERY, REMEMBERED, REPORTED, TrustedProxies, resolve_by


class Names:
    """A resolver whose answers are set by hand."""

    def __init__(self, **addresses: Sequence[str]) -> None:
        self.addresses = dict(addresses)
        self.asked: list[str] = []

    def __call__(self, name: str) -> Deferred[Sequence[str]]:
        self.asked.append(name)
        if name not in self.addresses:
            return fail(DNSLookupError(f"no address for {name}"))
        return succeed(self.addresses[name])


@pytest.fixture
def logged() -> Iterator[list[str]]:
    sentences: list[str] = []

    def observe(event: dict[str, Any]) -> None:
        sentences.append(formatEvent(event))

    observer = cast("ILogObserver", observe)
    globalLogPublisher.addObserver(observer)
    yield sentences
    globalLogPublisher.removeObserver(observer)


@pytest.mark.parametrize(
    ("settings", "host", "trusted"),
    [
        (["127.0.0.0/8", "::1/128"], "127.0.0.1", True),
        (["127.0.0.0/8", "::1/128"], "::1", True),
        (["127.0.0.0/8", "::1/128"], "::ffff:127.0.0.1", True),
        (["127.0.0.0/8", "::1/128"], "192.0.2.1", False),
        (["10.1.2.3/8"], "10.200.0.1", True),
        (["192.0.2.1"], "192.0.2.1", True),
        (["192.0.2.1"], "192.0.2.2", False),
        (["2001:db8::/32"], "2001:db8:1::1", True),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["127.0.0.0/8"], "", False),
        (["unix"], "", True),
        (["unix"], "unix", True),
        (["unix"], "127.0.0.1", False),
        (["0.0.0.0/0"], "not an address", False),
        ([], "127.0.0.1", False),
    ],
)
def test_who_is_trusted(settings: list[str], host: str, trusted: bool) -> None:
    proxies = TrustedProxies(settings)
    assert proxies.is_trusted(host) is trusted
    assert proxies.is_trusted(host) is trusted


@pytest.mark.parametrize("setting", ["10.0.0.0/33", "10.0.0.256", "*", "", "a b", "http://proxy", "proxy/24", "ü"])
def test_setting_that_is_none(setting: str) -> None:
    with pytest.raises(BadSetting, match="--trusted-proxy"):
        TrustedProxies([setting], Names(), Clock())


def test_name_without_a_resolver_is_refused() -> None:
    with pytest.raises(BadSetting, match="--trusted-proxy traefik"):
        TrustedProxies(["traefik"])


def test_names_are_resolved_at_start_and_every_minute() -> None:
    clock, names = Clock(), Names(traefik=["172.18.0.2", "fd00::2"])
    proxies = TrustedProxies(["traefik", "10.0.0.0/8"], names, clock)
    assert not proxies.is_trusted("172.18.0.2")
    proxies.startService()
    assert proxies.is_trusted("172.18.0.2")
    assert proxies.is_trusted("fd00::2")
    names.addresses["traefik"] = ["172.18.0.9"]
    clock.advance(EVERY)
    assert proxies.is_trusted("172.18.0.9")
    assert not proxies.is_trusted("172.18.0.2")
    assert proxies.is_trusted("10.0.0.1")
    proxies.stopService()
    clock.advance(10 * EVERY)
    assert len(names.asked) == 2
    assert clock.getDelayedCalls() == []


def test_name_that_cannot_be_resolved_keeps_its_last_addresses_and_is_reported_once(logged: list[str]) -> None:
    clock, names = Clock(), Names(traefik=["172.18.0.2"])
    proxies = TrustedProxies(["traefik", "caddy"], names, clock)
    proxies.startService()
    del names.addresses["traefik"]
    for _ in range(3):
        clock.advance(EVERY)
    assert proxies.is_trusted("172.18.0.2")
    names.addresses |= {"caddy": ["172.18.0.3"], "traefik": []}
    clock.advance(EVERY)
    assert proxies.is_trusted("172.18.0.3")
    assert [line for line in logged if "cannot be resolved" in line] == [
        f"--trusted-proxy {name} cannot be resolved (DNS lookup failed: no address for {name}.): "
        "it is tried again every 60 seconds"
        for name in ("caddy", "traefik")
    ]
    proxies.stopService()


def test_without_names_there_is_no_timer() -> None:
    clock = Clock()
    proxies = TrustedProxies(["10.0.0.0/8"], Names(), clock)
    proxies.startService()
    assert clock.getDelayedCalls() == []
    proxies.stopService()


def test_each_stranger_is_reported_once_and_not_too_many(logged: list[str]) -> None:
    proxies = TrustedProxies(["10.0.0.0/8"])
    for _ in range(3):
        proxies.ignored("192.0.2.9")
        proxies.ignored("")
    assert logged == [
        f"forwarding headers of {peer} are ignored: if that is a proxy of yours, add --trusted-proxy {setting}"
        for peer, setting in (("192.0.2.9", "192.0.2.9"), ("a Unix socket", "unix"))
    ]
    for number in range(2 * REPORTED):
        proxies.ignored(f"peer {number}")
    assert len(logged) == REPORTED


def test_memory_of_hosts_is_bounded_and_quick() -> None:
    proxies = TrustedProxies(["127.0.0.0/8", "::1/128"])
    for number in range(2 * REMEMBERED):
        proxies.is_trusted(f"10.0.{number >> 8}.{number & 255}")
    assert proxies.is_trusted("127.0.0.1")
    assert min(repeat(lambda: proxies.is_trusted("127.0.0.1"), number=1_000, repeat=20)) / 1_000 < 10e-6


@pytest_twisted.ensureDeferred
async def test_names_by_the_resolver_of_the_reactor() -> None:
    resolver = IReactorPluggableNameResolver(reactor).nameResolver
    assert set(await resolve_by(resolver)("localhost")) & {"127.0.0.1", "::1"}
