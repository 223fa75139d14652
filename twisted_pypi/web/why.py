"""``/-/why/<project>``: whose a project is and how each of its files stands, as JSON or as a page."""

from __future__ import annotations

import json
from typing import Protocol
from urllib.parse import parse_qs

from twisted_pypi.boundaries import RunInThread
from twisted_pypi.distributions import ProjectName, is_project_name, normalize
from twisted_pypi.errors import BadForm, NoSuchProject
from twisted_pypi.policy.explanation import Explanation, write_document
from twisted_pypi.simple.negotiate import names_type
from twisted_pypi.web.bodies import IndexRequest
from twisted_pypi.web.replies import Reply

LONG = 200
"""An explanation of more files than this is written in a thread."""

PLACE = b"why"
"""What the address has in front of the name, below ``/-/``."""


class Explains(Protocol):
    """Who can tell."""

    async def explain(self, name: ProjectName) -> Explanation:
        """What there is to say of a project.  Raises ``Unreadable`` and ``Busy``."""


class ExplanationPages(Protocol):
    """Who writes it down for people."""

    def page(self, explanation: Explanation, version: str | None) -> Reply:
        """Return the page."""


class Why:
    """Answers with an explanation; with ``?version=``, of the files of one release."""

    def __init__(self, explainer: Explains, pages: ExplanationPages, run_in_thread: RunInThread) -> None:
        self._explainer = explainer
        self._pages = pages
        self._run_in_thread = run_in_thread

    async def get(self, request: IndexRequest) -> Reply:
        """Explain the project that the address names."""
        name = (request.postpath or [b""])[-1].decode("utf-8", "replace")
        if not is_project_name(name):
            raise NoSuchProject(f"{name!r} is not the name of a project; expected /-/why/<project>")
        version = _version(request.uri.partition(b"?")[2])
        explanation = await self._explainer.explain(normalize(name))
        for_people = names_type((request.getHeader(b"accept") or b"").decode("latin-1"), "text/html")
        if len(explanation.files) > LONG:
            return await self._run_in_thread(self._reply, explanation, version, for_people=for_people)
        return self._reply(explanation, version, for_people=for_people)

    def _reply(self, explanation: Explanation, version: str | None, *, for_people: bool) -> Reply:
        vary = (b"Vary", b"Accept")
        if for_people:
            reply = self._pages.page(explanation, version)
            return Reply(reply.status, (*reply.headers, vary), reply.body)
        headers = ((b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store"), vary)
        return Reply(200, headers, json.dumps(write_document(explanation, version), indent=1).encode() + b"\n")


def _version(query: bytes) -> str | None:
    try:
        asked = parse_qs(query.decode("latin-1"), max_num_fields=10).get("version")
    except ValueError as problem:
        raise BadForm(f"the query cannot be read: {problem}") from problem
    return asked[0] if asked else None


def is_why(rest: list[bytes]) -> bool:
    """Is this, behind ``/-/``, an address of an explanation?"""
    return len(rest) == 2 and rest[0] == PLACE
