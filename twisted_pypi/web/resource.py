"""Leaves of the tree: a handler for each method, behind the guard."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from twisted_pypi.config import Action
from twisted_pypi.web.bodies import IndexRequest
from twisted_pypi.web.guard import Guard
from twisted_pypi.web.replies import Reply, WrongMethod
from twisted_pypi.web.sending import send

Handler = Callable[[IndexRequest], Coroutine[Deferred[Any], Any, Reply | None]]
"""Answers a request: returns the reply, or None when it sends the answer itself."""

Shortcut = Callable[[IndexRequest], bool]
"""Answers at once and returns True, or leaves the request to the handler."""


class Leaf(Resource):
    """One place of the tree, whatever follows in the path."""

    isLeaf = True

    def __init__(
        self,
        guard: Guard,
        methods: Mapping[bytes, tuple[Action | None, Handler]],
        shortcut: Shortcut | None = None,
        *,
        route: str = "other",
    ) -> None:
        """Serve ``methods``; HEAD is what GET is.

        ``shortcut`` is asked first for GET and HEAD that need no login any
        more; ``route`` is the word that requests are counted by.
        """
        super().__init__()
        self._route = route
        self._guard = guard
        self._methods = methods
        self._shortcut = shortcut

    def render(self, request: IRequest) -> int:
        """Find the handler and let it answer."""
        asked = cast("IndexRequest", request)
        if not asked.route:
            asked.route = self._route
        method = b"GET" if asked.method == b"HEAD" else asked.method
        entry = self._methods.get(method)
        if entry is None:
            error = WrongMethod(asked.method, {*self._methods, *([b"HEAD"] if b"GET" in self._methods else [])})
            send(asked, asked.site.reply_to(Failure(error), asked))
            return NOT_DONE_YET
        action, handler = entry
        if (
            self._shortcut is not None
            and method == b"GET"
            and self._guard.passes(asked, action)
            and self._shortcut(asked)
        ):
            return NOT_DONE_YET
        answer(asked, self._guarded(asked, action, handler))
        return NOT_DONE_YET

    async def _guarded(self, request: IndexRequest, action: Action | None, handler: Handler) -> Reply | None:
        if not self._guard.passes(request, action):
            await self._guard.admit(request, action)
        return await handler(request)


def answer(request: IndexRequest, coming: Coroutine[Deferred[Any], Any, Reply | None]) -> None:
    """Send what a handler returns, or what its error says."""

    def succeeded(reply: Reply | None) -> None:
        if reply is not None:
            send(request, reply)

    def failed(failure: Failure) -> None:
        if not request.gone and not request.startedWriting:
            send(request, request.site.reply_to(failure, request))
        elif not request.gone:
            request.site.reply_to(failure, request)
            request.channel.abort()

    Deferred.fromCoroutine(coming).addCallback(succeeded).addErrback(failed)
