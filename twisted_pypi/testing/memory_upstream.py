"""An upstream index whose pages and files are data of a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from twisted.internet.defer import Deferred

from twisted_pypi.boundaries import Sink, UpstreamPage
from twisted_pypi.distributions import ProjectName, canonical_version, parse_filename
from twisted_pypi.errors import NoSuchProject, TwistedPyPIError, UpstreamFailed
from twisted_pypi.simple import json
from twisted_pypi.simple.model import File, ProjectPage

INDEX = "https://index.example.com/simple"
"""The address of the index, unless another is given."""
_HOUR_NS = 3600 * 10**9


class MemoryUpstream:
    """An ``Upstream`` that says what it was told.

    ``asked``, ``confirmed`` and ``fetched`` say what was wanted of it.
    """

    def __init__(self, index: str = INDEX) -> None:
        """Have no project."""
        self.index = index
        """The address that pages are said to come from."""
        self.pages: dict[ProjectName, ProjectPage] = {}
        """What the index says of each project."""
        self.bodies: dict[str, bytes] = {}
        """What lies at each address."""
        self.lengths: dict[str, int | None] = {}
        """The length that is announced for the body at an address, where it is not that of the body."""
        self.serials: dict[ProjectName, int] = {}
        """The number of each project's last change, where it is counted."""
        self.now_ns = 1_700_000_000 * 10**9
        """The time at which pages are confirmed."""
        self.fresh_ns = 0
        """How long a page is kept before it is asked for again."""
        self.down: str | None = None
        """Why the index cannot be asked, if it cannot: what is kept is given as stale, and the rest fails."""
        self.fetch_errors: dict[str, TwistedPyPIError] = {}
        """What is raised at the end of the body at an address."""
        self.piece = 65536
        """Bytes that are handed out at a time."""
        self.by_hand = False
        """Do bodies wait for the test, which finds them in ``fetches``?"""
        self.asked: list[ProjectName] = []
        """The projects that the index was really asked for, one entry each time."""
        self.confirmed: list[ProjectName] = []
        """Those of ``asked`` that had to be confirmed."""
        self.fetched: list[str] = []
        """The addresses that were fetched, one entry each time."""
        self.fetches: list[MemoryFetch] = []
        """The fetches, in the order of their beginning."""
        self._kept: dict[ProjectName, UpstreamPage] = {}

    def put(self, filename: str, body: bytes = b"", *, metadata: bytes | None = None, **facts: Any) -> File:
        """Publish a file of a project, in the place of one of that name, and return what the page says of it.

        ``facts`` replace those of the ``File``, for example ``yanked="broken"`` or other ``hashes``.
        """
        distribution = parse_filename(filename, facts.pop("project", None))
        url = f"https://files.example.com/{distribution.project}/{filename}"
        file = File(
            filename,
            url,
            {"sha256": sha256(body).hexdigest()},
            size=len(body),
            upload_time_ns=self.now_ns,
            core_metadata=None if metadata is None else {"sha256": sha256(metadata).hexdigest()},
        )
        file = replace(file, **facts)
        self.bodies[file.url] = body
        if metadata is not None:
            self.bodies[f"{file.url}.metadata"] = metadata
        page = self.pages.get(distribution.project, ProjectPage(distribution.project, ()))
        others = tuple(each for each in page.files if each.filename != filename)
        versions = dict.fromkeys((*page.versions, canonical_version(distribution.version)))
        self.pages[page.name] = replace(page, files=(*others, file), versions=tuple(versions))
        return file

    def say(self, name: ProjectName, facts: Mapping[str, Any]) -> None:
        """Change a project's page, for example ``{"status": "quarantined"}``."""
        self.pages[name] = replace(self.pages[name], **facts)

    async def page(self, name: ProjectName, *, confirm: bool = False) -> UpstreamPage:
        """What the index says.  Raises ``NoSuchProject`` and ``UpstreamFailed``."""
        kept = self._kept.get(name)
        if kept is not None and not confirm and self.now_ns < kept.fresh_until_ns:
            return kept
        self.asked.append(name)
        if confirm:
            self.confirmed.append(name)
        if self.down is not None:
            if kept is None:
                raise UpstreamFailed(self.down)
            return replace(kept, stale_because=self.down)
        if name not in self.pages:
            raise NoSuchProject(f"there is no project {name!r} at {self.index}")
        page = self.pages[name]
        etag = sha256(json.write_page(page)).hexdigest()
        fresh_until = self.now_ns + self.fresh_ns
        self._kept[name] = UpstreamPage(page, self.index, self.serials.get(name), self.now_ns, fresh_until, etag)
        return self._kept[name]

    async def kept(self, name: ProjectName) -> UpstreamPage | None:
        """What was given last."""
        return self._kept.get(name)

    async def fetch(self, url: str, index: str, sink: Sink) -> None:
        """Hand out a body.  Raises ``UpstreamFailed`` when there is none or the index is down."""
        self.fetched.append(url)
        if self.down is not None:
            raise UpstreamFailed(self.down)
        if url not in self.bodies:
            raise UpstreamFailed(f"{index} answered 404 for {url}")
        body = self.bodies[url]
        fetch = MemoryFetch(url, sink, body, self.piece)
        self.fetches.append(fetch)
        sink.begun(fetch, self.lengths.get(url, len(body)))
        if not self.by_hand:
            fetch.send_all(self.fetch_errors.get(url))
        await fetch.over


class MemoryFetch:
    """A body on its way, which is a ``Flow``; the test moves it on, or it moves by itself."""

    def __init__(self, url: str, sink: Sink, body: bytes, piece: int) -> None:
        """Have sent nothing."""
        self.url = url
        self.paused = False
        """Was it told to wait?"""
        self.pauses = 0
        """How often it was told to wait when it did not."""
        self.cancelled = False
        """Did whoever wanted it stop it?"""
        self.sent = 0
        """Bytes that were handed out."""
        self.over: Deferred[None] = Deferred(self._cancelled)
        """Fires at the end of the fetch."""
        self._sink = sink
        self._body = body
        self._piece = piece
        self._by_itself = False
        self._sending = False
        self._error: TwistedPyPIError | None = None

    def pause(self) -> None:
        """Wait; a test that hands out pieces itself is not hindered."""
        self.pauses += not self.paused
        self.paused = True

    def resume(self) -> None:
        """Go on."""
        self.paused = False
        self._pump()

    def send(self, count: int | None = None) -> None:
        """Hand out so many bytes more, or a piece."""
        data = self._body[self.sent : self.sent + (self._piece if count is None else count)]
        self.sent += len(data)
        self._sink.received(data)

    def send_all(self, error: TwistedPyPIError | None = None) -> None:
        """Hand out all that is left, as fast as it is taken; then end, with ``error`` if one is given."""
        self._by_itself, self._error = True, error
        self._pump()

    def end(self, error: TwistedPyPIError | None = None) -> None:
        """End it here, with ``error`` if one is given."""
        if error is None:
            self.over.callback(None)
        else:
            self.over.errback(error)

    def _pump(self) -> None:
        # Whoever takes a piece may say pause and resume while it is handed over.
        if not self._by_itself or self._sending:
            return
        self._sending = True
        while not (self.paused or self.over.called) and self.sent < len(self._body):
            self.send()
        self._sending = False
        if not (self.paused or self.over.called):
            self.end(self._error)

    def _cancelled(self, _over: Deferred[None]) -> None:
        self.cancelled = True
