"""Which proxy leads to an address, as HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from twisted_pypi.errors import BadSetting
from twisted_pypi.upstream.addresses import Address, Origin, login_in, parse_address
from twisted_pypi.upstream.logins import Login

_ENTRY = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy."""

    origin: Origin
    """Where it listens; the scheme is how it is spoken to, not what it leads to."""
    login: Login | None = None


@dataclass(frozen=True, slots=True)
class Exemption:
    """One entry of ``NO_PROXY``: a host with all below it, an address, a network or ``*``; and a port, if it has one."""

    domain: str = ""
    network: IPv4Network | IPv6Network | None = None
    port: int | None = None

    def covers(self, host: str, port: int) -> bool:
        """Does it speak of this host (lower case) and port?"""
        if self.port not in {None, port}:
            return False
        if self.domain == "*":
            return True
        address = _ip(host)
        if address is not None:
            return self.network is not None and address.version == self.network.version and address in self.network
        host = host.rstrip(".")
        return bool(self.domain) and (host == self.domain or host.endswith(f".{self.domain}"))


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies to use."""

    by_scheme: Mapping[str, Proxy] = field(default_factory=dict)
    exemptions: tuple[Exemption, ...] = ()

    def for_address(self, address: Address) -> Proxy | None:
        """The proxy to an address; ``None``: go there directly."""
        proxy = self.by_scheme.get(address.scheme)
        if proxy is None or any(each.covers(address.host, address.port) for each in self.exemptions):
            return None
        return proxy


def proxies_of(environment: Mapping[str, str]) -> Proxies:
    """Return the proxies that variables name; those in lower case go before the others, an empty one means none.

    Raises ``BadSetting`` with one sentence, which names the variable and shows no login.
    """
    found: dict[str, Proxy] = {}
    for scheme in ("http", "https"):
        name, value = _variable(environment, f"{scheme}_proxy")
        if name is None:
            name, value = _variable(environment, "all_proxy")
        if name is not None and value:
            found[scheme] = _proxy(name, value)
    return Proxies(found, parse_no_proxy(_variable(environment, "no_proxy")[1]))


def parse_no_proxy(text: str) -> tuple[Exemption, ...]:
    """Read ``NO_PROXY``: entries with commas or spaces between; what cannot be read is left out, as curl does."""
    return tuple(entry for each in re.split(r"[\s,]+", text) if (entry := _exemption(each.lower())) is not None)


def _variable(environment: Mapping[str, str], name: str) -> tuple[str | None, str]:
    for each in (name, name.upper()):
        if each in environment:
            return each, environment[each].strip()
    return None, ""


def _proxy(name: str, value: str) -> Proxy:
    url = value if "://" in value else f"http://{value}"
    try:
        login = login_in(url)
        return Proxy(parse_address(url).origin, None if login is None else Login(*login))
    except ValueError as error:
        raise BadSetting(f"{name} cannot be used: {error}") from None


def _exemption(entry: str) -> Exemption | None:
    network = _network(entry)
    if network is not None:
        return Exemption(network=network)
    match = _ENTRY.fullmatch(entry)
    if match is None:
        return None
    port = None if match["port"] is None else int(match["port"])
    network = _network(match["host"].strip("[]"))
    if network is not None:
        return Exemption(network=network, port=port)
    host = match["host"]
    domain = host if host == "*" else host.removeprefix("*").strip(".")
    return Exemption(domain, port=port) if domain and not domain.startswith("[") else None


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
