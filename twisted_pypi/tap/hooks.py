"""Webhooks with their secret, and the way to each of them; imported only where there is one."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer, IResponse

from twisted_pypi.config import Config
from twisted_pypi.errors import BadSetting
from twisted_pypi.serving.ending import DRAIN_SECONDS, LAST_SECONDS
from twisted_pypi.upstream.addresses import Address, login_in, parse_address
from twisted_pypi.upstream.agents import Agents
from twisted_pypi.upstream.logins import Login
from twisted_pypi.upstream.patience import Limits, Patience
from twisted_pypi.upstream.proxies import proxies_of
from twisted_pypi.upstream.trust import Trust, read_authorities
from twisted_pypi.webhooks import Hook, Posting, Signer, Webhooks, read_secrets

MOST_AT_END, LEAST_AT_END = 3.0, 0.3
"""Seconds that webhooks are given at the end: as many as requests left over, between these."""

_LIMITS = Limits(connect=60.0, first_byte=60.0)
"""Those of ``webhooks`` are shorter."""


def make_webhooks(
    config: Config, environ: Mapping[str, str], reactor: Any, ending_since: Callable[[], float | None]
) -> Webhooks:
    """Return what tells the webhooks of these settings.  Blocking: files are read.  Raises ``BadSetting``."""

    def seconds_left() -> float:
        since = ending_since()
        gone = 0.0 if since is None else reactor.seconds() - since
        return min(MOST_AT_END, max(LEAST_AT_END, DRAIN_SECONDS + LAST_SECONDS / 2 - gone))

    return Webhooks(make_hooks(config, environ, reactor), lambda: token_hex(16), seconds_left)


def make_hooks(config: Config, environ: Mapping[str, str], reactor: Any) -> list[Hook]:
    """Return the webhooks of these settings.  Blocking: files are read.  Raises ``BadSetting``."""
    signer = Signer()
    if (path := config.webhook_secret_file) is not None:
        try:
            signer = Signer(read_secrets(Path(path).read_text("utf-8"), path))
        except (OSError, UnicodeDecodeError) as problem:
            raise BadSetting(f"the secret of webhooks cannot be read from {path} ({problem})") from None
    authorities = [each for name in filter(None, [environ.get("SSL_CERT_FILE")]) for each in read_authorities(name)]
    # Connections that are kept are often closed just when the next message comes, which may be hours later.
    agents = Agents(reactor, proxies_of(environ), Trust(authorities), keeps=False)
    agent = f"twisted_pypi/{version('twisted_pypi')}"
    return [
        Hook(shown(url), Posting(_sender(agents, url, reactor), agent), signer, clock=reactor, random=random.random)
        for url in config.webhooks
    ]


def shown(url: str) -> str:
    """Return as much of the address of a webhook as may be shown: paths and queries hold secrets, too."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _sender(agents: Agents, url: str, clock: IReactorTime) -> Callable[[Headers, IBodyProducer], Deferred[IResponse]]:
    try:
        address, found = parse_address(url), login_in(url)
    except ValueError as problem:
        raise BadSetting(f"a webhook cannot be used: {problem}") from None
    return _Sender(agents, address, None if found is None else Login(*found), clock).send


class _Sender:
    """Sends requests to one address, through a proxy where the variables name one."""

    def __init__(self, agents: Agents, address: Address, login: Login | None, clock: IReactorTime) -> None:
        self._agents = agents
        self._address = address
        self._login = login
        self._clock = clock

    def send(self, headers: Headers, body: IBodyProducer) -> Deferred[IResponse]:
        if self._login is not None:
            headers.setRawHeaders("Authorization", [self._login.header()])
        patience = Patience(self._clock, _LIMITS)

        def answered(result: IResponse) -> IResponse:
            patience.stop()
            return result

        return self._agents.request(self._address, headers, patience, b"POST", body).addBoth(answered)
