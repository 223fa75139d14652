"""Putting a reply on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IPullProducer
from zope.interface import implementer

from twisted_pypi.web.replies import Reply

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest

NO_BODY = frozenset({204, 304})

SERVER = b"twisted_pypi"
"""The ``Server`` header; it names no version, which would help only those who look for old ones."""


def send(request: IndexRequest, reply: Reply, *, finish: bool = True) -> None:
    """Send a whole answer; with ``finish=False`` the request stays open (its body is still coming)."""
    if request.gone:
        return
    request.setResponseCode(reply.status, reply.reason)
    request.responseHeaders.setRawHeaders(b"Server", [SERVER])
    request.responseHeaders.setRawHeaders(b"Date", [request.site.date()])
    for name, value in reply.headers:
        request.responseHeaders.addRawHeader(name, value)
    body = reply.body
    if isinstance(body, bytes):
        if reply.status not in NO_BODY:
            request.responseHeaders.setRawHeaders(b"Content-Length", [b"%d" % len(body)])
        request.write(b"" if request.method == b"HEAD" else body)
        if finish:
            request.finish()
    elif request.method == b"HEAD":
        request.write(b"")
        request.finish()
    else:
        _Pieces(request, iter(body)).start()


@implementer(IPullProducer)
class _Pieces:
    """Sends an iterable, one piece whenever the client has taken the last."""

    def __init__(self, request: IndexRequest, pieces: Iterator[bytes]) -> None:
        self._request = request
        self._pieces = pieces

    def start(self) -> None:
        self._request.registerProducer(self, streaming=False)

    def resumeProducing(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            self._request.unregisterProducer()
            self._request.finish()
        else:
            self._request.write(piece)

    def stopProducing(self) -> None:
        self._pieces = iter(())
