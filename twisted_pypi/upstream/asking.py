"""One question to another index: its place in the queue, its login, its redirects, its time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from twisted.web.iweb import UNKNOWN_LENGTH, IResponse

from twisted_pypi.errors import UpstreamFailed
from twisted_pypi.upstream.addresses import Address, parse_address
from twisted_pypi.upstream.agents import Agents
from twisted_pypi.upstream.bodies import Reception, Take, Waste
from twisted_pypi.upstream.failures import broken_off, failed, failure_of
from twisted_pypi.upstream.logins import Logins
from twisted_pypi.upstream.patience import Limits, Patience
from twisted_pypi.upstream.retrying import parse_retry_after

T = TypeVar("T")

_MOST_REDIRECTS = 10
_OPERATOR = "check the address of the upstream index, or ask its operator"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer."""

    status: int
    address: Address
    """What answered, after redirects."""
    headers: Mapping[str, str]
    """Names in lower case; several of one name are joined by commas (RFC 9110 section 5.3)."""
    length: int | None
    """Bytes of the body, if it says so."""


Receive = Callable[[Head, Reception], Take]
"""Says who takes the body of an answer, or raises ``UpstreamFailed``."""


class Asking:
    """Asks questions."""

    def __init__(self, agents: Agents, clock: IReactorTime, logins: Logins, limits: Limits) -> None:
        """Measure time with ``clock``."""
        self._agents = agents
        self._clock = clock
        self._logins = logins
        self._limits = limits
        self._agent = f"twisted_pypi/{version('twisted_pypi')}"

    async def ask(self, url: str, headers: Mapping[str, str], receive: Receive, *, for_page: bool) -> tuple[Head, bool]:
        """Ask, and return the answer's head and whether it said where it ends, when its body was received.

        Redirects are followed, but not from https to http.  A login goes to
        the scheme, host and port that were asked first and, once a redirect
        led elsewhere, to nobody.  Raises ``UpstreamFailed``: ``BrokenOff``,
        if another try may succeed.
        """
        try:
            address = parse_address(url)
        except ValueError as error:
            raise UpstreamFailed(f"an address of an upstream index cannot be used: {error}") from None
        login = self._logins.for_address(address)
        for _ in range(_MOST_REDIRECTS + 1):
            sent = Headers({"User-Agent": [self._agent]})
            for name, value in headers.items():
                sent.setRawHeaders(name, [value])
            if login is not None:
                sent.setRawHeaders("Authorization", [login.header()])
            head, whole = await self._hop(address, sent, receive, for_page=for_page)
            if head.status not in _REDIRECTS:
                return head, whole
            target = _target(head)
            if target.origin != address.origin:
                login = None
            address = target
        raise failed(
            address, f"redirected more than {_MOST_REDIRECTS} times", "check the address of the upstream index"
        )

    async def _hop(self, address: Address, headers: Headers, receive: Receive, *, for_page: bool) -> tuple[Head, bool]:
        async with self._agents.place(address, for_page=for_page):
            patience = Patience(self._clock, self._limits)
            reception = Reception(patience)
            try:
                pending = _cancellable(self._agents.request(address, headers, patience))
                patience.give_up = pending.cancel
                response = await pending
                head = _head(address, response)
                return head, await _receive(head, response, receive, reception)
            except Exception as error:
                if isinstance(error, UpstreamFailed) or error is reception.refused:
                    raise
                if patience.over is not None:
                    raise broken_off(address, patience.over) from None
                if isinstance(error, CancelledError):
                    raise
                raise failure_of(error, address) from None
            finally:
                patience.stop()


async def _receive(head: Head, response: IResponse, receive: Receive, reception: Reception) -> bool:
    if head.status in _REDIRECTS:
        await _waste(response, reception)
        return True
    try:
        _check(head)
        take = receive(head, reception)
    except Exception as error:
        await _waste(response, reception)
        reception.refused = error
        raise
    return await reception.deliver(response, take)


async def _waste(response: IResponse, reception: Reception) -> None:
    try:
        await reception.deliver(response, Waste().take)
    except CancelledError:
        raise
    except Exception:  # noqa: BLE001, S110 - whatever becomes of a body that nobody wants
        pass


def _head(address: Address, response: IResponse) -> Head:
    headers = {
        name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
        for name, values in response.headers.getAllRawHeaders()
    }
    return Head(response.code, address, headers, None if response.length is UNKNOWN_LENGTH else response.length)


def _check(head: Head) -> None:
    status, address = head.status, head.address
    if status == 429 or status >= 500:
        after = parse_retry_after(head.headers.get("retry-after", ""), head.headers.get("date"))
        raise broken_off(address, f"answered {status}", retry_after=after)
    if status in {401, 403}:
        raise failed(address, f"answered {status}", "check its login: --upstream-netrc, or in the address of the index")
    if status == 407:
        raise failed(address, "was not asked: the proxy wants a login", "put one into HTTP_PROXY, or the right one")


def _target(head: Head) -> Address:
    try:
        target = head.address.joined(head.headers["location"])
    except (KeyError, ValueError):
        raise failed(head.address, f"answered {head.status} without an address to go to", _OPERATOR) from None
    if head.address.scheme == "https" and target.scheme == "http":
        raise failed(head.address, f"redirected from https to http ({target.netloc})", _OPERATOR)
    return target


def _cancellable(request: Deferred[T]) -> Deferred[T]:
    """Return a Deferred that fails with ``CancelledError`` when it is cancelled, whatever becomes of the request."""

    def cancel(outer: Deferred[T]) -> None:
        outer.errback(CancelledError())
        request.cancel()

    def done(result: T | Failure) -> None:
        if not outer.called:
            outer.callback(result)

    outer: Deferred[T] = Deferred(cancel)
    request.addBoth(done)
    return outer
