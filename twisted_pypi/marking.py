"""What is said of files and projects later on: yanked (PEP 592), archived, quarantined (PEP 792)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Protocol

from twisted_pypi.boundaries import KnownFile, PackageStore, RunInThread
from twisted_pypi.distributions import ProjectName, normalize, same_version
from twisted_pypi.errors import BadForm, NoSuchFile
from twisted_pypi.project_records import ProjectRecord, Status
from twisted_pypi.sidecars import Sidecar, format_sidecar, parse_sidecar

LONGEST_REASON = 1000
"""Characters of a reason: it is on every page of its project, once a file."""

YANKED_BY = "yanked-by"
"""The key of a sidecar for who yanked its file."""


class Files(Protocol):
    """The files that are marked; a part of ``LocalFiles``."""

    async def files_of(self, name: ProjectName) -> list[KnownFile]:
        """Every listed file of a project, one a file name.  Raises ``NoSuchProject``, ``Unreadable``."""

    async def metadata(self, known: KnownFile) -> bytes | None:
        """Its core metadata, byte for byte; ``None`` when it has none that can be read."""

    async def added(self, known: KnownFile, metadata: bytes | None) -> None:
        """Something else is known of a file: when this returns, the next page says it."""


class Marker:
    """Marks files and projects so that readers see it at their next request."""

    def __init__(
        self,
        store: PackageStore,
        files: Files,
        change_record: Callable[[ProjectName, Status, str | None], ProjectRecord],
        run_in_thread: RunInThread,
    ) -> None:
        """``change_record`` writes down the status of a project, blocking, and returns its record."""
        self._store = store
        self._files = files
        self._change_record = change_record
        self._run_in_thread = run_in_thread

    async def yank(self, name: str, which: str, reason: str, user: str | None) -> list[KnownFile]:
        """Yank a file, or every file of a version, and return them as they are known then.

        Raises ``NoSuchProject``, ``NoSuchFile``, ``BadForm``, ``NotAllowed``,
        ``NoSpace`` and ``Unreadable``.
        """
        return await self._mark(name, which, one_line(reason), user)

    async def unyank(self, name: str, which: str) -> list[KnownFile]:
        """Take the yank of a file, or of every file of a version, back.  Raises what ``yank`` does."""
        return await self._mark(name, which, None, None)

    async def set_status(self, name: str, status: str, reason: str) -> ProjectRecord:
        """Give a project a status, and return its record then.  Raises what ``yank`` does."""
        if status not in list(Status):
            raise BadForm(f"{status[:50]!r} is no status of a project; expected {', '.join(Status)}")
        project = normalize(name)
        await self._files.files_of(project)
        return await self._run_in_thread(self._change_record, project, Status(status), one_line(reason) or None)

    async def _mark(self, name: str, which: str, reason: str | None, user: str | None) -> list[KnownFile]:
        files = await self._files.files_of(normalize(name))
        found = [known for known in files if known.filename == which]
        found = found or [known for known in files if same_version(known.distribution.version, which)]
        if not found:
            raise NoSuchFile(f"the project {name} has no version and no file {which} here")
        marked = []
        for before in found:
            known = replace(before, yanked=reason)
            await self._run_in_thread(self._store.annotate, before, partial(_sidecar, known, user))
            await self._files.added(known, await self._files.metadata(known))
            marked.append(known)
        return marked


def one_line(reason: str) -> str:
    """Return a reason as it is shown.  Raises ``BadForm``."""
    text = " ".join(reason.encode("utf-8", "replace").decode().split())
    if len(text) > LONGEST_REASON or not text.isprintable():
        raise BadForm(f"expected a reason of at most {LONGEST_REASON} characters that can be printed")
    return text


def _sidecar(known: KnownFile, user: str | None, data: bytes | None) -> bytes:
    """The sidecar of a file with what is said of it now; one of other bytes says nothing of these."""
    before = None if data is None else parse_sidecar(data)
    if before is None or before.sha256 != known.sha256:
        before = Sidecar(known.sha256, known.uploaded_ns or None, source=known.source)
    more = {key: value for key, value in before.more.items() if key != YANKED_BY}
    if user is not None:
        more[YANKED_BY] = user
    return format_sidecar(replace(before, yanked=known.yanked, more=more))
