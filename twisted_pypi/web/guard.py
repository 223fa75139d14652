"""Who may do what: 401 for those who are not known, 403 for those who may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted_pypi.boundaries import Accounts, User
from twisted_pypi.config import Action
from twisted_pypi.errors import LoginRequired, NotAllowed
from twisted_pypi.web.forwarded import FORWARDING, client_address
from twisted_pypi.web.proxies import TrustedProxies

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest
    from twisted_pypi.web.reports import Reports


class Guard:
    """Asks for a login where an action needs one."""

    def __init__(
        self,
        accounts: Accounts,
        protected: frozenset[Action],
        proxies: TrustedProxies,
        *,
        closed: Callable[[], str | None] = lambda: None,
    ) -> None:
        """Guard ``protected`` actions; ``closed`` says why nobody may upload at all, if so."""
        self._accounts = accounts
        self._protected = protected
        self._proxies = proxies
        self._closed = closed
        self.reports: Reports | None = None
        """Tell of logins, if anybody wants to know."""

    def passes(self, request: IndexRequest, action: Action | None) -> bool:
        """May this request go on at once?  If not, ``admit`` finds out."""
        if action not in self._protected:
            return action is not Action.UPDATE or self._closed() is None
        authorization = request.getHeader(b"authorization")
        if authorization is None:
            return False
        user = self._accounts.remembered(authorization)
        if user is None:
            return False
        request.login = user
        return True

    async def admit(self, request: IndexRequest, action: Action | None) -> User | None:
        """Return who sent this request; ``None`` where no login is needed.

        Raises ``LoginRequired``, ``TooManyTries``, ``Busy``, and ``NotAllowed``
        for an upload to a server that takes none.
        """
        if self.passes(request, action):
            return request.login
        if action is Action.UPDATE and (why := self._closed()) is not None:
            raise NotAllowed(why)
        authorization = request.getHeader(b"authorization")
        if authorization is None:
            raise LoginRequired(f"a login is needed to {_VERB[action]} here")
        request.login = await self._log_in(request, authorization)
        return request.login

    async def identify(self, request: IndexRequest) -> User | None:
        """Return whose login this request has, also where none is needed; ``None``: it has none.

        Raises ``LoginRequired`` for a wrong one, ``TooManyTries`` and ``Busy``.
        """
        authorization = request.getHeader(b"authorization")
        if request.login is None and authorization is not None:
            request.login = await self._log_in(request, authorization)
        return request.login

    def address(self, request: IndexRequest) -> str:
        """Return the address of the client itself, as far as trusted proxies report it."""
        host = peer_host(request)
        # What most requests are is said at once; the exception is an IPv4 address in the clothes of IPv6.
        if not request.has_any(FORWARDING) and not host.startswith("::ffff:"):
            return host
        return client_address(host, request.headers_named, self._proxies)

    async def _log_in(self, request: IndexRequest, authorization: bytes) -> User:
        if self.reports is not None:
            return await self.reports.log_in(self._accounts, request, authorization)
        return await self._accounts.log_in(authorization, self.address(request))


_VERB = {Action.UPDATE: "upload", Action.DOWNLOAD: "download", Action.LIST: "list packages", None: "do this"}


def peer_host(request: IndexRequest) -> str:
    """Return the host of the other end of the connection; empty for a Unix socket."""
    return str(getattr(request.client, "host", ""))
