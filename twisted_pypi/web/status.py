"""``/-/status``: what is served, what is wrong, and what upstream indexes took back; as JSON or as a page."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from twisted_pypi.boundaries import Index, User
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import TwistedPyPIError
from twisted_pypi.policy.moments import iso
from twisted_pypi.recalling.report import RecalledFile, Taker, write_recall
from twisted_pypi.simple.negotiate import names_type
from twisted_pypi.web.bodies import IndexRequest
from twisted_pypi.web.replies import Reply

if TYPE_CHECKING:
    from twisted_pypi.upstream.health import IndexHealth


class Recalls(Protocol):
    """Who knows what was taken back."""

    async def recalls(self) -> list[RecalledFile]:
        """Every file.  Raises ``Busy`` and ``Unreadable``."""

    def troubles(self) -> list[str]:
        """What an operator should know, in sentences."""


class Takers(Protocol):
    """Who knows who took which file."""

    async def takers_of(
        self, files: Collection[tuple[ProjectName, str]]
    ) -> Mapping[tuple[ProjectName, str], list[Taker]]:
        """Who took each of these files.  Raises ``Unreadable``."""


class Told(Protocol):
    """Who knows what came of scans and updates."""

    def document(self) -> Mapping[str, Any]:
        """Return ``started`` (seconds since the epoch), ``scan`` and, where there are updates, ``update``."""


class StatusPages(Protocol):
    """Who writes it down for people."""

    def page(self, report: Report) -> Reply:
        """Return the page."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """What there is to say of upstream indexes, as far as they are asked."""

    recalls: Recalls | None = None
    takers: Takers | None = None
    upstreams: Callable[[], Sequence[IndexHealth]] | None = None
    cache: Callable[[], tuple[int, int]] | None = None
    """How many files of upstream's are kept, and their bytes."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is told."""

    document: Mapping[str, Any]
    """As JSON has it."""
    recalled: Sequence[tuple[RecalledFile, Sequence[Taker] | None]] = ()
    """What was taken back, and for those who may know it, who has it."""


class Status:
    """Answers ``/-/status``."""

    def __init__(
        self,
        index: Index,
        counts: Callable[[], tuple[int, int]],
        version: str,
        troubles: Callable[[], list[str]],
        progress: Told,
        *,
        clock: Callable[[], float],
        mirror: Mirror | None = None,
        admins: Collection[str] = (),
        identify: Callable[[IndexRequest], Awaitable[User | None]] | None = None,
        pages: StatusPages | None = None,
    ) -> None:
        """Report on ``index``, ``progress`` and ``mirror``; ``clock`` tells seconds since the epoch.

        ``admins`` may see who took what; ``identify`` says who they are where
        nobody needs a login.  Without ``pages`` everybody gets JSON.
        """
        self._index = index
        self._counts = counts
        self._version = version
        self._troubles = troubles
        self._progress = progress
        self._clock = clock
        self._mirror = mirror or Mirror()
        self._admins = frozenset(admins)
        self._identify = identify
        self._pages = pages

    async def get(self, request: IndexRequest) -> Reply:
        """Return the report, once all names are known."""
        may_know = await self._is_admin(request)
        await self._index.projects()
        report = await self._report(may_know=may_know)
        vary = (b"Vary", b"Accept")
        if self._pages is not None and names_type((request.getHeader(b"accept") or b"").decode("latin-1"), "text/html"):
            reply = self._pages.page(report)
            return Reply(reply.status, (*reply.headers, vary), reply.body)
        headers = ((b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store"), vary)
        return Reply(200, headers, json.dumps(report.document, indent=1).encode() + b"\n")

    async def _is_admin(self, request: IndexRequest) -> bool:
        if not self._admins:
            return False
        user = request.login
        if user is None and self._identify is not None:
            user = await self._identify(request)
        return user is not None and user.name in self._admins

    async def _report(self, *, may_know: bool) -> Report:
        mirror, troubles = self._mirror, self._troubles()
        recalled: list[tuple[RecalledFile, list[Taker] | None]] = []
        if mirror.recalls is not None:
            troubles = [*troubles, *mirror.recalls.troubles()]
            try:
                recalled = await self._recalled(mirror.recalls, may_know=may_know)
            except TwistedPyPIError as problem:
                troubles.append(f"what upstream indexes took back cannot be told at the moment: {problem}")
        projects, files = self._counts()
        progress = self._progress.document()
        document: dict[str, Any] = {
            "version": self._version,
            "started": iso(int(progress["started"] * 1e9)),
            "uptime": max(0, int(self._clock() - progress["started"])),
            "projects": projects,
            "files": files,
            "troubles": troubles,
            "scan": progress["scan"],
        }
        if mirror.upstreams is not None:
            document["upstreams"] = [_health(each) for each in mirror.upstreams()]
        if mirror.cache is not None:
            document["cache"] = dict(zip(("files", "bytes"), mirror.cache(), strict=True))
        if "update" in progress:
            document["update"] = progress["update"]
        if mirror.recalls is not None:
            document["recalls"] = [write_recall(each, takers) for each, takers in recalled]
        return Report(document, recalled)

    async def _recalled(self, recalls: Recalls, *, may_know: bool) -> list[tuple[RecalledFile, list[Taker] | None]]:
        found = await recalls.recalls()
        if not may_know or self._mirror.takers is None:
            return [(each, None) for each in found]
        takers = await self._mirror.takers.takers_of({(each.project, each.filename) for each in found})
        return [(each, takers[each.project, each.filename]) for each in found]


def _health(health: IndexHealth) -> Mapping[str, Any]:
    return {
        "index": health.index,
        "failing": health.failing,
        "failure": health.failure,
        "last-success": _moment(health.last_success_ns),
        "last-failure": _moment(health.last_failure_ns),
    }


def _moment(ns: int | None) -> str | None:
    return None if ns is None else iso(ns)
