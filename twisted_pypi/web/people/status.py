"""The page at ``/-/status``, for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from twisted_pypi.recalling.report import Taker
from twisted_pypi.recalling.sentences import sentence, taken
from twisted_pypi.web.people.templates import HTML, Templates
from twisted_pypi.web.replies import Reply
from twisted_pypi.web.status import Report


class StatusPage:
    """What is served, what is wrong, and what was taken back."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def page(self, report: Report) -> Reply:
        """Return the page."""
        said = report.document
        recalled = [(each, sentence(each), _lines(takers)) for each, takers in report.recalled]
        body = self._templates.page(
            "status",
            said=said,
            uptime=str(timedelta(seconds=said["uptime"])),
            recalled=recalled if "recalls" in said else None,
            takers_shown=all(takers is not None for _, takers in report.recalled),
        )
        return Reply(200, (HTML, *self._templates.headers), body)


def _lines(takers: Iterable[Taker] | None) -> list[str]:
    return [] if takers is None else taken(takers)
