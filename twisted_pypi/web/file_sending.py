"""Sending the bytes of a file: by ``sendfile`` on plain TCP, piece by piece elsewhere.

``sendfile`` writes to a duplicate of the connection's socket, because the
reactor keeps one entry a descriptor and the connection itself must go on
noticing that its client went away.

A file that is still coming is sent as far as it may be; whoever sends it waits
then, without asking, until it is told of more.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from twisted.internet.interfaces import IPushProducer, IReactorFDSet, IWriteDescriptor
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from zope.interface import implementer

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest

PIECE = 1 << 18
"""Bytes read and written at once where there is no ``sendfile``."""

SENDFILE_PIECE = 2 << 20
"""Bytes given to ``sendfile`` in one turn of the reactor: other clients wait no longer than these take."""

Part = tuple[bytes, int, int]
"""Bytes to send first (only where there are several parts), then the file from the first offset up to the second."""


class Coming(Protocol):
    """A file whose bytes are still coming."""

    @property
    def available(self) -> int:
        """How many of its first bytes may be sent."""

    @property
    def failed(self) -> bool:
        """Is it certain that no more will come?"""

    def watch(self, changed: Callable[[], None]) -> None:
        """Call ``changed``, on the reactor thread, whenever that is another number, or it has failed."""

    def unwatch(self, changed: Callable[[], None]) -> None:
        """Call it no more; harmless when that was said before."""


class Whole:
    """What is ``Coming`` of a file that is here: nothing."""

    failed = False

    def __init__(self, size: int) -> None:
        """Allow all of ``size`` bytes."""
        self.available = size

    def watch(self, changed: Callable[[], None]) -> None:
        """Do nothing: nothing will change."""

    def unwatch(self, changed: Callable[[], None]) -> None:
        """Do nothing."""


def send_file(
    request: IndexRequest, file: BinaryIO, parts: list[Part], tail: bytes = b"", coming: Coming | None = None
) -> None:
    """Send ``parts`` of an open file as the body of a request whose head is set, then ``tail``; close the file.

    Of a file that is still coming, each byte is sent when ``coming`` allows it;
    when it fails, so does the connection.
    """
    channel = request.channel
    transport: Any = channel.transport
    coming = coming or Whole(max(stop for _, _, stop in parts))
    plain = isinstance(transport, Connection) and IReactorFDSet.providedBy(transport.reactor)
    # Where nothing may be sent yet, the head goes alone: its client is to know that it was understood.
    follows = parts[0][1] < min(parts[0][2], coming.available)
    if plain and len(parts) == 1 and parts[0][1] < parts[0][2] and channel.send_head(request, more=follows):
        _BySendfile(request, file, transport, parts[0], coming).start()
    else:
        request.write(b"")
        _ByPieces(request, file, parts, tail, coming).start()


@implementer(IPushProducer)
class _ByPieces:
    """Reads and writes a piece whenever the connection's buffer is empty."""

    def __init__(self, request: IndexRequest, file: BinaryIO, parts: list[Part], tail: bytes, coming: Coming) -> None:
        self._request = request
        self._file = file
        self._parts = iter(parts)
        self._tail = tail
        self._coming = coming
        self._at = self._stop = 0
        self._paused = False
        self._waiting = False  # for bytes to come
        self._done = False

    def start(self) -> None:
        self._request.notifyFinish().addErrback(self._client_gone)
        self._request.registerProducer(self, streaming=True)
        self._coming.watch(self._changed)
        self._changed()

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        while not (self._paused or self._waiting or self._done):
            self._write_one()

    def _client_gone(self, _reason: Failure) -> None:
        self.stopProducing()

    def _changed(self) -> None:
        self._waiting = False
        if self._coming.failed and not self._done:
            self._break_off()
        elif not self._paused:
            self.resumeProducing()

    def _write_one(self) -> None:
        if self._at == self._stop:
            part = next(self._parts, None)
            if part is None:
                self._finish()
                return
            before, self._at, self._stop = part
            if before:
                self._request.write(before)
            return
        here = min(self._stop, self._coming.available) - self._at
        if here <= 0:
            self._waiting = True
        elif data := os.pread(self._file.fileno(), min(PIECE, here), self._at):
            self._at += len(data)
            self._request.write(data)
        else:  # the file became shorter while it was sent
            self._break_off()

    def _break_off(self) -> None:
        self.stopProducing()
        self._request.unregisterProducer()
        self._request.channel.abort()

    def _finish(self) -> None:
        self.stopProducing()
        self._request.write(self._tail)
        self._request.unregisterProducer()
        self._request.finish()

    def stopProducing(self) -> None:
        self._done = True
        self._coming.unwatch(self._changed)
        self._file.close()


@implementer(IWriteDescriptor)
class _BySendfile:
    """Writes to a duplicate of the connection's socket whenever that takes more."""

    def __init__(self, request: IndexRequest, file: BinaryIO, transport: Any, part: Part, coming: Coming) -> None:
        self._request = request
        self._file = file
        self._transport = transport
        self._reactor = transport.reactor
        self._coming = coming
        _, self._at, self._stop = part
        self._size = self._stop - self._at
        self._socket = -1

    def start(self) -> None:
        # What the socket takes at once needs no turn of the reactor, and mostly no second descriptor.
        if self._coming.available > self._at:
            self._write(self._transport.fileno())
        if self._file.closed:
            return
        self._request.notifyFinish().addErrback(self._client_gone)
        self._socket = os.dup(self._transport.fileno())
        self._coming.watch(self._changed)
        self._changed()

    def fileno(self) -> int:
        return self._socket

    def logPrefix(self) -> str:
        return "sendfile"

    def _changed(self) -> None:
        if self._socket == -1:
            return
        if self._coming.failed:
            self._give_up()
        elif self._coming.available > self._at:
            self._reactor.addWriter(self)

    def doWrite(self) -> Failure | None:
        if min(self._stop, self._coming.available) <= self._at:
            self._reactor.removeWriter(self)
        else:
            self._write(self._socket)
        return None

    def _write(self, to: int) -> None:
        upto = min(self._stop, self._coming.available)
        try:
            sent = os.sendfile(to, self._file.fileno(), self._at, min(SENDFILE_PIECE, upto - self._at))
        except BlockingIOError:
            return
        except OSError:
            self._give_up()
            return
        if sent == 0:  # the file became shorter while it was sent
            self._give_up()
            return
        self._at += sent
        if self._at == self._stop:
            self._close()
            self._request.sentLength += self._size
            self._request.finish()

    def connectionLost(self, _reason: Failure) -> None:
        """The reactor gave this descriptor up."""
        self._give_up()

    def _client_gone(self, _reason: Failure) -> None:
        self._request.sentLength += self._size - (self._stop - self._at)
        self._close()

    def _give_up(self) -> None:
        self._close()
        self._transport.connectionLost(Failure(CONNECTION_LOST))

    def _close(self) -> None:
        if self._socket != -1:
            self._coming.unwatch(self._changed)
            self._reactor.removeWriter(self)
            os.close(self._socket)
            self._socket = -1
        self._file.close()
