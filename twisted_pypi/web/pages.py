"""Finished answers, kept: head and body as they go over the wire.

A page is built once a change, not once a request.  It is kept by project and
representation, up to so many bytes in all, and dropped project by project
when the index says so; a page that was not asked for since the last round goes first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from twisted_pypi.distributions import ProjectName
from twisted_pypi.web.conditions import http_date, is_none_match, is_unmodified_since
from twisted_pypi.web.replies import Reply
from twisted_pypi.web.sending import SERVER, send

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest

DEFAULT_LIMIT = 64 << 20
"""Bytes of finished pages that are kept."""

LARGE = 1 << 14
"""Bytes of a body that is not copied behind its head."""

OVERHEAD = 700
"""Bytes that a kept page takes besides its body, about."""

Subject = ProjectName | None
"""What a page is of: a project, or (None) the list of all."""


@dataclass(frozen=True, slots=True)
class Sort:
    """What all finished answers of one sort have in common."""

    headers: tuple[tuple[bytes, bytes], ...]
    """All headers but those that differ from page to page, and ``Server``."""
    start: bytes
    """The head of a 200, up to the ETag."""
    start_304: bytes
    """The head of a 304, up to the ETag."""


@lru_cache(maxsize=256)
def _sort(headers: tuple[tuple[bytes, bytes], ...]) -> Sort:
    lines = b"".join(b"%b: %b\r\n" % each for each in headers) + b"Server: " + SERVER + b"\r\nETag: "
    return Sort(headers, b"HTTP/1.1 200 OK\r\n" + lines, b"HTTP/1.1 304 Not Modified\r\n" + lines)


class Page:
    """A finished answer to GET, and to a GET that has it already."""

    __slots__ = ("_length", "_mark", "_sort", "body", "live", "modified", "proof", "used")

    def __init__(
        self,
        headers: tuple[tuple[bytes, bytes], ...],
        body: bytes,
        etag: str,
        *,
        modified: float | None = None,
        proof: Callable[[], bool] | None = None,
    ) -> None:
        """``headers`` are all but ``ETag``, ``Last-Modified``, ``Content-Length``, ``Server`` and ``Date``.

        Equal ones are kept once.
        """
        self.body = body
        self.live = True
        """Is it still what would be answered?  Whoever keeps a reference asks."""
        self.used = False
        """Was it sent since the last time room was made?"""
        self.modified = modified
        """When it was last changed, seconds since the epoch, if it says so."""
        self.proof = proof
        """Asked before each use whether it still is what would be answered, where not all changes are told."""
        self._sort = _sort(headers)
        self._mark = etag.encode()
        if modified is not None:
            self._mark += b"\r\nLast-Modified: " + http_date(modified).encode()
        self._length = b"\r\nContent-Length: %d\r\nDate: " % len(body)

    @property
    def etag(self) -> str:
        """The strong ETag of this very representation, in quotes (RFC 9110 section 8.8.3)."""
        return self._mark.partition(b"\r\n")[0].decode()

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """All headers but ``Date``, ``Server`` and ``Content-Length``."""
        etag, _, modified = self._mark.partition(b"\r\nLast-Modified: ")
        marks = ((b"ETag", etag), (b"Last-Modified", modified)) if modified else ((b"ETag", etag),)
        return *self._sort.headers, *marks

    def answer(self, date: bytes) -> tuple[bytes, bytes]:
        """Return the whole answer, in one piece and nothing; or, as copying takes longer than that, head and body."""
        if len(self.body) < LARGE:
            return b"".join((self._sort.start, self._mark, self._length, date, b"\r\n\r\n", self.body)), b""
        return b"".join((self._sort.start, self._mark, self._length, date, b"\r\n\r\n")), self.body

    def not_modified(self, date: bytes) -> bytes:
        """Return the whole answer to a client that has the page."""
        return b"".join((self._sort.start_304, self._mark, b"\r\nDate: ", date, b"\r\n\r\n"))


def finish_page(body: bytes, headers: tuple[tuple[bytes, bytes], ...], variant: str) -> Page:
    """Return the finished page; its strong ETag is of this very representation (RFC 9110 section 8.8.3)."""
    return Page(headers, body, f'"{sha256(variant.encode() + body).hexdigest()[:32]}"')


class FinishedPages:
    """The pages that are kept."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        """Keep at most ``limit`` bytes."""
        self._limit = limit
        self.size = 0
        """Bytes that the kept pages take, about."""
        self._pages: OrderedDict[tuple[Subject, str], Page] = OrderedDict()
        self._variants: dict[Subject, str | set[str]] = {}  # a set is as large as a small page: only for several
        self._changes: dict[Subject, int] = {}
        self._building: dict[Subject, int] = {}
        self.hits = 0
        """How often a page that was wanted was kept."""
        self.misses = 0
        """How often it was not."""
        self.pushed_out = 0
        """How many pages were forgotten to make room."""
        self.changed = 0
        """How many were forgotten because they changed."""
        self.generation = 0
        """Counts the drops: as long as it stands, every page that was got is still right."""

    def get(self, subject: Subject, variant: str) -> Page | None:
        """Return a kept page."""
        page = self._pages.get((subject, variant))
        if page is None or (page.proof is not None and not page.proof()):
            self.misses += 1
            return None
        self.hits += 1
        page.used = True
        return page

    def begin(self, subject: Subject) -> int:
        """Say that a page is being built; ``keep`` wants the number returned, and every begin needs its ``end``."""
        self._building[subject] = self._building.get(subject, 0) + 1
        return self._changes.setdefault(subject, 0)

    def end(self, subject: Subject) -> None:
        """Say that building ended, well or not."""
        self._building[subject] -= 1
        if not self._building[subject]:
            del self._building[subject], self._changes[subject]

    def keep(self, subject: Subject, variant: str, page: Page, begun: int) -> None:
        """Keep a page, unless its subject changed while it was built."""
        if self._changes.get(subject) != begun or len(page.body) > self._limit // 4:
            page.live = False
            return
        self._forget(subject, variant)
        self._pages[subject, variant] = page
        known = self._variants.setdefault(subject, variant)
        if isinstance(known, set):
            known.add(variant)
        elif known != variant:
            self._variants[subject] = {known, variant}
        self.size += len(page.body) + OVERHEAD
        while self.size > self._limit:
            oldest, kept = next(iter(self._pages.items()))
            if kept.used:
                kept.used = False
                self._pages.move_to_end(oldest)
            else:
                self._forget(*oldest)
                self.pushed_out += 1

    def drop(self, projects: frozenset[ProjectName]) -> None:
        """Forget the pages of these projects, and the list of all."""
        self._drop((None, *projects))

    def expire(self, projects: frozenset[ProjectName]) -> None:
        """Forget the pages of these projects: their time is over, though nothing is known to have changed."""
        self._drop(projects)

    def drop_all(self) -> None:
        """Forget every page."""
        self._drop([*self._changes.keys() | self._variants.keys()])

    def _drop(self, subjects: Collection[Subject]) -> None:
        self.generation += 1
        for subject in subjects:
            if subject in self._changes:
                self._changes[subject] += 1
            for variant in list(_all(self._variants.get(subject, set()))):
                self._forget(subject, variant)
                self.changed += 1

    def _forget(self, subject: Subject, variant: str) -> None:
        page = self._pages.pop((subject, variant), None)
        if page is not None:
            page.live = False
            self.size -= len(page.body) + OVERHEAD
            variants = _all(self._variants[subject])
            variants.discard(variant)
            if not variants:
                del self._variants[subject]


def _all(variants: str | set[str]) -> set[str]:
    return {variants} if isinstance(variants, str) else variants


def send_page(request: IndexRequest, page: Page) -> None:
    """Answer with a page, in one send where the request is a plain one."""
    unchanged = _unchanged(request, page)
    channel = request.channel
    if request.method != b"GET" or not channel.persistent:
        send(request, Reply(304, page.headers) if unchanged else Reply(200, page.headers, page.body))
        return
    date = request.site.date()
    if unchanged:
        request.code = 304
        data, body = page.not_modified(date), b""
    else:
        data, body = page.answer(date)
        request.sentLength = len(page.body)
    request.startedWriting = 1
    channel.send_soon(data, body)
    site, head = request.site, channel.head
    if site.hot is not None and head is not None and page.live:
        site.hot.remember(head, request, page, unchanged=unchanged, trusted=channel.trusted)
    request.finish()


def _unchanged(request: IndexRequest, page: Page) -> bool:
    """Does the client have it (RFC 9110 section 13.2.2)?"""
    tags = request.getHeader(b"if-none-match")
    if tags is not None:
        return is_none_match(tags.decode("latin-1"), page.etag)
    since = None if page.modified is None else request.getHeader(b"if-modified-since")
    return since is not None and is_unmodified_since(since.decode("latin-1"), page.modified or 0)
