"""Files of upstream indexes at ``/files/<project>/<filename>``: kept here, or sent while they come."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

from twisted_pypi.boundaries import CachedFile, Offered, Offers, TellOfFiles
from twisted_pypi.distributions import ProjectName, is_package_name, is_project_name, normalize
from twisted_pypi.downloading import HELD, Arriving, Downloads
from twisted_pypi.errors import NoSuchFile, Recalled, Unreadable
from twisted_pypi.web.bodies import IndexRequest
from twisted_pypi.web.one_file import Found, OneFile, asked_of, send_found, send_head
from twisted_pypi.web.replies import Reply

METADATA = ".metadata"


class UpstreamFiles:
    """Answers ``/files/<project>/<filename>``, and its ``.metadata``."""

    def __init__(
        self,
        offers: Offers,
        downloads: Downloads,
        cache_control: bytes | None,
        *,
        tell: TellOfFiles | None = None,
        address: Callable[[IndexRequest], str] = lambda _request: "",
    ) -> None:
        """Give out what ``offers`` allows; ``cache_control`` is that header's value, if it is sent.

        ``tell`` is called for each GET of a package that begins to be
        answered, with the client's address as ``address`` knows it.
        """
        self._offers = offers
        self._downloads = downloads
        self._cache_control = cache_control
        self._tell = tell
        self._address = address

    async def get(self, request: IndexRequest) -> Reply | None:
        """Send the file that the rest of the path names."""
        project, filename = _place(request.postpath or [])
        offered = await self._offers.offered(project, filename.removesuffix(METADATA))
        _check_recall(offered.cached)
        if filename.endswith(METADATA):
            return await self._metadata(request, offered)
        # What its page says is enough for a HEAD, and where the client has the file already.
        expected = self._expected(offered)
        found = None if expected is None else asked_of(request, expected)
        if isinstance(found, Reply):
            return found
        if found is not None and request.method == b"HEAD":
            if not request.gone:
                send_head(request, found)
            return None
        opened = await self._open(offered)
        if isinstance(opened, Arriving):
            return await self._send_arriving(request, offered, opened)
        kept, file = opened
        return self._send(request, offered, asked_of(request, self._kept(kept)), file)

    async def _open(self, offered: Offered) -> Arriving | tuple[CachedFile, BinaryIO]:
        while True:
            opened = await self._downloads.open(offered)
            if isinstance(opened, Arriving):
                return opened
            _check_recall(opened)
            # Whoever makes room may have removed it just now, and then it is fetched again.
            with suppress(FileNotFoundError):
                return opened, _open_kept(opened)

    async def _send_arriving(self, request: IndexRequest, offered: Offered, arriving: Arriving) -> Reply | None:
        file = arriving.open()
        try:
            # Nothing of a short file can be sent before its end, so that its failure can still be answered.
            if arriving.size is None or arriving.size <= HELD:
                await arriving.is_complete()
            time_ns = offered.file.upload_time_ns
            found = asked_of(request, self._about(offered.file.filename, arriving.size or 0, arriving.sha256, time_ns))
            if isinstance(found, Found) and len(found.parts) > 1:
                await arriving.is_complete()
        except BaseException:
            file.close()
            raise
        return self._send(request, offered, found, file, arriving)

    def _send(
        self,
        request: IndexRequest,
        offered: Offered,
        found: Found | Reply,
        file: BinaryIO,
        coming: Arriving | None = None,
    ) -> Reply | None:
        if request.gone or isinstance(found, Reply):
            file.close()
            return found if isinstance(found, Reply) else None
        if self._tell is not None and request.method == b"GET":
            user = None if request.login is None else request.login.name
            agent = (request.getHeader(b"user-agent") or b"").decode("latin-1")
            self._tell(offered.project, offered.file.filename, user, self._address(request), agent)
        send_found(request, found, file, coming)
        return None

    async def _metadata(self, request: IndexRequest, offered: Offered) -> Reply | None:
        while True:
            kept = await self._downloads.metadata(offered)
            with suppress(FileNotFoundError):
                file = _open_kept(kept)
                break
        found = asked_of(request, self._kept(kept))
        if request.gone or isinstance(found, Reply):
            file.close()
            return found if isinstance(found, Reply) else None
        send_found(request, found, file)
        return None

    def _expected(self, offered: Offered) -> OneFile | None:
        """What is known of a file before it is opened, if that is enough."""
        file, digest = offered.file, offered.file.hashes.get("sha256", "").lower()
        if offered.cached is not None and offered.cached.sha256 == digest:
            return self._kept(offered.cached)
        if not digest or file.size is None:
            return None
        return self._about(file.filename, file.size, digest, file.upload_time_ns)

    def _kept(self, kept: CachedFile) -> OneFile:
        uploaded = kept.facts.upload_time_ns
        return self._about(kept.filename, kept.size, kept.sha256, kept.mtime_ns if uploaded is None else uploaded)

    def _about(self, filename: str, size: int, sha256: str, modified_ns: int | None) -> OneFile:
        modified = None if modified_ns is None else modified_ns / 1_000_000_000
        return OneFile(filename, size, sha256, modified, self._cache_control)


def _place(segments: list[bytes]) -> tuple[ProjectName, str]:
    """The project and the file name of a path; only the one way to write them is an address."""
    try:
        project, filename = (each.decode() for each in segments)
    except ValueError:
        raise NoSuchFile("there is no file here; expected /files/<project>/<filename>") from None
    if not is_project_name(project) or normalize(project) != project:
        raise NoSuchFile(f"{project!r} is not the normalised name of a project")
    if not is_package_name(filename.removesuffix(METADATA)) or "/" in filename:
        raise NoSuchFile(f"{filename!r} is not the name of a package")
    return ProjectName(project), filename


def _check_recall(kept: CachedFile | None) -> None:
    if kept is not None and kept.recall is not None and kept.recall.hidden:
        reason = kept.recall.reason or "it gave no reason"
        raise Recalled(f"{kept.filename} was taken back by the index that it comes from: {reason}")


def _open_kept(kept: CachedFile) -> BinaryIO:
    """Open a file, and see that it is the one that is known.  Raises ``FileNotFoundError`` and ``Unreadable``."""
    try:
        file = open(kept.location, "rb", buffering=0)  # noqa: PTH123, SIM115  # handed on to the sender, which closes it
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(f"{kept.filename} cannot be read at the moment: {error.strerror}") from error
    now = os.fstat(file.fileno())
    if (now.st_size, now.st_mtime_ns) != (kept.size, kept.mtime_ns):
        file.close()
        raise Unreadable(f"{kept.filename} is being replaced; ask again")
    return file
