"""Who did what by a request, from where and with which client, for whoever wants to know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from twisted_pypi.accounts.basic import parse_basic
from twisted_pypi.boundaries import Accounts, KnownFile, User
from twisted_pypi.boundaries.happenings import HappenedTo, Happening, HappeningKind, TellOfHappenings
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import LoginRequired, TooManyTries

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest

LONGEST_NAME = 200
"""Characters of a user name that nobody may have; names that are longer are cut."""

LONGEST_CLIENT = 300
"""Characters of what a client says it is."""


class Reports:
    """Makes happenings of requests."""

    def __init__(
        self,
        tell: TellOfHappenings,
        address: Callable[[IndexRequest], str],
        clock: Callable[[], float],
    ) -> None:
        """``address`` is of the client itself; ``clock`` is the time in seconds since the epoch."""
        self._tell = tell
        self._address = address
        self._clock = clock
        self._checking: set[tuple[bytes, str]] = set()

    def of(
        self,
        request: IndexRequest,
        kind: HappeningKind,
        files: Sequence[KnownFile] = (),
        *,
        project: ProjectName | None = None,
        reason: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Tell of what became of files, or of a project."""
        first = files[0].distribution if files else None
        self._tell(
            Happening(
                kind=kind,
                moment=self._clock(),
                project=project or (first.project if first else None),
                version=first.version if first else None,
                files=tuple(HappenedTo(each.filename, each.sha256) for each in files),
                user=request.login.name if request.login else None,
                address=self._address(request) or None,
                client=_client(request),
                reason=reason or None,
                detail=detail,
            )
        )

    async def log_in(self, accounts: Accounts, request: IndexRequest, authorization: bytes) -> User:
        """Return who sent this header, as ``accounts`` find, and tell of it if a password was checked.

        A login that is asked for several times at once is checked once, and
        told once.  Raises what ``accounts`` raise.
        """
        address = self._address(request)
        key = authorization, address
        if key in self._checking or accounts.remembered(authorization) is not None:
            return await accounts.log_in(authorization, address)
        self._checking.add(key)
        try:
            user = await accounts.log_in(authorization, address)
        except (LoginRequired, TooManyTries) as refused:
            login = parse_basic(authorization)
            name = None if login is None else login.name[:LONGEST_NAME]
            self._logged_in(HappeningKind.LOGIN_FAILED, request, address, name, str(refused))
            raise
        finally:
            self._checking.discard(key)
        self._logged_in(HappeningKind.LOGIN, request, address, user.name, None)
        return user

    def _logged_in(
        self, kind: HappeningKind, request: IndexRequest, address: str, name: str | None, detail: str | None
    ) -> None:
        self._tell(
            Happening(
                kind=kind,
                moment=self._clock(),
                user=name,
                address=address or None,
                client=_client(request),
                detail=detail,
            )
        )


def _client(request: IndexRequest) -> str | None:
    said = request.getHeader(b"user-agent")
    return said.decode("utf-8", "replace")[:LONGEST_CLIENT] if said else None
