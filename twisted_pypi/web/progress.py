"""What came of the last scan and of the last update, as ``/-/status`` tells it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from twisted_pypi.policy.moments import iso

if TYPE_CHECKING:
    from twisted_pypi.mirroring.outcomes import PassSummary
    from twisted_pypi.sharing import SharedMemory
    from twisted_pypi.storage.scan import ScanSummary

MOST_NOTABLE = 200
"""Projects of an update that are named."""

MOST_FILES = 10
"""Files of a project that are named, of those that an update fetched, and of those that it did not take."""

EVERY = 1.0
"""Seconds between two looks at whether there is news for the other processes."""

Document = Mapping[str, Any]
"""What there is to tell, by the keys of the status: ``started`` (seconds since the epoch), ``scan`` and, where there are updates, ``update``."""


class Scans(Protocol):
    """Who walks through the folders."""

    last: ScanSummary | None


class UpdatesSoFar(Protocol):
    """Who brings projects up to date now and again."""

    last: PassSummary | None
    problem: str | None

    @property
    def under_way(self) -> bool:
        """Is that so at the moment?"""


class Progress:
    """What the process knows that scans and updates."""

    def __init__(self, scans: Scans, updates: UpdatesSoFar | None, started: float) -> None:
        """``updates`` is ``None`` where there are none; ``started`` is when the server was, seconds since the epoch."""
        self._started = started
        self._scans = scans
        self._updates = updates
        self._scan: tuple[ScanSummary | None, Document | None] = None, None
        self._pass: tuple[PassSummary | None, Document | None] = None, None

    def document(self) -> Document:
        """Return what there is to tell; the same objects as long as nothing has changed."""
        if self._scans.last is not self._scan[0]:
            self._scan = self._scans.last, _scan(self._scans.last)
        said: dict[str, Any] = {"started": self._started, "scan": self._scan[1]}
        updates = self._updates
        if updates is not None:
            if updates.last is not self._pass[0]:
                self._pass = updates.last, _summary(updates.last)
            said["update"] = {
                "under-way": updates.under_way,
                "problem": updates.problem,
                "last": self._pass[1],
            }
        return said


class Notice(Service):
    """Leaves what this process knows to the others that serve with it."""

    log = Logger()

    def __init__(self, progress: Progress, memory: SharedMemory, clock: IReactorTime) -> None:
        """Look for news of ``progress`` every so often."""
        self._progress = progress
        self._memory = memory
        self._left: Document | None = None
        self._loop = LoopingCall(self._leave)
        self._loop.clock = clock

    def startService(self) -> None:
        """Begin."""
        super().startService()
        self._loop.start(EVERY)

    def stopService(self) -> None:
        """End."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()

    def _leave(self) -> None:
        # A loop that fails once would never run again.
        with self.log.failuresHandled("what was scanned and updated could not be left for other processes"):
            said = self._progress.document()
            if said != self._left:
                self._left = said
                if not self._memory.write_notice(json.dumps(said).encode()):
                    self.log.warn("there is too much to tell of the last update for other processes to know it")


class Noticed:
    """What the process that scans and updates has left."""

    def __init__(self, memory: SharedMemory, started: float) -> None:
        """``started`` is told as long as it has left nothing."""
        self._memory = memory
        self._started = started

    def document(self) -> Document:
        """Return what there is to tell."""
        notice = self._memory.read_notice()
        found: Document = {"started": self._started, "scan": None} if notice is None else json.loads(notice)
        return found


def _scan(summary: ScanSummary | None) -> Document | None:
    if summary is None:
        return None
    return {
        "began": iso(int(summary.began * 1e9)),
        "ended": iso(int(summary.ended * 1e9)),
        "seconds": round(summary.ended - summary.began, 3),
        "files": summary.files,
        "new": summary.new,
        "changed": summary.changed,
        "gone": summary.gone,
    }


def _summary(summary: PassSummary | None) -> Document | None:
    if summary is None:
        return None
    return {
        "began": iso(summary.began_ns),
        "ended": iso(summary.ended_ns),
        "seconds": round((summary.ended_ns - summary.began_ns) / 1e9, 3),
        "broken-off": summary.broken_off,
        "projects": summary.projects,
        "states": {str(state): number for state, number in summary.states.items()},
        "files": summary.fetched,
        "bytes": summary.size,
        "notable": [
            {
                "project": each.name,
                "state": str(each.state),
                "because": each.because,
                "held": each.held,
                "offered": each.offered,
                "fetched": [file.filename for file in each.fetched if file.where][:MOST_FILES],
                "left": [{"filename": file.filename, "because": file.because} for file in each.left[:MOST_FILES]],
            }
            # By name, but failures are never among those that are not named for their number.
            for each in sorted(summary.notable, key=lambda each: each.state != "error")[:MOST_NOTABLE]
        ],
        "not-named": max(0, len(summary.notable) - MOST_NOTABLE),
    }
