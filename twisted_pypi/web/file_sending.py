"""Sending the bytes of a file: by ``sendfile`` on plain TCP, piece by piece elsewhere.

``sendfile`` writes to a duplicate of the connection's socket, because the
reactor keeps one entry a descriptor and the connection itself must go on
noticing that its client went away.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO

from twisted.internet.interfaces import IPushProducer, IReactorFDSet, IWriteDescriptor
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from zope.interface import implementer

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest

PIECE = 1 << 18
"""Bytes read and written at once where there is no ``sendfile``."""

SENDFILE_PIECE = 1 << 20
"""Bytes given to ``sendfile`` in one turn of the reactor: other clients wait no longer than these take."""

Part = tuple[bytes, int, int]
"""Bytes to send first (only where there are several parts), then the file from the first offset up to the second."""


def send_file(request: IndexRequest, file: BinaryIO, parts: list[Part], tail: bytes = b"") -> None:
    """Send ``parts`` of an open file as the body of a request whose head is set, then ``tail``; close the file."""
    transport: Any = request.channel.transport
    reactor = getattr(transport, "reactor", None)
    request.write(b"")
    plain = isinstance(transport, Connection) and IReactorFDSet.providedBy(reactor)
    if plain and len(parts) == 1 and parts[0][1] < parts[0][2] and _flushed(transport):
        _BySendfile(request, file, transport, reactor, parts[0]).start()
    else:
        _ByPieces(request, file, parts, tail).start()


def _flushed(transport: Any) -> bool:
    """Send what waits in the connection's own buffer; is it all sent?"""
    transport.doWrite()
    return not transport.dataBuffer and not transport._tempDataBuffer  # noqa: SLF001  # there is no public question


@implementer(IPushProducer)
class _ByPieces:
    """Reads and writes a piece whenever the connection's buffer is empty."""

    def __init__(self, request: IndexRequest, file: BinaryIO, parts: list[Part], tail: bytes) -> None:
        self._request = request
        self._file = file
        self._parts = iter(parts)
        self._tail = tail
        self._left = 0
        self._paused = False
        self._done = False

    def start(self) -> None:
        self._request.registerProducer(self, streaming=True)
        self.resumeProducing()

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        while not self._paused and not self._done:
            self._write_one()

    def _write_one(self) -> None:
        if self._left == 0:
            part = next(self._parts, None)
            if part is None:
                self._finish()
                return
            before, start, stop = part
            self._file.seek(start)
            self._left = stop - start
            if before:
                self._request.write(before)
        elif data := self._file.read(min(PIECE, self._left)):
            self._left -= len(data)
            self._request.write(data)
        else:  # the file became shorter while it was sent
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
        self._file.close()


@implementer(IWriteDescriptor)
class _BySendfile:
    """Writes to a duplicate of the connection's socket whenever that takes more."""

    def __init__(self, request: IndexRequest, file: BinaryIO, transport: Any, reactor: Any, part: Part) -> None:
        self._request = request
        self._file = file
        self._transport = transport
        self._reactor = reactor
        _, self._at, self._stop = part
        self._size = self._stop - self._at
        self._socket = -1

    def start(self) -> None:
        self._request.notifyFinish().addErrback(self._client_gone)
        self._socket = os.dup(self._transport.fileno())
        self._reactor.addWriter(self)

    def fileno(self) -> int:
        return self._socket

    def logPrefix(self) -> str:
        return "sendfile"

    def doWrite(self) -> Failure | None:
        try:
            sent = os.sendfile(self._socket, self._file.fileno(), self._at, min(SENDFILE_PIECE, self._stop - self._at))
        except BlockingIOError:
            return None
        except OSError:
            self._give_up()
            return None
        if sent == 0:  # the file became shorter while it was sent
            self._give_up()
            return None
        self._at += sent
        if self._at == self._stop:
            self._close()
            self._request.sentLength += self._size
            self._request.finish()
        return None

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
            self._reactor.removeWriter(self)
            os.close(self._socket)
            self._socket = -1
            self._file.close()
