"""Addresses of other indexes, without the logins that may stand in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?|[0-9a-f:.]*:[0-9a-f:.]*")
_UNQUOTED = "%/:=&?~+!$,;'@()*[]|"


class Origin(NamedTuple):
    """Who answers at an address (RFC 6454 section 4)."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Address:
    """An http or https address without a login and without a fragment, in characters that may be sent."""

    origin: Origin
    target: str
    """Path and query."""

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return self.origin.scheme

    @property
    def host(self) -> str:
        """The host's name in lower case, or its IP address without brackets."""
        return self.origin.host

    @property
    def port(self) -> int:
        """The port, written or not."""
        return self.origin.port

    @property
    def netloc(self) -> str:
        """Host and port, the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """The address as a URL."""
        return f"{self.scheme}://{self.netloc}{self.target}"

    def joined(self, reference: str) -> Address:
        """What a reference found here means (RFC 3986 section 5).  Raises ``ValueError``."""
        return parse_address(urljoin(str(self), reference))


def parse_address(url: str) -> Address:
    """Read an address; a login in it is dropped.  Raises ``ValueError`` with a sentence that shows no login."""
    parts = _split(url)
    port = _port(parts)
    if parts.scheme not in _PORTS:
        raise ValueError("expected an address that begins with http:// or https://")
    host = _ascii(parts.hostname or "")
    if port == 0 or _HOST.fullmatch(host) is None:
        raise ValueError("expected an address with a host name and, if any, a port from 1 to 65535")
    target = quote(parts.path or "/", _UNQUOTED) + (f"?{quote(parts.query, _UNQUOTED)}" if parts.query else "")
    return Address(Origin(parts.scheme, host, port or _PORTS[parts.scheme]), target)


def login_in(url: str) -> tuple[str, str] | None:
    """The user and the password that stand in a URL, unquoted.  Raises ``ValueError``."""
    parts = _split(url)
    if parts.username is None and parts.password is None:
        return None
    return unquote(parts.username or ""), unquote(parts.password or "")


def without_login(url: str) -> str:
    """A URL as it may be shown: without a login.  What cannot be read as a URL is not shown at all."""
    try:
        parts = _split(url)
    except ValueError:
        return "(an address that cannot be read)"
    if not parts.netloc and "@" in url:
        return "(an address that cannot be read)"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url.strip())
    except ValueError:
        # The text of the original error may hold a part of the login.
        raise ValueError("expected an address that can be read as a URL") from None


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        return 0


def _ascii(host: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
