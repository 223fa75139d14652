"""Who is told of what happens, besides the log: the audit log and webhooks; imported only where there is one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twisted.application.service import IService

from twisted_pypi.auditing import AppendOnlyFile, AuditLog
from twisted_pypi.boundaries import RunInThread
from twisted_pypi.boundaries.happenings import TellOfHappenings
from twisted_pypi.config import Config
from twisted_pypi.events import Happenings
from twisted_pypi.events.removals import Removals
from twisted_pypi.serving.starting import CannotStart
from twisted_pypi.tap.folders import Folders
from twisted_pypi.web.guard import Guard
from twisted_pypi.web.reports import Reports


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
        from twisted_pypi.tap.hooks import make_webhooks  # noqa: PLC0415  # who has none needs none of it

        webhooks = make_webhooks(config, environ, reactor, ending_since)
        happenings.subscribe(webhooks.tell)
        services.append(webhooks)
    return Outward(happenings.tell, (*services, removals), audit_logs)


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
