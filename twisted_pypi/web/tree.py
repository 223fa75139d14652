"""Who hangs where: the resource tree of the index.

/                       welcome; POST: upload
/health                 200, never a login
/simple/                list, pages; POST: upload   (also /+simple/)
/packages/              list of all files, files
/legacy/, /pypi/        POST: upload
/pypi/<p>/json, /pypi/<p>/<v>/json, /<p>/json      legacy JSON
/files/<p>/<file>       files of upstream indexes, where they are fetched for clients
/integrity/<p>/<v>/<file>/provenance               what is attested of a file
/RPC2                   XML-RPC search
/<p>, /<p>/             the way to /simple/<p>/
/-/projects/<p>/yank, unyank, status               what is said of files and projects later on
/-/why/<p>              whose a project is, and how each of its files stands
/-/...                  what is neither the old server's nor a standard's
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import unquote_to_bytes

from twisted.web.iweb import IRequest
from twisted.web.resource import Resource

from twisted_pypi.config import Action
from twisted_pypi.distributions import is_project_name, normalize
from twisted_pypi.errors import NoSuchFile, NoSuchProject
from twisted_pypi.web.bodies import IndexRequest
from twisted_pypi.web.guard import Guard
from twisted_pypi.web.marks import is_place
from twisted_pypi.web.replies import Reply, text_reply
from twisted_pypi.web.resource import Handler, Leaf, Shortcut
from twisted_pypi.web.why import is_why

if TYPE_CHECKING:
    from twisted.web.resource import IResource

GET, POST = b"GET", b"POST"
_AUTHORITY = re.compile(rb"https?://[^/]*", re.IGNORECASE)

UPLOAD_PLACES = frozenset({b"", b"simple", b"legacy", b"pypi"})
"""First and only segments of the addresses that take uploads, with or without a slash behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """What answers at each place."""

    welcome: Handler
    health: Handler
    simple: Handler
    simple_shortcut: Shortcut
    all_files: Handler
    file: Handler
    file_shortcut: Shortcut
    project_json: Handler
    provenance: Handler
    rpc: Handler
    upload: Handler
    marks: Handler
    mark: Handler
    upstream_file: Handler | None
    """Where files of upstream indexes are fetched for clients."""
    why: Handler
    own: Mapping[bytes, tuple[Action | None, Handler]]
    """What hangs under ``/-/``, by name."""


class Tree(Resource):
    """The root of everything."""

    def __init__(self, guard: Guard, handlers: Handlers, *, prefix: str, health: str) -> None:
        """Hang everything under ``prefix``; ``health`` is the path of the health page."""
        super().__init__()
        self._guard = guard
        self._prefix = [each.encode() for each in prefix.split("/") if each]
        below = [each.encode() for each in health.split("/") if each]
        self._health = (below, [*self._prefix, *below])
        self._handlers = handlers
        upload = (Action.UPDATE, handlers.upload)
        welcome = Leaf(guard, {GET: (Action.LIST, handlers.welcome), POST: upload}, route="welcome")
        self._health_leaf = Leaf(guard, {GET: (None, handlers.health)}, route="health")
        simple = Leaf(
            guard, {GET: (Action.LIST, handlers.simple), POST: upload}, handlers.simple_shortcut, route="simple"
        )
        all_files = Leaf(guard, {GET: (Action.LIST, handlers.all_files)}, route="all-files")
        file = Leaf(guard, {GET: (Action.DOWNLOAD, handlers.file)}, handlers.file_shortcut, route="file")
        only_upload = Leaf(guard, {POST: upload}, route="upload")
        self._json = Leaf(guard, {GET: (Action.LIST, handlers.project_json)}, route="json")
        provenance = Leaf(guard, {GET: (Action.DOWNLOAD, handlers.provenance)}, route="provenance")
        rpc = Leaf(guard, {POST: (Action.LIST, handlers.rpc)}, route="rpc")
        own = {name: Leaf(guard, {GET: entry}, route=name.decode()) for name, entry in handlers.own.items()}
        status = Leaf(guard, {GET: (Action.LIST, handlers.marks), POST: (Action.UPDATE, handlers.mark)}, route="mark")
        mark = Leaf(guard, {POST: (Action.UPDATE, handlers.mark)}, route="mark")
        why = Leaf(guard, {GET: (Action.LIST, handlers.why)}, route="why")
        upstream_file = handlers.upstream_file
        elsewhere = (
            None
            if upstream_file is None
            else Leaf(guard, {GET: (Action.DOWNLOAD, upstream_file)}, route="upstream-file")
        )
        self._project = Leaf(guard, {GET: (Action.LIST, _to_project)})
        packages = Leaf(guard, {GET: (None, _to_packages)})
        self._nothing = Leaf(guard, {GET: (None, _nothing_here)})
        self._places: dict[bytes, Callable[[list[bytes]], Leaf | None]] = {
            b"": lambda rest: self._nothing if rest else welcome,
            b"simple": lambda _rest: simple,
            b"+simple": lambda _rest: simple,
            b"files": lambda rest: elsewhere if len(rest) == 2 else None,
            b"packages": lambda rest: {(): packages, (b"",): all_files}.get(tuple(rest), file),
            b"pypi": lambda rest: self._json if _is_json(rest[1:]) else only_upload if _ends(rest) else None,
            b"legacy": lambda rest: only_upload if _ends(rest) else None,
            b"integrity": lambda rest: provenance if len(rest) == 4 and rest[3] == b"provenance" else None,
            b"RPC2": lambda rest: rpc if _ends(rest) else None,
            b"-": lambda rest: (
                (status if rest[2] == b"status" else mark)
                if is_place(rest)
                else why
                if is_why(rest)
                else own.get(b"/".join(rest), self._nothing)
            ),
            b"favicon.ico": lambda _rest: self._nothing,
            b"robots.txt": lambda _rest: self._nothing,
        }

    def getChildWithDefault(self, _first: bytes, request: IRequest) -> IResource:
        """Find who answers; ``request.postpath`` becomes what follows."""
        asked = cast("IndexRequest", request)
        segments = _segments(asked.path)
        if segments in self._health:
            return self._health_leaf
        if segments[: len(self._prefix)] != self._prefix:
            return self._nothing
        segments = segments[len(self._prefix) :] or [b""]
        place, asked.postpath = self._find(segments)
        return place

    def takes_body(self, path: bytes) -> Literal["upload", "rpc", "mark"] | None:
        """What a POST to this path would be, if it may have a body at all."""
        segments = _segments(path)
        if segments[: len(self._prefix)] != self._prefix:
            return None
        segments = segments[len(self._prefix) :] or [b""]
        if segments[0] == b"-" and is_place(segments[1:]):
            return "mark"
        if not _ends(segments[1:]):
            return None
        return "rpc" if segments[0] == b"RPC2" else "upload" if segments[0] in UPLOAD_PLACES else None

    def _find(self, segments: list[bytes]) -> tuple[Leaf, list[bytes]]:
        first, rest = segments[0], segments[1:]
        place = self._places.get(first)
        leaf = place(rest) if place is not None else None
        if leaf is not None:
            return leaf, rest
        if _is_json(rest) and len(rest) == 1:
            return self._json, segments
        return (self._project, segments) if _ends(rest) else (self._nothing, rest)


def _segments(path: bytes) -> list[bytes]:
    """The parts of a target's path; a client may send the whole address (RFC 9112 section 3.2.2)."""
    if not path.startswith(b"/"):
        path = _AUTHORITY.sub(b"", path) or b"/"
    segments = path[1:].split(b"/")
    return [unquote_to_bytes(each) for each in segments] if b"%" in path else segments


def _is_json(segments: list[bytes]) -> bool:
    return len(segments) in {1, 2} and segments[-1] == b"json"


def _ends(rest: list[bytes]) -> bool:
    """Does the path end here, with a slash or without?"""
    return rest in ([], [b""])  # lists cannot be members of a set


async def _nothing_here(_request: IndexRequest) -> Reply:
    raise NoSuchFile("there is nothing at this address; the packages are listed at /simple/")


async def _to_project(request: IndexRequest) -> Reply:
    name = (request.postpath or [b""])[0].decode("utf-8", "replace")
    if not is_project_name(name):
        raise NoSuchProject(f"{name!r} is not the name of a project; expected /simple/<project>/")
    target = f"{request.site.external_prefix(request)}/simple/{normalize(name)}/"
    return text_reply(303, "the project's files are listed elsewhere", (b"Location", target.encode()))


async def _to_packages(request: IndexRequest) -> Reply:
    target = f"{request.site.external_prefix(request)}/packages/"
    return text_reply(301, "the address has another form", (b"Location", target.encode()))
