"""Reading a project page of another index, whatever it is written as."""

from __future__ import annotations

import re
from dataclasses import dataclass

from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import UpstreamFailed
from twisted_pypi.simple import foreign, read_html, read_json
from twisted_pypi.simple.model import ProjectPage

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
"""What to ask another index for (PEP 691, "Version + Format Selection")."""

_JSON = "application/vnd.pypi.simple.v1+json"
_CHARSET = re.compile(r"(?i)charset\s*=\s*[\"']?([A-Za-z0-9_-]+)")
_LATIN = frozenset({"iso-8859-1", "latin-1", "latin1", "windows-1252"})
_HTML = frozenset({"application/vnd.pypi.simple.v1+html", "text/html"})


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page, and what was not taken of it."""

    page: ProjectPage
    """The page; the URLs of its files are absolute."""
    left_out: int
    """How many of its files were left out."""
    reasons: tuple[str, ...]
    """Why, for the first of them, each a sentence."""


def read_page(body: bytes, content_type: str, url: str, project: ProjectName) -> ReadPage:
    """Return what a stranger's page says of a project.

    ``url`` is where it was got from: relative addresses are relative to it
    (PEP 503).  One strange file is left out; a page that cannot be understood
    raises ``UpstreamFailed``, and nothing else is raised.  Call it in a thread:
    a large page takes a while, and HTML brings a large library with it.
    """
    kind, _, parameters = content_type.partition(";")
    kind, gathered = kind.strip().lower(), foreign.Gathered(project)
    if kind == _JSON:
        page = read_json.read(body, url, gathered)
    elif kind in _HTML:
        page = read_html.read(body, _charset(parameters), url, gathered)
    else:
        raise UpstreamFailed(f"{url} answered with {foreign.shown(content_type)}; expected {_JSON} or text/html")
    return ReadPage(page, gathered.left_out, tuple(gathered.reasons))


def _charset(parameters: str) -> str:
    named = _CHARSET.search(parameters)
    return "latin-1" if named is not None and named[1].lower() in _LATIN else "utf-8"
