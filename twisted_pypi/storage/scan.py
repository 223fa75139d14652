"""The full pass: every file below a folder, compared with what is remembered of it by size and times."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from twisted_pypi.catalog import Identity, Place, Reader, Remembered, Sighting, State, Writer
from twisted_pypi.storage.absence import forget_file, forget_folder
from twisted_pypi.storage.beside import changed_at, look_beside
from twisted_pypi.storage.names import compare, in_order, understand
from twisted_pypi.storage.remarks import cannot_be_read
from twisted_pypi.storage.stopping import Stopping
from twisted_pypi.storage.tools import Tools
from twisted_pypi.storage.tree import Listing

_BATCH = 500


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """What came of a pass over all roots."""

    began: float
    """When it began, seconds since the epoch."""
    ended: float
    """When it ended."""
    files: int
    """How many packages were seen."""
    new: int
    """How many of them were not known."""
    changed: int
    """How many looked otherwise than they were known."""
    gone: int
    """How many that were known are not there any more, files and whole folders."""


def scan_all(tools: Tools, now: Callable[[], float]) -> ScanSummary:
    """Walk through all roots, and return what came of it; ``now`` tells seconds since the epoch."""
    began = now()
    scans = [Scan(tools) for _ in tools.tree.roots]
    for root, scan in enumerate(scans):
        scan.run(root)
    counts = (sum(getattr(each, name) for each in scans) for name in ("files", "new", "changed", "gone"))
    return ScanSummary(began, now(), *counts)


class Scan:
    """One pass over one folder and what is below it.  Blocking.

    Both sides come sorted and are walked through side by side, so memory stays
    flat.  What is found is written in batches; whatever is to be removed is
    looked for once more while nobody else writes.
    """

    def __init__(self, tools: Tools) -> None:
        """Nothing was looked at."""
        self._tools = tools
        self._jobs: list[Callable[[Writer], None]] = []
        self._found: dict[str, str] = {}
        self.files = self.new = self.changed = self.gone = 0

    def run(self, root: int, folder: str = "") -> None:
        """Walk through a folder of a root; by default the whole root."""
        self._found = {}
        try:
            with self._tools.ledger.catalog.reading() as reader:
                self._folder(reader, root, folder, reader.identity(root, folder))
        except Stopping:
            return
        self._flush()
        self._tools.troubles.scanned(root, folder, self._found)

    def _folder(self, reader: Reader, root: int, folder: str, before: Identity | None) -> int:
        """Walk through one folder; return how many packages are in it and below."""
        if self._tools.stopping.is_set():
            raise Stopping
        try:
            listing = self._tools.tree.listing(root, folder)
            missing = self._files(reader, root, folder, listing)
        except OSError as problem:
            vanished = isinstance(problem, FileNotFoundError | NotADirectoryError)
            # A folder that vanished is missing in the one above, which decides what that means.
            if not (folder and vanished):
                location = self._tools.tree.location(root, folder)
                self._found[folder] = cannot_be_read(location, problem, known=before is not None)
            return 0
        remembered = reader.folders_in(root, folder)
        inside = f"{folder}/" if folder else ""
        found = len(listing.packages)
        self.files += found
        for name in listing.folders:
            found += self._folder(reader, root, inside + name, remembered.get(name))
        gone = [inside + name for name in sorted(remembered.keys() - set(listing.folders))]
        if missing or gone:
            if found or listing.identity == before:
                self._forget(root, folder, missing, gone)
            else:
                self._found[folder] = (
                    f"{self._tools.tree.location(root, folder)} is empty and another folder than the one whose files are known"
                    " (is its volume not mounted? if the files were removed, remove the folder too)"
                )
        if found and listing.identity != before:
            self._later(lambda writer: writer.remember_folder(root, folder, listing.identity))
        return found

    def _files(self, reader: Reader, root: int, folder: str, listing: Listing) -> list[str]:
        """Compare the files of one folder; return the names of those that are missing."""
        missing = []
        for name, there, row in compare(in_order(listing.packages), reader.in_folder(root, folder)):
            if self._tools.stopping.is_set():
                raise Stopping
            place = Place(root, folder, name)
            if not there:
                missing.append(name)
            elif row is None:
                self._new(place)
            else:
                try:
                    sighting = Sighting.of(os.stat(self._tools.tree.location(root, place.path)))
                except FileNotFoundError:
                    missing.append(name)
                else:
                    self._compared(place, row, sighting, signed=name in listing.signed)
                    if row.state.listed:
                        self._beside(place, row.sidecar_mtime_ns, there=name in listing.with_sidecar)
        return missing

    def _new(self, place: Place) -> None:
        distribution = understand(
            place.filename, self._tools.tree.location(place.root, place.path), self._tools.remarks
        )
        if distribution is not None:
            self.new += 1
            self._later(lambda writer: writer.seen(place, distribution))

    def _compared(self, place: Place, row: Remembered, sighting: Sighting, *, signed: bool) -> None:
        state = doubt(row, sighting, inodes_count=self._tools.inodes.count(place.root))
        if state is not None:
            self.changed += 1
            self._later(lambda writer: writer.set_state(place, state))
        if row.signed != signed and row.state.listed:
            self._later(lambda writer: writer.set_signed(place, signed=signed))

    def _beside(self, place: Place, before: int | None, *, there: bool) -> None:
        location = self._tools.tree.location(place.root, place.path)
        # What cannot be read says what it said before.
        with suppress(OSError):
            if (changed_at(location) if there else None) != before:
                found = look_beside(location)
                self._later(lambda writer: writer.set_sidecar(place, *found))

    def _forget(self, root: int, folder: str, missing: list[str], gone: list[str]) -> None:
        self.gone += len(missing) + len(gone)
        for name in missing:
            place = Place(root, folder, name)
            self._later(partial(forget_file, tree=self._tools.tree, place=place))
        for each in gone:
            self._later(partial(forget_folder, tree=self._tools.tree, root=root, folder=each))

    def _later(self, job: Callable[[Writer], None]) -> None:
        self._jobs.append(job)
        if len(self._jobs) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        jobs, self._jobs = self._jobs, []
        if jobs:
            self._tools.ledger.write(lambda writer: [job(writer) for job in jobs])


def doubt(row: Remembered, sighting: Sighting, *, inodes_count: bool) -> State | None:
    """What the facts of a file are worth now that it looks so; ``None``: as much as before.

    Other bytes are unknown.  Another inode with the same size and time
    (overlay file systems, restored volumes) is a reason to look, no more.
    """
    if row.state is State.UNKNOWN:
        return None
    if not row.state.listed or row.sighting is None or not row.sighting.same_bytes_as(sighting):
        return State.UNKNOWN
    other_inode = inodes_count and row.sighting.inode != sighting.inode
    return State.RECHECK if other_inode and row.state is State.LISTED else None
