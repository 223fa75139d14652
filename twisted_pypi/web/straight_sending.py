"""Answers that go straight to the socket of a connection, in as few calls and segments as they can."""

from __future__ import annotations

import socket as sockets
from collections.abc import Sequence
from contextlib import suppress
from socket import socket
from typing import Any, cast

from twisted.internet.interfaces import IReactorTime
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, Request
from twisted.web.http_headers import Headers

MSG_MORE = getattr(sockets, "MSG_MORE", 0)
"""Tells the system that more follows at once; not every system knows it."""


MOST_WAITING = 16
"""Answers that wait for each other; with more, all go."""

AT_ONCE = 0.0001
"""Seconds between two answers of one turn of the reactor, at the most; a client that asks alone is slower."""


class Outbox:
    """Answers that are sent together at the end of a turn of the reactor, while there are several in each.

    Each one sent wakes its client, if it sleeps, and that costs the sender some
    microseconds; of several one after the other, a client that is awake by the
    first takes the others without.  One alone does not wait.
    """

    def __init__(self, reactor: IReactorTime) -> None:
        """Nothing waits."""
        self._reactor = reactor
        self._waiting: list[StraightSending] = []
        self._last = 0.0
        self._several = False

    def add(self, channel: StraightSending) -> None:
        """Have a channel send what it holds, now or at the end of this turn."""
        if not self._several:
            last, self._last = self._last, self._reactor.seconds()
            self._several = self._last - last < AT_ONCE
            if not self._several:
                channel.send_waiting()
                return
        self._waiting.append(channel)
        if len(self._waiting) == 1:
            self._reactor.callLater(0, self.flush)
        elif len(self._waiting) >= MOST_WAITING:
            self._send()

    def flush(self) -> None:
        """The turn ends: send everything."""
        if len(self._waiting) == 1:
            self._several, self._last = False, self._reactor.seconds()
        self._send()

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.send_waiting()


class StraightSending(HTTPChannel):
    """A channel that need not ask the reactor first whether its socket takes something."""

    outbox: Outbox
    _socket: socket | None = None
    _held: bytes | None = None
    _waiting = b""

    def connectionMade(self) -> None:
        """A client is there."""
        super().connectionMade()
        transport: Any = self.transport
        # TLS wraps the connection in something else, so this one's socket takes plain bytes.
        if isinstance(transport, Connection):
            self._socket = transport.socket

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # the base has a default
        """The client is gone."""
        self._waiting = b""
        self._socket = None
        super().connectionLost(reason)

    def at_rest(self) -> bool:
        """Is nothing waiting to be sent, and is the connection to stay?"""
        transport: Any = self.transport
        return not (
            self._waiting
            or getattr(transport, "dataBuffer", b"")
            or getattr(transport, "_tempDataBuffer", None)
            or getattr(transport, "disconnecting", False)
        )

    def send_whole(self, data: bytes, body: bytes = b"") -> None:
        """Send a finished answer, in one piece or two: straight to the socket where nothing waits before it.

        The transport would ask the reactor first whether the socket takes
        something, and wait a turn for the answer.
        """
        if self._socket is not None and self.at_rest():
            try:
                sent = self._socket.sendmsg((data, body)) if body else self._socket.send(data)
            except OSError:  # full, or gone: the transport finds out which
                sent = 0
            if sent == len(data) + len(body):
                return
            self.write((data + body)[sent:])
        else:
            self.write(data + body)

    def send_soon(self, data: bytes, body: bytes = b"") -> None:
        """The same, but at the end of this turn of the reactor, with other answers of it."""
        if self._socket is None or body or not self.at_rest():
            self.send_whole(data, body)
        else:
            self._waiting = data
            self.outbox.add(self)

    def send_waiting(self) -> None:
        """Send what waits for the end of this turn."""
        data, self._waiting = self._waiting, b""
        if data:
            self.send_whole(data)

    def write(self, data: bytes) -> None:
        """Send bytes, behind what waits."""
        self.send_waiting()
        super().write(data)

    def writeSequence(self, iovec: Sequence[bytes]) -> None:
        """Send bytes, behind what waits."""
        self.send_waiting()
        super().writeSequence(iovec)

    def loseConnection(self) -> None:
        """Close, when everything is sent."""
        self.send_waiting()
        super().loseConnection()

    def send_head(self, request: Request, *, more: bool) -> bool:
        """Send the head of an answer at once; ``more``: in one segment with what its sender writes to the socket next.

        False: the transport has to send it, or the rest of it, first.
        """
        if self._socket is None:
            return False
        self.send_waiting()
        if not self.at_rest():
            cast("Connection", self.transport).doWrite()
        if not self.at_rest():
            return False
        self._held = b""
        request.write(b"")
        head, self._held = self._held, None
        sent = 0
        with suppress(OSError):  # as above
            sent = self._socket.send(head, MSG_MORE if more else 0)
        if sent < len(head):
            self.write(head[sent:])
        return sent == len(head)

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Headers) -> None:
        """Send a head, in one piece, unless it is held back."""
        lines = [b"%b %b %b" % (version, code, reason)]
        lines += [name + b": " + value for name, values in headers.getAllRawHeaders() for value in values]
        head = b"\r\n".join((*lines, b"", b""))
        if self._held is None:
            self.write(head)
        else:
            self._held = head
