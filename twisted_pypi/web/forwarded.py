"""What proxies report of a client and of the address it asked: believed from trusted ones alone.

``X-Forwarded-*`` and ``Forwarded`` (RFC 7239).  Whoever forwards appends on the
right, so lists are read from there and no further than trust reaches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, ip_address
from typing import Protocol

Headers = Callable[[bytes], list[bytes]]
"""All values of a header, by its name; a list without elements when it was not sent."""

FORWARDING = frozenset(
    {b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Host", b"X-Forwarded-Prefix", b"Forwarded"}
)
"""The headers that are read here, in the form that twisted.web gives to all names."""

_X_FORWARDED = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-prefix")
_LONGEST_PREFIX = 200
_LABELS = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?\.?"
_HOST = re.compile(rf"(?P<host>{_LABELS}|\[[0-9A-Fa-f:.]{{2,45}}\])(?::(?P<port>[0-9]{{1,5}}))?")
_PREFIX = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~@+-]+)*/?")
_PORT = re.compile(r":[0-9]{1,5}\Z")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


class Trust(Protocol):
    """Knows whose reports are believed."""

    def is_trusted(self, host: str) -> bool:
        """Is this address (empty: a Unix socket) that of a trusted proxy?"""

    def ignored(self, peer: str) -> None:
        """Note that ``peer``, which is not trusted, sent forwarding headers."""


def client_address(peer: str, headers: Headers, trusted: Trust) -> str:
    """Return the address of the client itself: the right-most hop that is not a trusted proxy.

    Where a hop cannot be understood (``unknown``, an obfuscated name, RFC 7239
    section 6), it is the last trusted one before it: never what a client
    could have made up.
    """
    return _walk(peer, headers, trusted)[0]


def external_base(  # noqa: PLR0917  # each is one plain fact of a request, in the order of the URL it makes
    peer: str, default_scheme: str, host_header: bytes | None, headers: Headers, prefix: str, trusted: Trust
) -> str:
    """Return the URL of the root as the client sees it, such as ``https://host:port/prefix``, without a last slash.

    ``X-Forwarded-Prefix`` is what proxies took away, so it comes before
    ``prefix``, which is our own (empty, or ``/path``).  A host that is none is
    ``localhost``.  The result holds no character that has a meaning in HTML.
    """
    scheme, host, outer = default_scheme, _text(host_header or b""), ""
    _, hops = _walk(peer, headers, trusted)
    if hops:
        if _uses_x_forwarded(headers):
            protocols, hosts = (_listed(headers(name)) for name in (b"x-forwarded-proto", b"x-forwarded-host"))
            outer = _outer_prefix(_listed(headers(b"x-forwarded-prefix")))
        else:
            elements = [_parameters(each) for each in _listed(headers(b"forwarded"))]
            protocols, hosts = ([each.get(name, "") for each in elements] for name in ("proto", "host"))
        scheme = _known_scheme(_nth_from_right(protocols, hops)) or default_scheme
        reported = _nth_from_right(hosts, hops)
        host = reported if _valid_host(reported, scheme) else host
    return f"{scheme}://{_valid_host(host, scheme) or 'localhost'}{outer}{prefix}"


def _walk(peer: str, headers: Headers, trusted: Trust) -> tuple[str, int]:
    """Return the address of the client, and how many trusted proxies stand before it."""
    if peer.startswith("::ffff:"):
        peer = _canonical(peer) or peer
    if not trusted.is_trusted(peer):
        if any(headers(name) for name in (*_X_FORWARDED, b"forwarded")):
            trusted.ignored(peer)
        return peer, 0
    # A proxy that sets one kind lets the other pass as the client made it up, so they are never mixed.
    if _uses_x_forwarded(headers):
        hops = _listed(headers(b"x-forwarded-for"))
    else:
        hops = [_parameters(each).get("for", "") for each in _listed(headers(b"forwarded"))]
    address, proxies = peer, 1
    for hop in reversed(hops):
        parsed = _hop_address(hop)
        if parsed is None:
            break
        address = parsed
        if not trusted.is_trusted(parsed):
            break
        proxies += 1
    return address, proxies


def _uses_x_forwarded(headers: Headers) -> bool:
    return any(headers(name) for name in _X_FORWARDED)


def _text(value: bytes) -> str:
    return value.decode("latin-1").strip(" \t")


def _listed(values: Sequence[bytes]) -> list[str]:
    """Return the elements of a list header.

    A comma within a quoted string is not looked for: trusted proxies write
    none, and a client could open a quote that swallows what they append.
    """
    return [_text(each) for value in values for each in value.split(b",")]


def _parameters(element: str) -> dict[str, str]:
    """Return the parameters of one element of ``Forwarded`` (RFC 7239 section 4), names in lower case."""
    pairs = (each.partition("=") for each in element.split(";"))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _canonical(text: str) -> str | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


def _hop_address(hop: str) -> str | None:
    """Return the address of a hop, without port and brackets; ``None`` when it is none."""
    hop = hop.strip('"')
    if hop.startswith("["):
        inside, _, port = hop[1:].partition("]")
        return _canonical(inside) if not port or _PORT.fullmatch(port) else None
    if hop.count(":") == 1:
        hop = _PORT.sub("", hop)
    return _canonical(hop)


def _nth_from_right(values: Sequence[str], number: int) -> str:
    """Return what the outermost trusted proxy reported; some append to the list, some put their own in its place."""
    return values[-min(number, len(values))] if values else ""


def _known_scheme(text: str) -> str | None:
    return text.lower() if text.lower() in _DEFAULT_PORTS else None


def _valid_host(text: str, scheme: str) -> str | None:
    """Return a host with its port, if that is not the scheme's own; ``None`` when it is none (RFC 9110 section 7.2)."""
    found = _HOST.fullmatch(text)
    if found is None:
        return None
    host, port = found["host"].lower(), found["port"]
    if host.startswith("["):
        inside = _canonical_v6(host[1:-1])
        if inside is None:
            return None
        host = f"[{inside}]"
    if port is None or port == _DEFAULT_PORTS.get(scheme):
        return host
    return f"{host}:{port}" if 0 < int(port) < 65_536 else None


def _canonical_v6(text: str) -> str | None:
    try:
        return str(IPv6Address(text))
    except ValueError:
        return None


def _outer_prefix(values: Sequence[str]) -> str:
    """Return what all proxies took from the path, the outermost first; empty when any of it is no plain path."""
    if not all(_PREFIX.fullmatch(each) for each in values):
        return ""
    joined = "".join(each.rstrip("/") for each in values)
    return joined if len(joined) <= _LONGEST_PREFIX else ""
