"""Finished answers, kept: head and body as they go over the wire.

A page is built once a change, not once a request.  It is kept by project and
representation, up to so many bytes in all, and dropped project by project
when the index says so; a page that was not asked for since the last round goes first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from twisted_pypi.distributions import ProjectName
from twisted_pypi.web.conditions import is_none_match, is_unmodified_since
from twisted_pypi.web.replies import Reply
from twisted_pypi.web.sending import SERVER, send

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest

DEFAULT_LIMIT = 32 << 20
"""Bytes of finished pages that are kept."""

LARGE = 1 << 14
"""Bytes of a body that is not copied behind its head."""

OVERHEAD = 1200
"""Bytes that a kept page takes besides its body, about."""

Subject = ProjectName | None
"""What a page is of: a project, or (None) the list of all."""


@dataclass(slots=True)
class Page:
    """A finished answer to GET, and to a GET that has it already."""

    headers: tuple[tuple[bytes, bytes], ...]
    """All headers but ``Date``, ``Server`` and ``Content-Length``."""
    body: bytes
    etag: str
    live: bool = True
    """Is it still what would be answered?  Whoever keeps a reference asks."""
    used: bool = False
    """Was it sent since the last time room was made?"""
    modified: float | None = None
    """When it was last changed, seconds since the epoch, if it says so."""
    proof: Callable[[], bool] | None = None
    """Asked before each use whether it still is what would be answered, where not all changes are told."""
    _start: bytes = field(init=False)
    _start_304: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Write the heads down, up to the date that ends them."""
        lines = b"".join(b"%s: %s\r\n" % each for each in self.headers)
        end = b"Server: " + SERVER + b"\r\nDate: "
        self._start = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(self.body) + lines + end
        self._start_304 = b"HTTP/1.1 304 Not Modified\r\n" + lines + end

    def answer(self, date: bytes) -> tuple[bytes, bytes]:
        """Return the whole answer, in one piece and nothing; or, as copying takes longer than that, head and body."""
        if len(self.body) < LARGE:
            return b"".join((self._start, date, b"\r\n\r\n", self.body)), b""
        return b"".join((self._start, date, b"\r\n\r\n")), self.body

    def not_modified(self, date: bytes) -> bytes:
        """Return the whole answer to a client that has the page."""
        return b"".join((self._start_304, date, b"\r\n\r\n"))


def finish_page(body: bytes, headers: tuple[tuple[bytes, bytes], ...], variant: str) -> Page:
    """Return the finished page; its strong ETag is of this very representation (RFC 9110 section 8.8.3)."""
    etag = f'"{sha256(variant.encode() + body).hexdigest()[:32]}"'
    return Page((*headers, (b"ETag", etag.encode())), body, etag)


class FinishedPages:
    """The pages that are kept."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        """Keep at most ``limit`` bytes."""
        self._limit = limit
        self.size = 0
        """Bytes that the kept pages take, about."""
        self._pages: OrderedDict[tuple[Subject, str], Page] = OrderedDict()
        self._variants: dict[Subject, set[str]] = {}
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
        self._variants.setdefault(subject, set()).add(variant)
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
            for variant in list(self._variants.get(subject, ())):
                self._forget(subject, variant)
                self.changed += 1

    def _forget(self, subject: Subject, variant: str) -> None:
        page = self._pages.pop((subject, variant), None)
        if page is not None:
            page.live = False
            self.size -= len(page.body) + OVERHEAD
            variants = self._variants[subject]
            variants.discard(variant)
            if not variants:
                del self._variants[subject]


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
    channel.send_whole(data, body)
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
