"""The simple repository API over HTTP: the list of projects and the page of each (PEP 503, 691)."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Literal
from urllib.parse import parse_qs, quote

from twisted_pypi.boundaries import Index, RunInThread
from twisted_pypi.distributions import ProjectName, normalize
from twisted_pypi.errors import NoSuchProject
from twisted_pypi.inflight import InFlight
from twisted_pypi.simple import html, json
from twisted_pypi.simple.model import ProjectList, ProjectPage
from twisted_pypi.simple.negotiate import NOT_ACCEPTABLE, Encoding, Representation, choose, choose_encoding
from twisted_pypi.web.bodies import IndexRequest
from twisted_pypi.web.fallback import NoFallback, Redirect
from twisted_pypi.web.packing import Pack, gzipped
from twisted_pypi.web.pages import FinishedPages, Page, Subject, finish_page, send_page
from twisted_pypi.web.replies import Reply, text_reply

LONG = 200
"""A list or page with more entries than this is written in a thread."""

VARY = (b"Vary", b"Accept, Accept-Encoding")


class Simple:
    """Answers ``/simple/`` and ``/simple/<project>/``."""

    def __init__(
        self,
        index: Index,
        pages: FinishedPages,
        fallback: Redirect | NoFallback,
        *,
        private: bool,
        run_in_thread: RunInThread,
        zstd: Pack | None = None,
    ) -> None:
        """Write pages of ``index``; ``private`` when reading them needs a login; ``zstd`` packs, where it can be had."""
        self._index = index
        self._pages = pages
        self._fallback = fallback
        self._cache_control = b"private, no-cache" if private else b"no-cache"
        self._run_in_thread = run_in_thread
        self._packers: dict[Encoding, Pack | None] = {"identity": None, "gzip": gzipped, "zstd": zstd}
        self._building: InFlight[Page] = InFlight()

    def shortcut(self, request: IndexRequest) -> bool:
        """Answer with a kept page, if there is one."""
        subject = _subject(request.postpath or [])
        if subject is False:
            return False
        representation, encoding = self._negotiated(request)
        if representation is None:
            return False
        page = self._pages.get(subject, _variant(representation, encoding))
        if page is None:
            return False
        send_page(request, page)
        return True

    async def get(self, request: IndexRequest) -> Reply | None:
        """Answer with the list, a page, or the way to it."""
        segments = [each.decode("utf-8", "replace") for each in request.postpath or []]
        if not segments:
            return self._moved(request, "")
        if len(segments) > 2 or (len(segments) == 2 and (segments[1] or not segments[0])):
            raise NoSuchProject(f"there is nothing at this address; expected {request.site.prefix}/simple/<project>/")
        name = normalize(segments[0])
        if segments not in ([""], [name, ""]):
            return self._moved(request, f"{quote(name)}/")
        representation, encoding = self._negotiated(request)
        if representation is None:
            return text_reply(406, NOT_ACCEPTABLE, (b"Vary", b"Accept"))
        subject: Subject = name or None
        try:
            page = await self._page(subject, representation, encoding)
        except NoSuchProject:
            return await self._fallback.reply(name, request)
        if not request.gone:
            send_page(request, page)
        return None

    def _moved(self, request: IndexRequest, rest: str) -> Reply:
        query = b"?" + request.uri.split(b"?", 1)[1] if b"?" in request.uri else b""
        target = f"{request.site.external_prefix(request)}/simple/{rest}".encode() + query
        return text_reply(301, "the address has another form", (b"Location", target), (b"Vary", b"Accept"))

    async def _page(self, subject: Subject, representation: Representation, encoding: Encoding) -> Page:
        variant = _variant(representation, encoding)
        kept = self._pages.get(subject, variant)
        if kept is not None:
            return kept
        return await self._building.run(
            (subject, variant, self._pages.generation), lambda: self._build(subject, representation, encoding)
        )

    async def _build(self, subject: Subject, representation: Representation, encoding: Encoding) -> Page:
        variant = _variant(representation, encoding)
        begun = self._pages.begin(subject)
        try:
            model: ProjectList | ProjectPage
            if subject is None:
                model = await self._index.projects()
                entries = len(model.names)
            else:
                model = await self._index.project(subject)
                entries = len(model.files)
            work = (model, representation, encoding, self._packers[encoding], self._cache_control)
            page = await self._run_in_thread(_write, *work) if entries > LONG else _write(*work)
            self._pages.keep(subject, variant, page, begun)
            return page
        finally:
            self._pages.end(subject)

    def _negotiated(self, request: IndexRequest) -> tuple[Representation | None, Encoding]:
        query = request.uri.partition(b"?")[2]
        accept = request.headers_named(b"accept")
        coding = request.headers_named(b"accept-encoding")
        return _negotiate(
            b",".join(accept) if accept else None,
            b",".join(coding) if coding else None,
            query if b"format" in query else b"",
            zstd=self._packers["zstd"] is not None,
        )


def _write(
    model: ProjectList | ProjectPage,
    representation: Representation,
    encoding: Encoding,
    pack: Pack | None,
    cache_control: bytes,
) -> Page:
    writer = json if representation.is_json else html
    body = writer.write_list(model) if isinstance(model, ProjectList) else writer.write_page(model)
    headers = [(b"Content-Type", representation.content_type), VARY, (b"Cache-Control", cache_control)]
    if pack is not None:
        body = pack(body)
        headers.append((b"Content-Encoding", encoding.encode()))
    return finish_page(body, tuple(headers), _variant(representation, encoding))


def _subject(segments: list[bytes]) -> Subject | Literal[False]:
    if segments == [b""]:
        return None
    if len(segments) != 2 or segments[1]:
        return False
    return ProjectName(segments[0].decode("latin-1"))


@cache
def _variant(representation: Representation, encoding: Encoding) -> str:
    return f"{representation.name} {encoding}"


@lru_cache(maxsize=512)
def _negotiate(
    accept: bytes | None, coding: bytes | None, query: bytes, *, zstd: bool
) -> tuple[Representation | None, Encoding]:
    wanted = parse_qs(query.decode("latin-1"), max_num_fields=50).get("format") if query.count(b"&") < 50 else None
    representation = choose(None if accept is None else accept.decode("latin-1"), wanted[0] if wanted else None)
    return representation, choose_encoding(None if coding is None else coding.decode("latin-1"), zstd=zstd)
