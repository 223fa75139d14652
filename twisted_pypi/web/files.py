"""The package files of the roots, their metadata and signatures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from twisted_pypi.boundaries import KnownFile, LocalFiles, LocatedFile, TellOfFiles
from twisted_pypi.distributions import ProjectName, is_project_name, normalize
from twisted_pypi.errors import NoSuchFile, Unreadable
from twisted_pypi.sidecars import Source
from twisted_pypi.web.bodies import IndexRequest
from twisted_pypi.web.one_file import OCTETS, OneFile, asked_of, send_found
from twisted_pypi.web.pages import FinishedPages, Page, send_page
from twisted_pypi.web.replies import Reply
from twisted_pypi.web.small_files import LARGEST, read_whole, wants_whole

LONGEST_SIGNATURE = 1 << 16
"""Bytes of a signature that are sent."""


class Files:
    """Answers ``/packages/<path>``, its ``.metadata`` and its ``.asc``."""

    def __init__(
        self,
        index: LocalFiles,
        cache_control: bytes | None,
        pages: FinishedPages,
        *,
        tell: TellOfFiles | None = None,
        address: Callable[[IndexRequest], str] = lambda _request: "",
    ) -> None:
        """Serve from ``index``; ``cache_control`` is that header's value for packages, if it is sent.

        Answers with metadata and with small files are kept in ``pages``, and go when their project changes.
        ``tell`` is called for each GET of a file that was fetched from an
        upstream index, with the client's address as ``address`` knows it.
        """
        self._index = index
        self._cache_control = cache_control
        self._pages = pages
        self._tell = tell
        self._address = address

    def shortcut(self, request: IndexRequest) -> bool:
        """Answer with kept metadata or a kept file, if that is asked for and there is some."""
        segments = request.postpath or []
        if not segments[-1].endswith(b".metadata") and not wants_whole(request):
            return False
        subject = _project_of(segments[-1])
        page = None if subject is None else self._pages.get(subject, _variant(segments))
        if page is None:
            return False
        send_page(request, page)
        return True

    async def get(self, request: IndexRequest) -> Reply | None:
        """Send the file that the rest of the path names."""
        path = "/".join(_text(each) for each in request.postpath or [])
        if path.endswith(".metadata"):
            await self._metadata(request, path.removesuffix(".metadata"))
            return None
        if path.endswith(".asc"):
            return await self._signature(path.removesuffix(".asc"))
        return await (self._whole(request, path) if wants_whole(request) else self._partly(request, path))

    async def _whole(self, request: IndexRequest, path: str) -> Reply | None:
        """Send all of a file, and keep it where it is small."""
        project = _project_of(path.rpartition("/")[2].encode())
        if project is None:
            return await self._partly(request, path)
        begun = self._pages.begin(project)
        try:
            located = await self._index.file_at(path)
            file, about = _open(located), self._about(located.known)
            # What is kept is sent without a word to anybody.
            if about.size > LARGEST or (self._tell is not None and located.known.source is Source.UPSTREAM):
                return self._send(request, located.known, file)
            page = read_whole(located, about, file)
            if located.known.project == project:
                self._pages.keep(project, _variant(request.postpath or []), page, begun)
            else:
                page.live = False
        finally:
            self._pages.end(project)
        if not request.gone:
            send_page(request, page)
        return None

    async def _partly(self, request: IndexRequest, path: str) -> Reply | None:
        located = await self._index.file_at(path)
        return self._send(request, located.known, _open(located))

    def _about(self, known: KnownFile) -> OneFile:
        modified = known.mtime_ns / 1_000_000_000
        return OneFile(known.filename, known.size, known.sha256, modified, self._cache_control)

    def _send(self, request: IndexRequest, known: KnownFile, file: BinaryIO) -> Reply | None:
        if request.gone:
            file.close()
            return None
        found = asked_of(request, self._about(known))
        if isinstance(found, Reply):
            file.close()
            return found
        if self._tell is not None and known.source is Source.UPSTREAM and request.method == b"GET":
            user = None if request.login is None else request.login.name
            agent = (request.getHeader(b"user-agent") or b"").decode("latin-1")
            self._tell(known.project, known.filename, user, self._address(request), agent)
        send_found(request, found, file)
        return None

    async def _metadata(self, request: IndexRequest, path: str) -> None:
        project = _project_of(path.rpartition("/")[2].encode())
        if project is None:
            raise NoSuchFile(f"there is no file at {path}")
        begun = self._pages.begin(project)
        try:
            known = (await self._index.file_at(path)).known
            metadata = await self._index.metadata(known) if known.filename.endswith(".whl") else None
            if metadata is None:
                raise NoSuchFile(f"{known.filename} has no metadata of its own to show")
            etag = f'"{known.metadata_sha256}"'
            caching = [(b"Cache-Control", self._cache_control)] if self._cache_control else []
            page = Page((*caching, (b"Content-Type", OCTETS)), metadata, etag)
            self._pages.keep(project, _variant(request.postpath or []), page, begun)
        finally:
            self._pages.end(project)
        if not request.gone:
            send_page(request, page)

    async def _signature(self, path: str) -> Reply:
        located = await self._index.file_at(path)
        if not located.known.signed:
            raise NoSuchFile(f"{located.known.filename} has no signature")
        signature = _read_signature(located)
        return Reply(200, ((b"Content-Type", b"application/pgp-signature"),), signature)


def _project_of(filename: bytes) -> ProjectName | None:
    """The project of a file, by its name alone: what is kept of it goes with that one."""
    is_wheel = filename.removesuffix(b".metadata").endswith(b".whl")
    name = (filename.partition(b"-")[0] if is_wheel else filename.rpartition(b"-")[0]).decode("utf-8", "replace")
    return normalize(name) if is_project_name(name) else None


def _variant(segments: list[bytes]) -> str:
    return "/".join(each.decode("utf-8", "replace") for each in segments)


def _text(segment: bytes) -> str:
    try:
        return segment.decode()
    except UnicodeDecodeError:
        raise NoSuchFile("no file has a name that is not UTF-8") from None


def _open(located: LocatedFile) -> BinaryIO:
    known = located.known
    try:
        file = open(located.location, "rb", buffering=0)  # noqa: PTH123, SIM115  # handed on to the sender, which closes it
    except FileNotFoundError as error:
        raise NoSuchFile(f"{known.filename} is no longer here") from error
    except OSError as error:
        raise Unreadable(f"{known.filename} cannot be read at the moment: {error.strerror}") from error
    status = os.fstat(file.fileno())
    if (status.st_size, status.st_mtime_ns) != (known.size, known.mtime_ns):
        file.close()
        raise Unreadable(f"{known.filename} is being replaced; ask again")
    return file


def _read_signature(located: LocatedFile) -> bytes:
    try:
        with Path(located.location + ".asc").open("rb") as file:
            return file.read(LONGEST_SIGNATURE)
    except OSError as error:
        raise Unreadable(f"the signature of {located.known.filename} cannot be read: {error.strerror}") from error
