"""Which proxies are trusted: addresses, networks, and names that are resolved again and again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IReactorTime,
    IResolutionReceiver,
)
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

from twisted_pypi.errors import BadSetting

Network = IPv4Network | IPv6Network
Resolve = Callable[[str], Awaitable[Iterable[str]]]
"""Finds the addresses of a host name; may raise anything."""

UNIX = "unix"
"""The setting that trusts whoever connects to a Unix socket, which is whoever its file permissions let in."""

EVERY = 60.0
"""Seconds between two resolutions of the names: a container that starts again has a new address."""

REMEMBERED = 4096
"""Hosts whose trust is known without looking at the networks."""

REPORTED = 256
"""Peers that are reported for headers of theirs that were ignored; further ones are not."""


class TrustedProxies(Service):
    """The proxies whose forwarding headers are believed.

    Names are resolved while the service is started; until the first answer,
    and when a name has none, they trust nobody, or whom they trusted last.
    """

    log = Logger()

    def __init__(
        self, addresses: Sequence[str], resolve: Resolve | None = None, clock: IReactorTime | None = None
    ) -> None:
        """Trust addresses, networks (CIDR), host names and ``unix``.

        ``resolve`` and ``clock`` are needed for names only.  Raises
        ``BadSetting`` for what is none of these.
        """
        self._unix = UNIX in addresses
        self._networks, self._names = _sorted_out(addresses)
        self._resolve = resolve
        self._named: dict[str, frozenset[str]] = {}
        self._known: dict[str, bool] = {}
        self._reported: set[str] = set()
        self._silent: set[str] = set()
        self._loop: LoopingCall | None = None
        if self._names and (resolve is None or clock is None):
            raise BadSetting(
                f"--trusted-proxy {self._names[0]}: names cannot be resolved here, an address was expected"
            )
        if self._names:
            self._loop = LoopingCall(self._resolve_all)
            if clock is not None:
                self._loop.clock = clock

    def startService(self) -> None:
        """Resolve the names, now and every minute."""
        super().startService()
        if self._loop is not None:
            self._loop.start(EVERY)

    def stopService(self) -> None:
        """Resolve no more."""
        super().stopService()
        if self._loop is not None and self._loop.running:
            self._loop.stop()

    def is_trusted(self, host: str) -> bool:
        """Is this the address of a trusted proxy?  Empty, or ``unix``, is a Unix socket.  Well under 1 us."""
        known = self._known.get(host)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[host] = self._find_out(host)
        return known

    def ignored(self, peer: str) -> None:
        """Report, once for each peer, that its forwarding headers were not believed."""
        if peer in self._reported or len(self._reported) >= REPORTED:
            return
        self._reported.add(peer)
        self.log.warn(
            "forwarding headers of {peer} are ignored: if that is a proxy of yours, add --trusted-proxy {setting}",
            peer=peer or "a Unix socket",
            setting=peer or UNIX,
        )

    def _find_out(self, host: str) -> bool:
        if host in {"", UNIX}:
            return self._unix
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if any(address in network for network in self._networks):
            return True
        return any(str(address) in found for found in self._named.values())

    async def _resolve_all(self) -> None:
        for name in self._names:
            await self._resolve_one(name)

    async def _resolve_one(self, name: str) -> None:
        if self._resolve is None:
            return
        try:
            found = frozenset(str(ip_address(each.partition("%")[0])) for each in await self._resolve(name))
        except Exception as error:  # noqa: BLE001  # a resolver may fail in any way, and the loop must go on
            self._not_found(name, str(error) or type(error).__name__)
            return
        if not found:
            self._not_found(name, "it has no address")
            return
        self._silent.discard(name)
        if found != self._named.get(name):
            self._named[name] = found
            self._known.clear()
            self.log.info("the trusted proxy {name} is {found}", name=name, found=", ".join(sorted(found)))

    def _not_found(self, name: str, reason: str) -> None:
        if name not in self._silent:
            self._silent.add(name)
            self.log.warn(
                "--trusted-proxy {name} cannot be resolved ({reason}): it is tried again every {every:.0f} seconds",
                name=name,
                reason=reason,
                every=EVERY,
            )


def _sorted_out(addresses: Sequence[str]) -> tuple[tuple[Network, ...], tuple[str, ...]]:
    networks: list[Network] = []
    names: list[str] = []
    for each in addresses:
        if each == UNIX:
            continue
        try:
            networks.append(ip_network(each, strict=False))
        except ValueError:
            if not _is_host_name(each):
                raise BadSetting(
                    f"--trusted-proxy {each!r} is not an address, a network such as 10.0.0.0/8, a host name or {UNIX!r}"
                ) from None
            names.append(each)
    return tuple(networks), tuple(names)


def _is_host_name(text: str) -> bool:
    """Is this a host name?  One of digits alone is a mistyped address."""
    labels = text.rstrip(".").split(".")
    plain = all(each and each.replace("-", "").replace("_", "").isalnum() for each in labels)
    return plain and text.isascii() and not labels[-1].isdigit()


@implementer(IResolutionReceiver)
class _Collected:
    """The addresses of one resolution, and a Deferred for its end."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.complete: Deferred[list[str]] = Deferred()

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Note nothing."""

    def addressResolved(self, address: IAddress) -> None:
        """Note an address."""
        host = getattr(address, "host", None)
        if isinstance(host, str):
            self.addresses.append(host)

    def resolutionComplete(self) -> None:
        """End."""
        self.complete.callback(self.addresses)


def resolve_by(resolver: IHostnameResolver) -> Resolve:
    """Return how names are resolved by a resolver such as ``reactor.nameResolver``."""

    def resolve(name: str) -> Deferred[list[str]]:
        collected = _Collected()
        resolver.resolveHostName(collected, name)
        return collected.complete

    return resolve
