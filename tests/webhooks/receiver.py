"""A receiver of webhooks on loopback, which answers what a test wrote for it."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import TCP4ServerEndpoint, wrapServerTLS
from twisted.internet.interfaces import IListeningPort, IOpenSSLServerConnectionCreator
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from twisted_pypi.testing.connections import CountedConnections


@dataclass(frozen=True, slots=True)
class Received:
    """A message that came."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        """What its body says."""
        return json.loads(self.body)

    def signed_by(self, secret: str) -> bool:
        """Is it signed by a secret in Base64, as a receiver finds out?"""
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = b64encode(hmac.digest(b64decode(secret), signed, "sha256")).decode()
        return f"v1,{expected}" in self.headers["webhook-signature"].split()


class Receiver:
    """A server that takes POST requests at any path."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[int | None] = []
        """The statuses of the next answers; ``None``: none comes.  After them it is 204."""
        self.headers: dict[str, str] = {}
        """Of each answer."""
        self.body = b""
        """Of each answer but 204."""
        self.endless = False
        """Does the body of an answer but 204 never end?"""
        self.connections = CountedConnections(Site(_Everything(self), reactor=cast("Any", reactor)))
        self._port: IListeningPort | None = None
        self._scheme = "http"

    @property
    def port(self) -> int:
        return cast("int", cast("Any", self._port).getHost().port)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    async def start(self, tls: IOpenSSLServerConnectionCreator | None = None) -> None:
        endpoint: Any = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        if tls is not None:
            endpoint, self._scheme = wrapServerTLS(tls, endpoint), "https"
        self._port = await endpoint.listen(self.connections)

    async def stop(self) -> None:
        await maybeDeferred(cast("Any", self._port).stopListening)
        await self.connections.close()


@asynccontextmanager
async def a_receiver(tls: IOpenSSLServerConnectionCreator | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start(tls)
    try:
        yield receiver
    finally:
        await receiver.stop()


class _Everything(Resource):
    isLeaf = True

    def __init__(self, receiver: Receiver) -> None:
        super().__init__()
        self._receiver = receiver

    def render_POST(self, request: Request) -> bytes | int:
        headers = {
            name.decode().lower(): values[-1].decode() for name, values in request.requestHeaders.getAllRawHeaders()
        }
        body = cast("Any", request.content).read()
        self._receiver.received.append(Received(request.uri.decode(), headers, body))
        status = self._receiver.answers.pop(0) if self._receiver.answers else 204
        if status is None:
            request.notifyFinish().addErrback(lambda _: None)
            return NOT_DONE_YET
        request.setResponseCode(status)
        for name, value in self._receiver.headers.items():
            request.setHeader(name, value)
        if self._receiver.endless and status != 204:
            request.notifyFinish().addErrback(lambda _: None)
            request.write(self._receiver.body)
            return NOT_DONE_YET
        return b"" if status == 204 else self._receiver.body
