"""Plain HTTP beside HTTPS: everybody is sent on, and nobody's upload or password is taken."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from twisted_pypi.errors import NotAllowed, TwistedPyPIError
from twisted_pypi.web.handlers import TEXT
from twisted_pypi.web.replies import BadRequest, Reply, text_reply
from twisted_pypi.web.sending import send

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest, Intake

_HOST = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
"""The ``Host`` header (RFC 9110 section 7.2): a name or an address, and perhaps a port."""

_HTTPS = 443


class SendingOn(Resource):
    """Every address: readers are sent to the same one in HTTPS, and everything else is refused.

    It is a 301 (RFC 9110 section 15.4.2): a 308 would only differ for what is
    refused here, and older clients do not know it.
    """

    isLeaf = True

    def __init__(self, port: int, public_url: str | None, health: tuple[str, ...]) -> None:
        """Send to ``port`` of the host that was asked, or to the host of ``public_url`` if that is an https URL.

        ``health`` are the paths at which a monitor is answered here.
        """
        super().__init__()
        self._port = port
        known = urlsplit(public_url or "")
        self._place = known.netloc if known.scheme == "https" else None
        self._health = {each.encode() for each in health}

    def render(self, request: IRequest) -> int:
        """Answer a request whose body, if it has any, was not wanted."""
        asked = cast("IndexRequest", request)
        try:
            reply = self._reply(asked)
        except TwistedPyPIError:
            reply = asked.site.reply_to(Failure(), asked)
        send(asked, reply)
        return NOT_DONE_YET

    async def receive(self, request: IndexRequest, _length: int | None) -> Intake:
        """Refuse a body before it comes.  Raises ``NotAllowed``, and ``BadRequest`` without a host to send to."""
        raise self._refusal(request)

    def _reply(self, request: IndexRequest) -> Reply:
        if request.method not in {b"GET", b"HEAD"}:
            raise self._refusal(request)
        if request.path in self._health:
            return Reply(200, (TEXT, (b"Cache-Control", b"no-store")), b"Ok")
        target = self._https(request) + request.uri
        return text_reply(301, "this index is read over https", (b"Location", target))

    def _refusal(self, request: IndexRequest) -> NotAllowed:
        sentence = (
            "nothing is taken over plain HTTP, where others could read the password; use"
            f" {self._https(request).decode()}{request.path.decode('latin-1')}"
        )
        if request.getHeader(b"authorization") is not None:
            sentence += ", and change the password that was just sent"
        return NotAllowed(sentence)

    def _https(self, request: IndexRequest) -> bytes:
        """The scheme and the authority to go on with.  Raises ``BadRequest``."""
        if self._place is not None:
            return f"https://{self._place}".encode()
        host = _HOST.fullmatch((request.getHeader(b"host") or b"").decode("latin-1"))
        if host is None:
            raise BadRequest("the Host header is missing or names no host; expected that of this index")
        return f"https://{host[1]}{'' if self._port == _HTTPS else f':{self._port}'}".encode()
