"""The API by which files are yanked and projects get their status (PEP 592, PEP 792).

``POST /-/projects/<project>/yank`` and ``unyank`` with ``version`` or
``filename``, ``POST /-/projects/<project>/status`` with ``status``, each with a
``reason`` if there is one, as JSON or as a form; ``GET`` of the last tells what
holds.  Answers are JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from twisted_pypi.boundaries import KnownFile, LocalFiles
from twisted_pypi.boundaries.happenings import HappeningKind
from twisted_pypi.distributions import ProjectName, is_project_name, normalize
from twisted_pypi.errors import BadForm, NoSuchProject, NotAllowed
from twisted_pypi.marking import Marker
from twisted_pypi.project_records import ProjectRecord
from twisted_pypi.web.replies import Reply
from twisted_pypi.web.small_body import SmallBody

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest
    from twisted_pypi.web.reports import Reports

PLACE = b"projects"
"""What the addresses have in front of the name, below ``/-/``."""

MARKS = frozenset({b"yank", b"unyank", b"status"})
"""What they have behind it."""

_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


class Marks:
    """Marks what a request names, and tells what is marked."""

    def __init__(
        self,
        marker: Marker,
        files: LocalFiles,
        record_of: Callable[[ProjectName], ProjectRecord],
        reports: Reports | None = None,
    ) -> None:
        """``record_of`` is what is kept of a project; ``reports`` tell whoever wants to know what was marked."""
        self._marker = marker
        self._files = files
        self._record_of = record_of
        self._reports = reports

    async def get(self, request: IndexRequest) -> Reply:
        """Tell the status of a project, and which of its files are yanked."""
        project, _ = _address(request)
        return _told(project, self._record_of(project), await self._files.files_of(project))

    async def post(self, request: IndexRequest) -> Reply:
        """Mark, and tell what holds then."""
        project, verb = _address(request)
        if request.getHeader(b"sec-fetch-site") not in {None, b"same-origin", b"none"}:
            raise NotAllowed(
                "a page of another site sent this; expected a request of a program, or of a page from here"
            )
        said = _said(request)
        if verb == "status":
            record = await self._marker.set_status(project, _one(said, "status"), said.get("reason", ""))
            self._report(request, HappeningKind.STATUS, project, reason=record.reason, detail=record.status)
        else:
            which = _one(said, "filename", "version")
            if verb == "yank":
                user = request.login.name if request.login else None
                marked = await self._marker.yank(project, which, said.get("reason", ""), user)
                self._report(request, HappeningKind.YANK, project, marked, reason=marked[0].yanked)
            else:
                marked = await self._marker.unyank(project, which)
                self._report(request, HappeningKind.UNYANK, project, marked)
        return _told(project, self._record_of(project), await self._files.files_of(project))

    def _report(
        self,
        request: IndexRequest,
        kind: HappeningKind,
        project: ProjectName,
        files: Sequence[KnownFile] = (),
        *,
        reason: str | None = None,
        detail: str | None = None,
    ) -> None:
        if self._reports is not None:
            self._reports.of(request, kind, files, project=project, reason=reason, detail=detail)


def is_place(rest: list[bytes]) -> bool:
    """Is this, behind ``/-/``, an address of the API?"""
    return len(rest) == 3 and rest[0] == PLACE and rest[2] in MARKS


def _address(request: IndexRequest) -> tuple[ProjectName, str]:
    _, name, verb = (each.decode("utf-8", "replace") for each in request.postpath or [])
    if not is_project_name(name):
        raise NoSuchProject(f"{name!r} is not the name of a project")
    return normalize(name), verb


def _said(request: IndexRequest) -> Mapping[str, str]:
    if not isinstance(request.intake, SmallBody):
        raise BadForm("the request has no body; expected JSON or a form")
    body = request.intake.whole()
    kind = (request.getHeader(b"content-type") or b"").decode("latin-1").split(";")[0].strip().lower()
    try:
        if kind == _FORM:
            return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50))
        if kind == _JSON:
            found = json.loads(body)
            if isinstance(found, dict) and all(isinstance(each, str) for each in found.values()):
                return found
            raise BadForm("expected a JSON object whose values are texts")
    except (ValueError, RecursionError) as problem:
        raise BadForm(f"the body cannot be read: {problem}") from problem
    raise BadForm(f"the body is {kind[:50]!r}; expected {_JSON} or {_FORM}")


def _one(said: Mapping[str, str], *names: str) -> str:
    given = [said[name] for name in names if said.get(name)]
    if len(given) != 1:
        raise BadForm(f"expected {' or '.join(names)}, and {len(given)} of them are given")
    return given[0]


def _told(project: ProjectName, record: ProjectRecord, files: Iterable[KnownFile]) -> Reply:
    yanked = {known.filename: known.yanked for known in files if known.yanked is not None}
    told = {"project": project, "status": record.status, "reason": record.reason, "yanked": yanked}
    headers = ((b"Content-Type", _JSON.encode()), (b"Cache-Control", b"no-store"))
    return Reply(200, headers, json.dumps(told, indent=1).encode() + b"\n")
