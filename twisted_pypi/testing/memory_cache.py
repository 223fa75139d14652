"""A cache of upstream indexes' files that forgets them with the process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from twisted_pypi.boundaries import CachedFile, Recall, Staged
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import NoSuchFile
from twisted_pypi.simple.model import File
from twisted_pypi.testing.memory_store import MemoryStaged, MemoryStore

METADATA = ".metadata"
"""What the name of a kept metadata file has behind that of its wheel (PEP 658)."""


class MemoryCache:
    """A ``Cache`` that knows what it was told.

    With a folder, bytes are real files in it, since downloads are sent from a path.
    """

    def __init__(
        self,
        now_ns: Callable[[], int] = lambda: 0,
        *,
        capacity: int = 1 << 30,
        read_only: bool = False,
        folder: str | None = None,
    ) -> None:
        """Have room for ``capacity`` bytes, or take none at all when ``read_only``; without ``folder``, bytes are not kept."""
        self._now_ns = now_ns
        self._store = MemoryStore(capacity=capacity, read_only=read_only)
        self._lock = threading.Lock()
        self._files: dict[tuple[ProjectName, str], CachedFile] = {}
        self._folder = folder
        self.taken: list[tuple[ProjectName, str]] = []
        """What was said to be used, in order."""

    @property
    def staged(self) -> set[MemoryStaged]:
        """What is being staged now."""
        return self._store.staged

    def put(
        self,
        project: ProjectName,
        file: File,
        index: str = "https://index.example.com/simple",
        data: bytes = b"",
        *,
        suffix: str = "",
        recall: Recall | None = None,
    ) -> CachedFile:
        """Have a file with these bytes, and return it.

        Its digest is the one that ``file`` has, where it has one and the file is no metadata.
        """
        name = file.filename + suffix
        location, mtime_ns = self._written(project, name, data)
        digest = sha256(data).hexdigest() if suffix else file.hashes.get("sha256") or sha256(data).hexdigest()
        kept = CachedFile(project, name, location, len(data), mtime_ns, digest, self._now_ns(), file, index, recall)
        with self._lock:
            self._files[project, name] = kept
        return kept

    def find(self, project: ProjectName, filename: str) -> CachedFile | None:
        """A file that is kept."""
        return self._files.get((project, filename))

    def files_of(self, project: ProjectName) -> list[CachedFile]:
        """All that is kept of a project, but for metadata, by file name."""
        with self._lock:
            kept = [each for (name, _), each in self._files.items() if name == project]
        return sorted((each for each in kept if not each.filename.endswith(METADATA)), key=lambda each: each.filename)

    def projects(self) -> frozenset[ProjectName]:
        """The projects of which anything is kept."""
        return frozenset(project for project, _ in self._files)

    def stage(self, expected_size: int | None) -> Staged:
        """Make room for bytes to come.  Raises ``NoSpace``, ``NotAllowed``."""
        return self._store.stage(expected_size, ())

    def keep(self, staged: Staged, project: ProjectName, file: File, index: str, *, suffix: str = "") -> CachedFile:
        """Give staged bytes their name."""
        if not isinstance(staged, MemoryStaged):
            raise TypeError("only what was staged here can be kept here")
        kept = self.put(project, file, index, staged.data(), suffix=suffix)
        staged.discard()
        return kept

    def used(self, project: ProjectName, filename: str) -> None:
        """Somebody took it."""
        self.taken.append((project, filename))

    def mark(self, cached: CachedFile, recall: Recall | None) -> CachedFile:
        """Write down what the upstream did to a file.  Raises ``NoSuchFile``."""
        key = cached.project, cached.filename
        with self._lock:
            if key not in self._files:
                raise NoSuchFile(f"there is no file {cached.filename}")
            self._files[key] = replace(self._files[key], recall=recall)
            return self._files[key]

    def size(self) -> tuple[int, int]:
        """How many files are kept, and their bytes."""
        return len(self._files), sum(each.size for each in self._files.values())

    def _written(self, project: ProjectName, name: str, data: bytes) -> tuple[str, int]:
        """The path of a file, and its modification time."""
        if self._folder is None:
            return f"/nowhere/{project}/{name}", 0
        path = Path(self._folder, project, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return str(path), path.stat().st_mtime_ns
