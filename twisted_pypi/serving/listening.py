"""The ports that are open, and who answers at each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import gatherResults, maybeDeferred
from twisted.internet.interfaces import IListeningPort

from twisted_pypi.serving.endpoints import Place, Speaks, address, listen, take_turns


class Ports:
    """All ports of one process."""

    def __init__(self, factories: Mapping[Speaks, Any]) -> None:
        """Have ``factories`` answer, by what is spoken."""
        self._factories = factories
        self._open: list[tuple[Place, IListeningPort]] = []

    def __bool__(self) -> bool:
        """Is any open?"""
        return bool(self._open)

    def open(self, places: Iterable[Place], *, in_turns: bool) -> None:
        """Listen, ``in_turns`` with other processes.  Raises ``CannotStart``."""
        for place in places:
            port = listen(place, self._factories[place.speaks])
            self._open.append((place, port))
            if in_turns:
                take_turns(port)

    async def close(self) -> None:
        """Listen no more; whoever is connected stays."""
        ports, self._open = self._open, []
        await gatherResults([maybeDeferred(port.stopListening) for _, port in ports])

    def addresses(self, prefix: str) -> list[str]:
        """Where it listens now, as URLs; port 0 is the one that the system chose."""
        return [address(place, port, prefix) for place, port in self._open]

    def numbers(self) -> frozenset[int]:
        """The TCP ports among those that are open."""
        # When the keeper closes a socket that its workers have too, their ports of it are gone at once.
        hosts = (port.getHost() for _, port in self._open if getattr(port, "connected", True))
        return frozenset(host.port for host in hosts if isinstance(host, IPv4Address | IPv6Address))

    def sockets(self) -> list[tuple[int, int, str | None, Speaks]]:
        """What other processes need to listen on the same: descriptor, family, endpoint string if there is one."""
        opened: list[tuple[Place, Any]] = list(self._open)
        return [
            (port.fileno(), port.addressFamily, place.name if place.option == "--listen" else None, place.speaks)
            for place, port in opened
            # One process alone shows the figures of all.
            if place.speaks is not Speaks.FIGURES
        ]
