"""Room for files of upstream indexes: what was used least lately goes first."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, suppress

from twisted_pypi.errors import BadFilename, NoSpace
from twisted_pypi.sidecars import sidecar_name
from twisted_pypi.storage.publishing import DirectoryStore
from twisted_pypi.storage.recency import Key, Recency
from twisted_pypi.storage.staging import storage_errors
from twisted_pypi.storage.upstream_places import Places, file_stat, remove_folder


class CacheRoom:
    """The room that a cache may take.  Everything here blocks; any thread may ask."""

    def __init__(
        self,
        places: Places,
        store: DirectoryStore,
        recency: Recency,
        limit: int | None,
        naming: AbstractContextManager[object],
    ) -> None:
        """Keep the files at ``places`` and those that are staged below ``limit`` bytes; remove under ``naming``."""
        self._places = places
        self._store = store
        self._recency = recency
        self._limit = limit
        self._naming = naming
        self._seeding = threading.Lock()
        self._seeded = False

    def seed(self) -> None:
        """Find all that is there, once, with the times of last use."""
        with self._seeding:
            if self._seeded:
                return
            self._recency.seed(
                (max(now.st_atime, now.st_mtime), (project, name), now.st_size)
                for project in self._places.projects()
                for name in self._places.names(project)
                if (now := file_stat(self._places.path(project, name))) is not None
            )
            self._seeded = True

    def make(self, coming: int) -> None:
        """Remove files until so many bytes more are within the limit.  Raises ``NoSpace`` when that cannot be."""
        if self._limit is None:
            return
        if coming > self._limit:
            raise NoSpace(f"a file of {coming} bytes is larger than all that may be kept here (--cache-size)")
        self.seed()
        while self._recency.size()[1] + self._store.under_way() + coming > self._limit and self._remove_oldest():
            pass

    def make_on_disk(self, needed: int) -> None:
        """Remove files until the disk has room for so many bytes, if that can be reached at all."""
        self.seed()
        if self._store.free_space() + self._recency.size()[1] >= needed:
            while self._store.free_space() < needed and self._remove_oldest():
                pass

    def remove(self, key: Key) -> None:
        """Remove one file with its sidecar, if it is there."""
        path = self._places.path(*key)
        with storage_errors(), self._naming:
            path.unlink(missing_ok=True)
            with suppress(BadFilename):
                path.with_name(sidecar_name(path.name)).unlink(missing_ok=True)
            remove_folder(path.parent)
            self._recency.forget(key)

    def _remove_oldest(self) -> bool:
        oldest = self._recency.oldest()
        if oldest is None:
            return False
        if self._places.look(*oldest) is not None:
            self.remove(oldest)
        else:
            # Gone already, or put there by somebody else: only what was fetched may go.
            self._recency.forget(oldest)
        return True
