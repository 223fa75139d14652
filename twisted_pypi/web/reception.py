"""Who takes the body of a request: decided from its head, before the body comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted_pypi.config import Action
from twisted_pypi.errors import TooLarge
from twisted_pypi.web.bodies import Intake
from twisted_pypi.web.guard import Guard
from twisted_pypi.web.replies import WrongMethod
from twisted_pypi.web.small_body import SmallBody

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest
    from twisted_pypi.web.tree import Tree
    from twisted_pypi.web.uploads import Uploads

LONGEST_CALL = 1 << 16
"""Bytes of an XML-RPC call, and of what is said of a file or project."""


class Reception:
    """Lets in the bodies that somebody wants, after the login that they need."""

    def __init__(self, tree: Tree, guard: Guard, uploads: Uploads) -> None:
        """Ask ``tree`` what is where."""
        self._tree = tree
        self._guard = guard
        self._uploads = uploads

    async def receive(self, request: IndexRequest, length: int | None) -> Intake:
        """Return who takes the body.  Raises whatever refuses it."""
        place = self._tree.takes_body(request.path)
        if request.method != b"POST" or place is None:
            if request.method in {b"GET", b"HEAD"}:
                raise TooLarge("a GET or HEAD request has no body here; send it without one")
            raise WrongMethod(request.method, {b"GET", b"HEAD"} if place is None else {b"GET", b"HEAD", b"POST"})
        request.route = place
        if place == "upload":
            await self._guard.admit(request, Action.UPDATE)
            return await self._uploads.receive(request, length)
        await self._guard.admit(request, Action.UPDATE if place == "mark" else Action.LIST)
        if length is not None and length > LONGEST_CALL:
            what = "a body" if place == "mark" else "an XML-RPC call"
            raise TooLarge(f"{what} of {length} bytes is too long; at most {LONGEST_CALL} are taken")
        return SmallBody(LONGEST_CALL)
