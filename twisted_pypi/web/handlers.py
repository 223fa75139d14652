"""Handlers that hand a request's words on to those who know the answer."""

from __future__ import annotations

from twisted_pypi.errors import BadForm, NoSuchProject
from twisted_pypi.web.bodies import IndexRequest
from twisted_pypi.web.conditions import is_none_match
from twisted_pypi.web.legacy import LegacyJson, Search
from twisted_pypi.web.people.listing import Listing
from twisted_pypi.web.people.welcome import Welcome
from twisted_pypi.web.replies import Reply
from twisted_pypi.web.small_body import SmallBody
from twisted_pypi.web.status import Status

__all__ = ["TEXT", "Bindings", "Status", "health"]

TEXT = (b"Content-Type", b"text/plain; charset=utf-8")


async def health(_request: IndexRequest) -> Reply:
    """Say that the server answers; the words are the old server's."""
    return Reply(200, (TEXT, (b"Cache-Control", b"no-store")), b"Ok")


class Bindings:
    """Handlers of what needs no more of a request than an address or a body."""

    def __init__(self, welcome: Welcome, listing: Listing, legacy: LegacyJson, search: Search) -> None:
        """Answer by these."""
        self._welcome = welcome
        self._listing = listing
        self._legacy = legacy
        self._search = search

    async def welcome(self, request: IndexRequest) -> Reply:
        """Answer ``/``."""
        return await self._welcome.page(request.site.base_url(request))

    async def all_files(self, _request: IndexRequest) -> Reply:
        """Answer ``/packages/``."""
        return await self._listing.page()

    async def project_json(self, request: IndexRequest) -> Reply:
        """Answer ``/<project>/json``, and with a version."""
        try:
            words = [each.decode() for each in (request.postpath or [])[:-1]]
        except UnicodeDecodeError:
            raise NoSuchProject("no project has a name that is not UTF-8") from None
        version = words[1] if len(words) > 1 else None
        reply = await self._legacy.project(words[0], version, request.site.base_url(request))
        tags = request.getHeader(b"if-none-match")
        etag = dict(reply.headers)[b"ETag"].decode()
        unchanged = tags is not None and is_none_match(tags.decode("latin-1"), etag)
        return Reply(304, reply.headers[1:]) if unchanged else reply

    async def rpc(self, request: IndexRequest) -> Reply:
        """Answer ``/RPC2``."""
        if not isinstance(request.intake, SmallBody):
            raise BadForm("the request has no body; expected an XML-RPC call")
        return await self._search.call(request.intake.whole())
