"""Reads files in a thread, a batch at a time, and writes down what they are."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from twisted.logger import Logger

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.catalog import Place, Sighting, State, Writer
from twisted_pypi.storage.absence import remember_folders, removed_by_hand
from twisted_pypi.storage.reading import Facts, Failed, FileReader, Gone, Job, NotYet, Outcome
from twisted_pypi.storage.remarks import Remark
from twisted_pypi.storage.stopping import Stopping
from twisted_pypi.storage.tools import Tools

_LONGEST = 0.2
_LARGE = 256 * 1024
_WAITING = 0.3


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of a batch."""

    done: list[Place] = field(default_factory=list)
    """Files that were read and written down, one way or the other."""
    waiting: list[tuple[Place, NotYet]] = field(default_factory=list)
    """Those that shall be looked at again."""
    shareable: bool = False
    """Would another thread have helped?

    Hashing large files and waiting for the disk goes on in parallel.  Small
    files that are in memory are read one after the other whatever is done, by
    two threads with twice the effort (the lock of the interpreter).
    """


class Recorder:
    """Turns jobs into rows of the catalog."""

    log = Logger()

    def __init__(self, tools: Tools, reader: FileReader) -> None:
        """``reader`` says what a file is."""
        self._tools = tools
        self._reader = reader

    def record(self, jobs: Sequence[Job]) -> tuple[Recorded, list[Job]]:
        """Read files for about 0.2 s; return what came of them, and those that were not read.  Blocking.

        So nobody waits long for a small file because large ones are read before it.
        """
        outcomes: list[tuple[Place, Outcome]] = []
        began, busy = time.monotonic(), time.thread_time()
        for job in jobs:
            if self._tools.stopping.is_set() or (outcomes and time.monotonic() - began > _LONGEST):
                break
            try:
                outcomes.append((job.place, self._reader.read(job)))
            except Stopping:
                break
            except Exception as problem:  # noqa: BLE001  # one strange file must not keep the others out
                self.log.failure("reading {path} failed", path=job.place.path)
                outcomes.append((job.place, Failed(f"{job.place.path} cannot be read ({problem!r})")))
        waited = time.thread_time() - busy < _WAITING * (time.monotonic() - began)
        recorded = replace(self._write(outcomes), shareable=waited or _bytes(outcomes) > _LARGE * len(outcomes))
        return recorded, list(jobs[len(outcomes) :])

    def _write(self, outcomes: Sequence[tuple[Place, Outcome]]) -> Recorded:
        recorded = Recorded()
        try:
            self._tools.ledger.write(lambda writer: self._settle(writer, outcomes, recorded))
        except Exception:  # noqa: BLE001  # a full disk must not end the thread; who waits is told by the state
            self.log.failure("what {count} files are could not be written to the catalog", count=len(outcomes))
            return Recorded([place for place, _ in outcomes])
        return recorded

    def _settle(self, writer: Writer, outcomes: Sequence[tuple[Place, Outcome]], recorded: Recorded) -> None:
        # Whoever writes the catalog may have to run this once more.
        recorded.done.clear()
        recorded.waiting.clear()
        folders = set()
        for place, outcome in outcomes:
            recorded.done.append(place)
            match outcome:
                case Facts(known, metadata, certain, remark, sidecar_mtime_ns):
                    if not self._still_so(place, Sighting(known.size, known.mtime_ns, known.inode)):
                        # It was replaced while it was read; the next look finds out by what.
                        recorded.waiting.append((place, NotYet(Sighting(0, 0, 0), 0)))
                        continue
                    self._count_alarm(writer, place, known)
                    writer.put(known, metadata, uploaded_is_certain=certain, sidecar_mtime_ns=sidecar_mtime_ns)
                    folders.add((place.root, place.folder))
                    if remark is not None:
                        self._tools.remarks.once(Remark.NO_METADATA, place.path, remark)
                case NotYet():
                    # Its name is ours already: nobody may be sent elsewhere for it.
                    writer.set_state(place, State.SETTLING)
                    recorded.waiting.append((place, outcome))
                case Gone():
                    self._gone(writer, place)
                case Failed(reason):
                    self._failed(writer, place)
                    self._tools.remarks.once(Remark.UNREADABLE, reason, reason)
        for root, folder in folders:
            remember_folders(writer, self._tools.tree, root, folder)

    def _count_alarm(self, writer: Writer, place: Place, known: KnownFile) -> None:
        row = writer.read.remembered(place)
        if row is not None and row.state is State.RECHECK:
            before = writer.read.known(place)
            if before is not None and before.sha256 == known.sha256:
                self._tools.inodes.false_alarm(place.root, self._tools.ledger.catalog.files)

    def _still_so(self, place: Place, sighting: Sighting) -> bool:
        try:
            now = Sighting.of(os.stat(self._tools.tree.location(place.root, place.path)))
        except OSError:
            return False
        return now.same_bytes_as(sighting)

    def _gone(self, writer: Writer, place: Place) -> None:
        if removed_by_hand(writer, self._tools.tree, place.root, place.path) or self._is_no_file(place):
            writer.remove(place)
        else:
            self._failed(writer, place)

    def _is_no_file(self, place: Place) -> bool:
        location = self._tools.tree.location(place.root, place.path)
        return os.path.lexists(location) and not os.path.isfile(location)

    def _failed(self, writer: Writer, place: Place) -> None:
        row = writer.read.remembered(place)
        if row is not None:
            # Facts that were only to be compared hold until they are found wrong.
            writer.set_state(place, State.LISTED if row.state is State.RECHECK else State.UNREADABLE)


def _bytes(outcomes: Sequence[tuple[Place, Outcome]]) -> int:
    return sum(outcome.known.size for _, outcome in outcomes if isinstance(outcome, Facts))
