"""The files of upstream indexes that are kept: in the cache, and in the folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from twisted_pypi.boundaries import Cache, CachedFile, KnownFile, PackageStore, Recall, RunInThread
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import NoSuchProject
from twisted_pypi.policy.recalls import YANKED
from twisted_pypi.recalling.report import RecalledFile
from twisted_pypi.sidecars import Sidecar, Source, format_sidecar, parse_sidecar
from twisted_pypi.upstream_facts import from_upstream, with_recall

YANKED_BY = "yanked-by"
"""The key of a sidecar for who yanked its file here."""


class Files(Protocol):
    """The files of the folders, whatever is kept from clients among them."""

    async def files_of(self, name: ProjectName) -> list[KnownFile]:
        """Every file of a project.  Raises ``NoSuchProject``, ``Unreadable``."""

    async def metadata(self, known: KnownFile) -> bytes | None:
        """Its core metadata, byte for byte; ``None`` when it has none that can be read."""

    async def added(self, known: KnownFile, metadata: bytes | None) -> None:
        """Something else is known of a file: when this returns, the next page says it."""

    async def recalled(self) -> list[KnownFile]:
        """Those that have a recall.  Raises ``Busy``."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One file that came from an upstream index."""

    file: CachedFile | KnownFile

    @property
    def was_yanked(self) -> bool:
        """Was it yanked when it came, or by somebody here?  Then a yank upstream is no news."""
        if isinstance(self.file, CachedFile):
            return self.file.facts.yanked is not False
        recall = self.file.recall
        return self.file.yanked is not None and (recall is None or recall.how != YANKED)

    @property
    def is_hidden(self) -> bool:
        """Is it kept from clients by now?"""
        return self.file.recall is not None and self.file.recall.hidden


class KeptFiles:
    """Finds them, and writes down beside them what their index did to them."""

    def __init__(
        self,
        cache: Cache | None,
        files: Files,
        store: PackageStore,
        *,
        sidecar_of: Callable[[KnownFile], Sidecar | None],
        run_in_thread: RunInThread,
        changed: Callable[[frozenset[ProjectName]], None],
    ) -> None:
        """``cache`` is ``None`` where nothing is fetched for clients.

        ``sidecar_of`` reads what lies beside a file of the folders, blocking;
        ``changed`` is told, in the reactor thread, which pages of the cache's
        files are different.
        """
        self._cache = cache
        self._files = files
        self._store = store
        self._sidecar_of = sidecar_of
        self._run_in_thread = run_in_thread
        self._changed = changed

    async def of(self, name: ProjectName, held: Sequence[KnownFile] | None = None) -> list[list[Kept]]:
        """Return those of a project in the cache, and those in the folders.

        ``held`` are the files of the folders, where somebody has them at hand.
        Raises ``Unreadable`` and ``Busy``.
        """
        cached = [] if self._cache is None else await self._run_in_thread(self._cache.files_of, name)
        if held is None:
            try:
                held = await self._files.files_of(name)
            except NoSuchProject:
                held = []
        fetched = [known for known in held if known.source is Source.UPSTREAM]
        return [[Kept(each) for each in group] for group in (cached, fetched)]

    async def mark(self, kept: Kept, recall: Recall | None) -> RecalledFile | None:
        """Write down what became of a file; return what there is to report of it then, or was before.

        Raises ``NoSuchFile``, ``NotAllowed``, ``NoSpace``, ``BadFilename`` and ``Unreadable``.
        """
        told = recall or kept.file.recall
        if isinstance(kept.file, CachedFile) and self._cache is not None:
            await self._run_in_thread(self._cache.mark, kept.file, recall)
            self._changed(frozenset({kept.file.project}))
            return None if told is None else _of_cache(kept.file, told)
        if isinstance(kept.file, CachedFile):
            return None
        known, sidecars = kept.file, list[Sidecar]()
        await self._run_in_thread(self._store.annotate, known, partial(_annotated, known, recall, sidecars))
        known = replace(known, recall=recall, yanked=sidecars[0].yanked)
        await self._files.added(known, await self._files.metadata(known))
        return None if told is None else _of_folders(known, told, sidecars[0])

    async def report(self, kept: Iterable[tuple[Kept, Recall]]) -> list[RecalledFile]:
        """Return what there is to report of these files if that is their recall."""
        return await self._run_in_thread(self._report, list(kept))

    async def recalled(self) -> list[RecalledFile]:
        """Return all that have a recall.  Raises ``Busy`` and ``Unreadable``."""
        cached = [] if self._cache is None else await self._run_in_thread(_recalled, self._cache)
        known = await self._files.recalled()
        kept = [Kept(each) for each in cached] + [Kept(each) for each in known]
        return await self.report((each, each.file.recall) for each in kept if each.file.recall is not None)

    def projects(self) -> frozenset[ProjectName]:
        """Return the projects of which anything is in the cache."""
        return frozenset() if self._cache is None else self._cache.projects()

    def _report(self, kept: Sequence[tuple[Kept, Recall]]) -> list[RecalledFile]:
        return [
            _of_cache(each.file, recall)
            if isinstance(each.file, CachedFile)
            else _of_folders(each.file, recall, self._sidecar_of(each.file))
            for each, recall in kept
        ]


def _annotated(known: KnownFile, recall: Recall | None, sidecars: list[Sidecar], data: bytes | None) -> bytes:
    """The sidecar of a file of the folders with its recall; one of other bytes says nothing of these."""
    sidecar = None if data is None else parse_sidecar(data)
    if sidecar is None or sidecar.sha256 != known.sha256:
        sidecar = Sidecar(known.sha256, known.uploaded_ns or None, source=known.source)
    yanked = sidecar.yanked
    if recall is not None and recall.how == YANKED:
        yanked = recall.reason or ""
    elif known.recall is not None and known.recall.how == YANKED and YANKED_BY not in sidecar.more:
        # The yank was the index's, and went with its recall.
        yanked = None if yanked == (known.recall.reason or "") else yanked
    sidecars.append(replace(with_recall(sidecar, recall), yanked=yanked))
    return format_sidecar(sidecars[0])


def _recalled(cache: Cache) -> list[CachedFile]:
    return [each for name in sorted(cache.projects()) for each in cache.files_of(name) if each.recall is not None]


def _of_cache(cached: CachedFile, recall: Recall) -> RecalledFile:
    return RecalledFile(
        cached.project, cached.filename, cached.sha256, recall, cached.index, cached.fetched_ns, cached=True
    )


def _of_folders(known: KnownFile, recall: Recall, sidecar: Sidecar | None) -> RecalledFile:
    came = None if sidecar is None else from_upstream(sidecar, known.filename)
    index, fetched_ns = (None, None) if came is None else (came.index, came.fetched_ns)
    return RecalledFile(known.project, known.filename, known.sha256, recall, index, fetched_ns, cached=False)
