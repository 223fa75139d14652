"""A store of packages that keeps nothing on the disk but what is being staged."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b, md5, sha256

from twisted_pypi.boundaries import KnownFile, Published, Staged
from twisted_pypi.errors import AlreadyUploaded, NoSpace, NoSuchFile, NotAllowed

_ALGORITHMS: Mapping[str, Callable[[bytes], str]] = {
    "md5": lambda data: md5(data, usedforsecurity=False).hexdigest(),
    "sha256": lambda data: sha256(data).hexdigest(),
    "blake2_256": lambda data: blake2b(data, digest_size=32).hexdigest(),
    "blake2_512": lambda data: blake2b(data).hexdigest(),
}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a ``MemoryStore`` and what lies beside it."""

    data: bytes
    sidecar: bytes | None = None
    signature: bytes | None = None


class MemoryStaged:
    """The ``Staged`` of a ``MemoryStore``."""

    def __init__(self, store: MemoryStore, algorithms: Collection[str]) -> None:
        """Begin with nothing."""
        self.size = 0
        self.discarded = False
        self._store = store
        self._algorithms = {"sha256", *algorithms} & set(_ALGORITHMS)
        # A real file, since metadata is read from a path.
        self._file = tempfile.NamedTemporaryFile()  # noqa: SIM115 - closed by discard()

    @property
    def gone(self) -> bool:
        """Were the bytes forgotten?"""
        return self.discarded

    def write(self, data: bytes) -> None:
        """Append.  Raises ``NoSpace``."""
        if len(data) > self._store.free_space():
            self.discard()
            raise NoSpace("the disk of the index is full")
        self._file.write(data)
        self._file.flush()
        self.size += len(data)

    def data(self) -> bytes:
        """Everything that was written."""
        self._file.seek(0)
        return self._file.read()

    def digests(self) -> Mapping[str, str]:
        """Hex digests of everything written."""
        return {name: self.digest(name) for name in self._algorithms}

    def digest(self, algorithm: str) -> str:
        """One hex digest.  Raises ``ValueError`` for an unknown algorithm."""
        if algorithm not in _ALGORITHMS:
            raise ValueError(f"unknown digest {algorithm!r}")
        return _ALGORITHMS[algorithm](self.data())

    def path(self) -> str:
        """A path by which the bytes can be read."""
        return self._file.name

    def discard(self) -> None:
        """Forget the bytes; harmless when done twice."""
        self.discarded = True
        self._file.close()
        self._store.staged.discard(self)


class MemoryStore:
    """A ``PackageStore`` in memory, with one root."""

    def __init__(self, *, capacity: int = 1 << 30, read_only: bool = False) -> None:
        """Have room for ``capacity`` bytes, or take none at all when ``read_only``."""
        self.files: dict[str, StoredFile] = {}
        """What is stored, by path."""
        self.staged: set[MemoryStaged] = set()
        """What is being staged now."""
        self.capacity = capacity
        self.read_only = read_only
        self._clock = 0
        self._lock = threading.Lock()

    def stage(self, expected_size: int | None, algorithms: Collection[str]) -> MemoryStaged:
        """Make room for bytes to come.  Raises ``NoSpace``, ``NotAllowed``."""
        self._check_writable()
        if (expected_size or 0) > self.free_space():
            raise NoSpace("the disk of the index is full")
        staged = MemoryStaged(self, algorithms)
        self.staged.add(staged)
        return staged

    def publish(
        self,
        staged: Staged,
        filename: str,
        *,
        sidecar: bytes | None = None,
        signature: bytes | None = None,
        replace: KnownFile | bool = False,
        beside: KnownFile | None = None,
    ) -> Published:
        """Give staged bytes their final name.  Raises ``AlreadyUploaded``, ``NotAllowed``."""
        self._check_writable()
        if not isinstance(staged, MemoryStaged):
            raise TypeError("only what was staged here can be published here")
        folder = "" if beside is None else beside.path[: -len(beside.filename)]
        path = replace.path if isinstance(replace, KnownFile) else f"{folder}{filename}"
        data = staged.data()
        with self._lock:
            here = self.files.get(path)
            already = here is not None and not replace
            if here is not None and not replace and here.data != data:
                raise AlreadyUploaded.with_digests(filename, sha256(here.data).hexdigest(), sha256(data).hexdigest())
            if not already:
                self.files[path] = StoredFile(data, sidecar, signature)
                self._clock += 1
        staged.discard()
        return Published(0, path, len(data), self._clock, self._clock, already=already)

    def remove(self, known: KnownFile) -> None:
        """Remove a file.  Raises ``NoSuchFile``, ``NotAllowed``."""
        self._check_writable()
        if self.files.pop(known.path, None) is None:
            raise NoSuchFile(f"there is no file {known.filename}")

    def annotate(self, known: KnownFile, write: Callable[[bytes | None], bytes]) -> None:
        """Replace the sidecar of a file.  Raises ``NoSuchFile``, ``NotAllowed``."""
        self._check_writable()
        with self._lock:
            here = self.files.get(known.path)
            if here is None:
                raise NoSuchFile(f"there is no file {known.filename}")
            self.files[known.path] = replace(here, sidecar=write(here.sidecar))

    def free_space(self) -> int:
        """Bytes that an upload could take now."""
        used = sum(len(each.data) for each in self.files.values())
        return self.capacity - used - sum(each.size for each in self.staged)

    def _check_writable(self) -> None:
        if self.read_only:
            raise NotAllowed("the folder of the index cannot be written to")
