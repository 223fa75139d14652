"""The figures on a port of their own, for whoever can reach it: nobody needs a login there, and nothing is logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, cast

from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource

from twisted_pypi.accounts.nobody import Nobody
from twisted_pypi.errors import NoSuchFile, TooLarge
from twisted_pypi.web.addresses import Addresses
from twisted_pypi.web.guard import Guard
from twisted_pypi.web.proxies import TrustedProxies
from twisted_pypi.web.replies import ErrorPages, Reply
from twisted_pypi.web.resource import Handler, Leaf
from twisted_pypi.web.site import IndexSite

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest

PATH = "/metrics"
"""Where Prometheus looks by default; the address that it has on the server itself is understood as well."""


def figures_site(
    show: Handler, prefix: str, error_pages: ErrorPages, proxies: TrustedProxies, reactor: Any
) -> IndexSite:
    """Return what answers there; ``prefix`` is the path under which the index itself is served."""
    guard = Guard(Nobody(), frozenset(), proxies)
    root = _Root(Leaf(guard, {b"GET": (None, show)}), Leaf(guard, {b"GET": (None, _nothing)}), prefix)
    addresses = Addresses("", None, proxies)
    return IndexSite(root, root, access_log=None, error_pages=error_pages, addresses=addresses, reactor=reactor)


class _Root(Resource):
    """The root of that port."""

    def __init__(self, figures: Leaf, nothing: Leaf, prefix: str) -> None:
        super().__init__()
        self._figures = figures
        self._nothing = nothing
        self._paths = {each.encode() for each in (PATH, f"{prefix}/-{PATH}", f"/-{PATH}")}

    def getChildWithDefault(self, _first: bytes, request: IRequest) -> IResource:
        """Find who answers."""
        return self._figures if cast("IndexRequest", request).path in self._paths else self._nothing

    async def receive(self, _request: IndexRequest, _length: int | None) -> NoReturn:
        """Take no body."""
        raise TooLarge("a request for the figures has no body; send it without one")


async def _nothing(_request: IndexRequest) -> Reply:
    raise NoSuchFile(f"there is nothing at this address; the figures are at {PATH}")
