"""The cache of upstream files: a folder that everything may be removed from, but for what is locked away."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from twisted_pypi.boundaries import CachedFile, Recall, Staged
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import BadFilename, NoSpace, NoSuchFile, Recalled, Unreadable
from twisted_pypi.sidecars import format_sidecar, sidecar_name
from twisted_pypi.simple.model import File
from twisted_pypi.storage.beside import look_beside
from twisted_pypi.storage.cache_room import CacheRoom
from twisted_pypi.storage.final_names import FinalNames, link, put_over, rename_no_replace, sync_folder, write_beside
from twisted_pypi.storage.publishing import RESERVE, DirectoryStore
from twisted_pypi.storage.recency import Recency
from twisted_pypi.storage.staging import StagedFile, storage_errors
from twisted_pypi.storage.sweeping import sweep
from twisted_pypi.storage.upstream_places import (
    LOCKED,
    METADATA,
    SIZE,
    UPSTREAM,
    Places,
    is_place,
    make_folder,
    may_be_kept,
    remove_folder,
)
from twisted_pypi.upstream_facts import upstream_sidecar, with_recall


class DirectoryCache:
    """A ``Cache`` in ``<root>/.upstream``.  Any thread may ask.

    A file is there when it and its sidecar are, and agree.  What was not used
    for the longest time goes first when room is needed; a client that is
    getting it just then gets all of it, since an open file outlives its name.
    """

    def __init__(
        self,
        root: str,
        *,
        limit: int | None = None,
        reserve: int = RESERVE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Keep at most ``limit`` bytes below ``root``, and leave ``reserve`` bytes of the disk free."""
        self._root = Path(root)
        self._clock = clock
        self._open = Places(self._root / UPSTREAM)
        self._locked = Places(self._root / UPSTREAM / LOCKED)
        self._store = DirectoryStore([str(self._open.folder)], reserve=reserve, clock=clock)
        self._names = FinalNames(link, rename_no_replace)
        self._naming = threading.RLock()
        self._recency = Recency()
        self._room = CacheRoom(self._open, self._store, self._recency, limit, self._naming)

    def find(self, project: ProjectName, filename: str) -> CachedFile | None:
        """A file that is kept, or the metadata beside a wheel; one that is locked away says so in its recall."""
        if not is_place(project, filename):
            return None
        return self._locked.look(project, filename) or self._open.look(project, filename)

    def files_of(self, project: ProjectName) -> list[CachedFile]:
        """All files that are kept of a project, but for metadata beside wheels, by name.  Blocking."""
        names = {*self._open.names(project), *self._locked.names(project)}
        found = (self.find(project, name) for name in sorted(names) if not name.endswith(METADATA))
        return [each for each in found if each is not None]

    def projects(self) -> frozenset[ProjectName]:
        """The projects of which anything is kept."""
        return frozenset([*self._open.projects(), *self._locked.projects()])

    def used(self, project: ProjectName, filename: str) -> None:
        """Somebody took it."""
        if not self._recency.touch((project, filename)):
            found = self._open.look(project, filename) if is_place(project, filename) else None
            if found is not None:
                self._recency.use((project, filename), found.size)

    def size(self) -> tuple[int, int]:
        """How many files may be removed for others, and their bytes; complete once ``seed`` was called."""
        return self._recency.size()

    def seed(self) -> None:
        """Find all that is kept, once, with the times of last use.  Blocking."""
        self._room.seed()

    def stage(self, expected_size: int | None) -> StagedFile:
        """Make room for bytes to come.  Blocking.  Raises ``NoSpace``, ``NotAllowed`` and ``Unreadable``."""
        with self._explained():
            make_folder(self._open.folder)
            self._room.make(expected_size or 0)
        try:
            return self._store.stage(expected_size, ())
        except NoSpace:
            self._room.make_on_disk(expected_size or 0)
        return self._store.stage(expected_size, ())

    def keep(self, staged: Staged, project: ProjectName, file: File, index: str, *, suffix: str = "") -> CachedFile:
        """Give staged bytes the name of ``file`` and ``suffix``.  Blocking.

        The very same bytes may be there already.  Raises ``NoSpace``,
        ``NotAllowed``, ``Unreadable``, ``BadFilename``, and ``Recalled`` when a
        file of that name is locked away.
        """
        filename = file.filename + suffix
        if not isinstance(staged, StagedFile):
            raise TypeError("only what was staged here can be kept here")
        if not is_place(project, filename):
            raise BadFilename(f"{filename!r} of {project!r} is no name that a file can be kept under")
        digest = staged.digests()["sha256"]
        said = upstream_sidecar(file, index, int(self._clock() * 1_000_000) * 1000, digest)
        sidecar = replace(said, more={**said.more, SIZE: staged.size})
        with self._explained():
            staged.sync()
            ready = write_beside(format_sidecar(sidecar), self._open.folder)
            try:
                with self._naming:
                    self._name(staged, ready, project, filename, digest)
            finally:
                ready.unlink(missing_ok=True)
            # Whoever makes room may have removed it again, with its folder.
            with suppress(FileNotFoundError):
                sync_folder(self._open.folder / project)
        staged.discard()
        found = self._open.look(project, filename)
        if found is None:
            raise Unreadable(f"{filename} was removed while it was kept; ask again")
        self._recency.use((project, filename), found.size)
        self._room.make(0)
        return found

    def mark(self, cached: CachedFile, recall: Recall | None) -> CachedFile:
        """Write down what the index did to a file, and lock it away if it is to be hidden, or give it back.  Blocking.

        Raises ``NoSuchFile``, ``NotAllowed``, ``NoSpace`` and ``Unreadable``.
        """
        project, filename = cached.project, cached.filename
        places = self._locked if recall is not None and recall.hidden else self._open
        with self._explained(), self._naming:
            here = self.find(project, filename)
            sidecar = None if here is None else look_beside(here.location).sidecar
            if here is None or sidecar is None:
                raise NoSuchFile(f"{filename} is not kept here any more")
            target = places.path(project, filename)
            if places is self._locked:
                make_folder(self._locked.folder, 0o700)
            make_folder(target.parent)
            put_over(format_sidecar(with_recall(sidecar, recall)), target.with_name(sidecar_name(filename)))
            if str(target) != here.location:
                self._move(Path(here.location), target, here)
        found = places.look(project, filename)
        if found is None:
            raise Unreadable(f"{filename} is being replaced; ask again")
        return found

    def sweep(self) -> int:
        """Remove what dead processes left behind, and return how many files that were.  Blocking."""
        return sum(sweep(each.folder, self._clock(), self._naming, may_be_kept) for each in (self._open, self._locked))

    def _name(self, staged: StagedFile, sidecar: Path, project: ProjectName, filename: str, digest: str) -> None:
        """Put a sidecar and its file where they belong, unless they are there."""
        if self._locked.look(project, filename) is not None:
            raise Recalled(f"{filename} was taken back by its index, and what was fetched before is locked away")
        here = self._open.look(project, filename)
        if here is not None and here.sha256 == digest:
            return
        target = self._open.path(project, filename)
        make_folder(target.parent)
        if os.path.lexists(target):
            # Never may the new sidecar lie beside the old file.
            target.unlink()
            sync_folder(target.parent)
        sidecar.replace(target.with_name(sidecar_name(filename)))
        try:
            self._names.free(staged, target)
        except FileExistsError as error:
            raise Unreadable(f"{filename} is being stored by another process; ask again") from error

    def _move(self, source: Path, target: Path, moved: CachedFile) -> None:
        """Move a file whose new sidecar is there already."""
        source.replace(target)
        sync_folder(target.parent)
        source.with_name(sidecar_name(source.name)).unlink(missing_ok=True)
        remove_folder(source.parent)
        if target.is_relative_to(self._locked.folder):
            self._recency.forget((moved.project, moved.filename))
            self._room.remove((moved.project, moved.filename + METADATA))
        else:
            self._recency.use((moved.project, moved.filename), moved.size)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say in the product's words what the operating system says."""
        try:
            with storage_errors():
                yield
        except FileNotFoundError as error:
            raise Unreadable(
                "the folder of the index is not there at the moment; try again when it is mounted"
            ) from error
