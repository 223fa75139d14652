"""The page at ``/-/why/<project>``, for people."""

from __future__ import annotations

from twisted_pypi.policy.explanation import Explanation, State, files_of, sentences
from twisted_pypi.web.people.templates import HTML, Templates
from twisted_pypi.web.replies import Reply

_GIVEN_OUT = {State.LOCAL, State.CACHED, State.AVAILABLE}


class ExplanationPage:
    """Whose a project is, and every file with what becomes of it."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def page(self, explanation: Explanation, version: str | None) -> Reply:
        """Return the page; with ``version``, of the files of one release."""
        files = files_of(explanation, version)
        said = list(sentences(explanation, version))
        rows = [(file, file.state in _GIVEN_OUT) for file in files]
        body = self._templates.page(
            "why", project=explanation.project, version=version, lines=said[: len(said) - len(files)], rows=rows
        )
        return Reply(200, (HTML, *self._templates.headers), body)
