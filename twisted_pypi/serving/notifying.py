"""Telling systemd how far the server is: the datagrams of ``sd_notify(3)``."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

VARIABLE = "NOTIFY_SOCKET"


class Notifier:
    """The socket on which systemd, or whoever else started this, wants to hear of it."""

    def __init__(self, address: str, *, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        """Send to ``address``; with ``@`` at its start it has no place among the files."""
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._monotonic_ns = monotonic_ns

    def ready(self) -> None:
        """Say that it serves."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Say that settings are being read again; ``ready`` ends that."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={self._monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that it is ending."""
        self._send("STOPPING=1")

    def _send(self, words: str) -> None:
        # Nobody who listens is no reason to serve any worse.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(0)
            sender.sendto(words.encode(), self._address)


def notifier_of(environ: Mapping[str, str]) -> Notifier | None:
    """Return whom to tell, if somebody wants to know."""
    address = environ.get(VARIABLE, "")
    return Notifier(address) if address.startswith(("/", "@")) else None
