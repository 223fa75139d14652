"""Who is told of what happens, besides the log: the audit log and webhooks; imported only where there is one of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

from twisted.application.service import IService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer, IResponse

from twisted_pypi.auditing import AppendOnlyFile, AuditLog
from twisted_pypi.boundaries import RunInThread
from twisted_pypi.boundaries.happenings import TellOfHappenings
from twisted_pypi.config import Config
from twisted_pypi.errors import BadSetting
from twisted_pypi.events import Happenings
from twisted_pypi.events.removals import Removals
from twisted_pypi.serving.ending import DRAIN_SECONDS, LAST_SECONDS
from twisted_pypi.serving.starting import CannotStart
from twisted_pypi.tap.folders import Folders
from twisted_pypi.upstream.addresses import Address, login_in, parse_address
from twisted_pypi.upstream.agents import Agents
from twisted_pypi.upstream.logins import Login
from twisted_pypi.upstream.patience import Limits, Patience
from twisted_pypi.upstream.proxies import proxies_of
from twisted_pypi.upstream.trust import Trust, read_authorities
from twisted_pypi.web.guard import Guard
from twisted_pypi.web.reports import Reports
from twisted_pypi.webhooks import Hook, Posting, Signer, Webhooks, read_secrets

MOST_AT_END, LEAST_AT_END = 3.0, 0.3
"""Seconds that webhooks are given at the end: as many as requests left over, between these."""

_LIMITS = Limits(connect=60.0, first_byte=60.0)
"""Those of ``webhooks`` are shorter."""


@dataclass(frozen=True, slots=True)
class Outward:
    """Who is told."""

    tell: TellOfHappenings
    services: tuple[IService, ...]
    """To be started first, and so stopped last."""
    log_files: tuple[AuditLog, ...]

    def reports(self, guard: Guard, clock: Callable[[], float]) -> Reports:
        """Return what makes happenings of requests, those of logins that ``guard`` asks for among them."""
        guard.reports = Reports(self.tell, guard.address, clock)
        return guard.reports


def make_outward(
    config: Config,
    folders: Folders,
    environ: Mapping[str, str],
    *,
    ending_since: Callable[[], float | None],
    run_in_thread: RunInThread,
    reactor: Any,
) -> Outward:
    """Return who is told of what happens in these folders, and by requests.

    ``ending_since`` is when the server began to end.  Files of settings are
    read.  Raises ``BadSetting``.
    """
    happenings = Happenings()
    removals = Removals(happenings, folders.local.files_of, reactor)
    folders.scanner.tell_of_gone(removals.noticed)
    audit_logs: tuple[AuditLog, ...] = ()
    services: list[IService] = []
    if config.audit_log is not None:
        audit_logs = (AuditLog(_AuditFile(config.audit_log), run_in_thread, reactor),)
        happenings.subscribe(audit_logs[0].tell)
        services += audit_logs
    if config.webhooks:

        def seconds_left() -> float:
            since = ending_since()
            gone = 0.0 if since is None else reactor.seconds() - since
            return min(MOST_AT_END, max(LEAST_AT_END, DRAIN_SECONDS + LAST_SECONDS / 2 - gone))

        webhooks = Webhooks(make_hooks(config, environ, reactor), lambda: token_hex(16), seconds_left)
        happenings.subscribe(webhooks.tell)
        services.append(webhooks)
    return Outward(happenings.tell, (*services, removals), audit_logs)


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


class _AuditFile(AppendOnlyFile):
    """An audit log without which the server does not start."""

    def open(self) -> None:
        try:
            super().open()
        except OSError as problem:
            raise CannotStart(
                f"The audit log {self.path} cannot be opened ({problem.strerror}): expected a file that can be written,"
                " with --audit-log."
            ) from None
