"""An index on loopback that answers what a test wrote for it: slowly, wrongly, half, or well."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, cast

from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import TCP4ServerEndpoint, wrapServerTLS
from twisted.internet.interfaces import IListeningPort, IOpenSSLServerConnectionCreator
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from twisted_pypi.testing.connections import CountedConnections
from twisted_pypi.testing.scripted_answers import Quirk, answer, send
from twisted_pypi.testing.scripted_pages import Upstreamed, UpstreamProject


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""


class ScriptedUpstream:
    """A server of ``/simple/<project>/`` and ``/files/<filename>``, with what else a test puts there."""

    def __init__(self, reactor: Any) -> None:
        self.projects: dict[str, UpstreamProject] = {}
        """By normalised name."""
        self.paths: dict[str, bytes] = {}
        """Whatever else there is, by path."""
        self.login: tuple[str, str] | None = None
        """The login without which everything is 401."""
        self.packs = False
        """Are pages packed for those who ask for it?"""
        self.requests: Counter[str] = Counter()
        """How often each path was asked for."""
        self.asked: list[Asked] = []
        self._quirks: dict[str, list[Quirk]] = defaultdict(list)
        self._reactor = reactor
        self._port: IListeningPort | None = None
        self._scheme = "http"
        self.connections = CountedConnections(Site(_Everything(self, reactor), reactor=reactor))
        """Its connections."""

    async def start(self, tls: IOpenSSLServerConnectionCreator | None = None) -> None:
        """Listen on a port of loopback."""
        endpoint: Any = TCP4ServerEndpoint(self._reactor, 0, interface="127.0.0.1")
        if tls is not None:
            endpoint, self._scheme = wrapServerTLS(tls, endpoint), "https"
        self._port = await endpoint.listen(self.connections)

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
            await self.connections.close()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return cast("int", cast("Any", self._port).getHost().port)

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def publish(self, name: str, *files: Upstreamed, **more: Any) -> UpstreamProject:
        """Have a project."""
        self.projects[name] = UpstreamProject(name, list(files), **more)
        return self.projects[name]

    def quirk(self, path: str, *quirks: Quirk) -> None:
        """Answer the next requests for a path so, one after the other."""
        self._quirks[path] += quirks

    def next_quirk(self, path: str) -> Quirk:
        """How to answer a request that has come."""
        waiting = self._quirks[path]
        if not waiting:
            return Quirk()
        first = waiting[0]
        if first.times is not None:
            waiting[:1] = [replace(first, times=first.times - 1)] if first.times > 1 else []
        return first

    def find(self, path: str, accept: str) -> tuple[bytes, dict[str, str]] | None:
        """The bytes at a path, and their headers."""
        if path in self.paths:
            return self.paths[path], _tag(self.paths[path])
        place, _, rest = path.removeprefix("/").partition("/")
        if place == "simple" and rest.endswith("/") and rest[:-1] in self.projects:
            project = self.projects[rest[:-1]]
            kind, page = project.page(accept)
            headers = {"Content-Type": kind, "Cache-Control": "max-age=600, public", "Vary": "Accept"}
            headers |= _tag(page) if project.tagged else {}
            if project.serial is not None:
                headers["X-PyPI-Last-Serial"] = str(project.serial)
            if project.last_modified is not None:
                headers["Last-Modified"] = project.last_modified
            return page, headers
        for file in (file for project in self.projects.values() for file in project.files):
            if place == "files" and rest == file.filename:
                return file.data, _tag(file.data) | {"Accept-Ranges": "bytes"}
            if place == "files" and rest == f"{file.filename}.metadata" and file.core_metadata is not None:
                return file.core_metadata, _tag(file.core_metadata)
        return None


class _Everything(Resource):
    isLeaf = True

    def __init__(self, upstream: ScriptedUpstream, reactor: Any) -> None:
        super().__init__()
        self._upstream = upstream
        self._reactor = reactor

    def render_GET(self, request: Request) -> int:
        path = request.uri.decode().partition("?")[0]
        headers = {
            name.decode().lower(): values[-1].decode() for name, values in request.requestHeaders.getAllRawHeaders()
        }
        self._upstream.requests[path] += 1
        self._upstream.asked.append(Asked(path, headers))
        quirk = self._upstream.next_quirk(path)
        status, more, body = self._answer(path, headers, quirk)
        if quirk.after == float("inf"):
            request.notifyFinish().addErrback(lambda _: None)
        elif quirk.after:
            later = self._reactor.callLater(quirk.after, send, request, status, more, body, quirk)
            request.notifyFinish().addErrback(lambda _: later.active() and later.cancel())
        else:
            send(request, status, more, body, quirk)
        return NOT_DONE_YET

    def _answer(self, path: str, asked: Mapping[str, str], quirk: Quirk) -> tuple[int, dict[str, str], bytes]:
        login = self._upstream.login
        if login is not None and asked.get("authorization") != "Basic " + b64encode(":".join(login).encode()).decode():
            return 401, {"WWW-Authenticate": 'Basic realm="pypi"'}, b"a login is needed\n"
        found = self._upstream.find(path, asked.get("accept", ""))
        if quirk.status is not None or found is None:
            return quirk.status or 404, dict(quirk.headers), quirk.body or b"nothing is here\n"
        packs = self._upstream.packs and path.startswith("/simple/") and "gzip" in asked.get("accept-encoding", "")
        return answer(*found, asked, replace(quirk, packed=quirk.packed or packs))


def _tag(body: bytes) -> dict[str, str]:
    return {"ETag": f'"{sha256(body).hexdigest()[:16]}"'}
