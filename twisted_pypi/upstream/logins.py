"""Logins for other indexes: from a file like netrc, or from the address of an index."""

from __future__ import annotations

import os
import stat
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from twisted_pypi.errors import BadSetting
from twisted_pypi.upstream.addresses import Address, Origin, login_in, parse_address
from twisted_pypi.upstream.netrc import Machine, parse_netrc


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password, which no ``repr`` shows."""

    user: str = field(repr=False)
    password: str = field(repr=False)

    def header(self) -> str:
        """The value of ``Authorization`` (RFC 7617, in UTF-8)."""
        return "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Logins:
    """Which login goes to which address."""

    _origins: Mapping[Origin, Login] = field(default_factory=dict, repr=False)
    _machines: Mapping[Machine, Login] = field(default_factory=dict, repr=False)
    _plain: frozenset[Origin] = frozenset()

    def for_address(self, address: Address) -> Login | None:
        """The login to send to an address.

        One that stood in the address of an index goes only to the same
        scheme, host and port.  One of a file goes to its host; over http only
        where that was asked for, by naming the port or by an index at such an
        address: a page must not be able to have a login sent in the clear.
        """
        login = self._origins.get(address.origin) or self._machines.get(Machine(address.host, address.port))
        if login is None and (address.scheme == "https" or address.origin in self._plain):
            login = self._machines.get(Machine(address.host, None))
        return login


def logins_of(upstreams: Iterable[str], netrc: str = "") -> Logins:
    """Return the logins in the addresses of indexes and in the text of a netrc file.

    Raises ``BadSetting`` with one sentence, which shows no login.
    """
    machines = {machine: Login(user, password) for machine, (user, password) in parse_netrc(netrc).items()}
    origins: dict[Origin, Login] = {}
    plain: set[Origin] = set()
    for number, url in enumerate(upstreams, 1):
        try:
            origin = parse_address(url).origin
            login = login_in(url)
        except ValueError as error:
            raise BadSetting(f"address number {number} of the upstream indexes cannot be used: {error}") from None
        if origin.scheme == "http":
            plain.add(origin)
        if login is not None:
            origins[origin] = Login(*login)
    return Logins(origins, machines, frozenset(plain))


def read_netrc(path: str) -> tuple[str, str | None]:
    """Return the text of a netrc file, and a warning if others may read it.  Blocking.  Raises ``BadSetting``."""
    try:
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read().decode()
    except OSError as error:
        raise BadSetting(f"the file of logins {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadSetting(f"the file of logins {path} cannot be read: expected text in UTF-8") from None
    if stat.S_IMODE(mode) & 0o077:
        return text, f"the file of logins {path} can be read by others than its owner; run chmod 600 {path}"
    return text, None
