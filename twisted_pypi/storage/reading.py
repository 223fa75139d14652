"""The facts of one file: its digest, its metadata, and whether it is whole yet."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.catalog import Place, Sighting
from twisted_pypi.core_metadata import extract, has_readable_format, parse, reads_to_the_end
from twisted_pypi.distributions import Distribution, Kind, parse_filename
from twisted_pypi.errors import BadFilename, BadMetadata
from twisted_pypi.sidecars import Sidecar
from twisted_pypi.storage.beside import NOTHING, Beside, look_beside
from twisted_pypi.storage.open_files import nobody_writes
from twisted_pypi.storage.stopping import Stopping
from twisted_pypi.storage.tree import Tree
from twisted_pypi.upstream_facts import recall_in

STILL = 2.0
"""Seconds without a change after which nobody is believed to be writing, if the archive is whole."""
LONG_STILL = 10.0
"""Seconds without a change after which a file is taken though its archive cannot be read."""
FRESH = 300.0
"""Seconds since the last change after which a file is no longer looked through for its end."""

_PIECE = 1024 * 1024
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Job:
    """A file to be read."""

    place: Place
    closed: bool = False
    """Was it seen that its writer closed it, or that it was moved here whole?"""
    before: Sighting | None = None
    """How it looked when ``since`` began."""
    since: float = 0.0
    """Since when it has looked so, in seconds of the clock."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The file is whole, and this is known of it."""

    known: KnownFile
    metadata: bytes | None
    uploaded_is_certain: bool
    """Does a sidecar say when it was uploaded?"""
    remark: str | None
    """Why it has no metadata."""
    sidecar_mtime_ns: int | None = None
    """When the sidecar that was read was changed last."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """The file is not known to be whole; it shall be looked at again."""

    sighting: Sighting
    wait: float
    """Seconds until then."""


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such file."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The file cannot be read."""

    reason: str


Outcome = Facts | NotYet | Gone | Failed


class FileReader:
    """Reads files; blocking, in any thread."""

    def __init__(self, tree: Tree, now: Callable[[], float], stopping: threading.Event) -> None:
        """``now`` is the time in seconds since the epoch."""
        self._tree = tree
        self._now = now
        self._stopping = stopping

    def read(self, job: Job) -> Outcome:
        """What a file is.  Raises ``Stopping``, and no ``OSError``."""
        location = self._tree.location(job.place.root, job.place.path)
        try:
            distribution = parse_filename(job.place.filename)
            # A pipe that is named like a package must not block.
            descriptor = os.open(location, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError, BadFilename):
            return Gone()
        except OSError as problem:
            return Failed(f"{location} cannot be read ({problem.strerror})")
        try:
            with os.fdopen(descriptor, "rb") as file:
                return self._read(file, job, distribution, location)
        except OSError as problem:
            return Failed(f"{location} cannot be read ({problem.strerror})")

    def _read(self, file: BinaryIO, job: Job, distribution: Distribution, location: str) -> Outcome:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            return Gone()
        sighting, now = Sighting.of(status), self._now()
        still = _still(job, sighting, now)
        if still < STILL and not job.closed and not nobody_writes(file.fileno()):
            return NotYet(sighting, STILL - still)
        sha256, metadata, reason, whole = self._contents(file, distribution, sighting, now)
        if not whole and still < LONG_STILL:
            return NotYet(sighting, LONG_STILL - still)
        if not sighting.same_bytes_as(Sighting.of(os.fstat(file.fileno()))):
            return NotYet(sighting, STILL)
        distribution, requires_python = _understood(distribution, metadata)
        beside = _beside(location)
        said = beside.sidecar if beside.sidecar is not None and beside.sidecar.sha256 == sha256 else Sidecar(sha256)
        return Facts(
            KnownFile(
                job.place.root, job.place.path, distribution, *sighting, sha256,
                said.uploaded_ns or min(sighting.mtime_ns, int(now * _SECOND)), requires_python,
                None if metadata is None else hashlib.sha256(metadata).hexdigest(),
                self._tree.is_signed(job.place), said.yanked, bool(said.attestations), said.source,
                recall_in(said),
            ),
            metadata,
            uploaded_is_certain=said.uploaded_ns is not None,
            remark=None if reason is None else f"{location} is listed without metadata: {reason}",
            sidecar_mtime_ns=beside.mtime_ns,
        )  # fmt: skip

    def _contents(
        self, file: BinaryIO, distribution: Distribution, sighting: Sighting, now: float
    ) -> tuple[str, bytes | None, str | None, bool]:
        """The digest, the metadata or why there is none, and whether all of the file seems to be there."""
        if sighting.size <= _PIECE:
            content = file.read()
            sha256 = hashlib.sha256(content).hexdigest()
            file = io.BytesIO(content)
        else:
            sha256 = self._digest(file)
        metadata, reason = None, None
        try:
            metadata = extract(file, distribution)
        except BadMetadata as problem:
            reason = str(problem)
        whole = now - sighting.mtime_ns / _SECOND > FRESH or (
            sighting.size > 0 and has_readable_format(distribution) and reads_to_the_end(file, distribution)
        )
        return sha256, metadata, reason, whole

    def _digest(self, file: BinaryIO) -> str:
        digest, piece = hashlib.sha256(), bytearray(_PIECE)
        view = memoryview(piece)
        while count := file.readinto(view):  # type: ignore[attr-defined]  # every file that is open has it
            digest.update(view[:count])
            if self._stopping.is_set():
                raise Stopping
        return digest.hexdigest()


def _beside(location: str) -> Beside:
    """What lies beside a file; what cannot be read says nothing, and is looked at again by the next scan."""
    try:
        return look_beside(location)
    except OSError:
        return NOTHING


def _still(job: Job, sighting: Sighting, now: float) -> float:
    """For how many seconds a file has not changed, as far as is known."""
    since = [now]
    modified = sighting.mtime_ns / _SECOND
    # The clock of another machine may be ahead: then only what was seen here counts.
    if modified <= now:
        since.append(modified)
    if job.before is not None and job.before.same_bytes_as(sighting):
        since.append(job.since)
    return now - min(since)


def _understood(distribution: Distribution, metadata: bytes | None) -> tuple[Distribution, str | None]:
    """What the metadata adds: where an old file name is to be split, and the Pythons that it is for."""
    if metadata is None:
        return distribution, None
    try:
        said = parse(metadata)
    except BadMetadata:
        return distribution, None
    if distribution.kind is not Kind.WHEEL:
        try:
            distribution = parse_filename(distribution.filename, project=said.name)
        except BadFilename:
            # The name inside is another one; installers go by the name of the file.
            return distribution, said.requires_python
    return distribution, said.requires_python
