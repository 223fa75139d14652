"""Wrong logins, counted and slowed.

A try is counted from the moment it is let through and taken back when the
login turns out to be right, so that many tries at once get no further than as
many in a row.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from math import ceil

from twisted.internet.interfaces import IReactorTime

from twisted_pypi.errors import TooManyTries

TRIES = 10
"""Wrong tries that are let through in a ``WINDOW``, for one user from one address."""

WINDOW = 60.0
"""Seconds after which a wrong try is forgotten."""

REMEMBERED = 10_000
"""Pairs of user and address that are counted; the one untouched longest is forgotten first."""


class Throttle:
    """How often each user was tried in vain from each address, of late."""

    def __init__(self, clock: IReactorTime, *, tries: int = TRIES, window: float = WINDOW) -> None:
        self._clock = clock
        self._limit = tries
        self._window = window
        self._tries: OrderedDict[bytes, list[float]] = OrderedDict()

    def begin(self, user: str, address: str) -> None:
        """Count a try that is not known to be right.  Raises ``TooManyTries``; that one is not counted.

        ``address`` is of the client itself; IPv6 is counted by its /64, which
        one client has at its will.  Loopback and Unix sockets (an empty
        address) are never slowed.
        """
        network = _network(address)
        if network is None:
            return
        now = self._clock.seconds()
        key = _key(user, network)
        recent = self._tries.setdefault(key, [])
        self._tries.move_to_end(key)
        # A time to come is from before the clock was set back.
        while recent and not now - self._window < recent[0] <= now:
            del recent[0]
        if len(recent) >= self._limit:
            wait = max(1, ceil(recent[0] + self._window - now))
            message = f"too many wrong logins for this user from {address}: try again in {wait} seconds"
            raise TooManyTries(message, wait)
        recent.append(now)
        if len(self._tries) > REMEMBERED:
            self._tries.popitem(last=False)

    def forgive(self, user: str, address: str) -> None:
        """Take back the latest try: it was right, or it was not checked."""
        network = _network(address)
        if network is None:
            return
        key = _key(user, network)
        recent = self._tries.get(key)
        if recent:
            recent.pop()
        if not recent:
            self._tries.pop(key, None)


def _network(address: str) -> str | None:
    """Return what is counted as one client; ``None`` for one that is never slowed."""
    if not address:
        return None
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    if parsed.is_loopback:
        return None
    return str(parsed) if parsed.version == 4 else parsed.packed[:8].hex()


def _key(user: str, network: str) -> bytes:
    # A digest, so that long names take no more memory than short ones.
    return blake2b(f"{user}\0{network}".encode(errors="surrogatepass"), digest_size=16).digest()
