"""Keeps one process in step with what the others wrote into the catalog."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from twisted_pypi.catalog import Catalog, Committed
from twisted_pypi.catalog.journal import Journal
from twisted_pypi.distributions import ProjectName
from twisted_pypi.storage.ledger import Ledger
from twisted_pypi.storage.project_marks import ProjectMarks

HEARTBEAT = 1.0
"""Seconds between two looks of a process that nobody asks anything."""


class Counters(Protocol):
    """Counts changes where all processes see it."""

    @property
    def counts(self) -> Callable[[], bytes]:
        """Returns all counters: other bytes than before when any process changed something since."""

    def count(self) -> None:
        """Count one change of this process."""


class Following:
    """What was changed by whichever process, this one too, comes in by the journal, in one order.

    ``catch_up`` is called on the way of every request: it compares a few bytes,
    and reads rows only when they are others.  Whoever wrote counts before it
    answers, so what was answered by one process is seen by all.
    """

    log = Logger()

    def __init__(self, counters: Counters, catalog: Catalog, journal: Journal, clock: IReactorTime) -> None:
        self._counters = counters
        self._catalog = catalog
        self._journal = journal
        self._counts: Callable[[], bytes] = bytes
        self._seen: bytes | None = None
        self._opened_at = b""
        self._apply: Callable[[Committed], None] = lambda _: None
        self._anew: Callable[[frozenset[ProjectName]], None] = lambda _: None
        self._failed = False
        self._heartbeat = LoopingCall(self.catch_up)
        self._heartbeat.clock = clock

    def tell(self, apply: Callable[[Committed], None], anew: Callable[[frozenset[ProjectName]], None]) -> None:
        """Call ``apply`` with each change from now on, in the reactor thread.

        When they are too many to be told, or cannot be read, ``anew`` is
        called with the names of all projects.
        """
        self._apply, self._anew = apply, anew

    def opening(self) -> None:
        """The catalog is about to be opened: what is counted from here on is to be looked at."""
        self._counts = self._counters.counts
        self._opened_at = self._counts()

    def start(self, ledger: Ledger, marks: ProjectMarks | None) -> None:
        """The catalog is open, what it says is known, and so are the records of projects."""
        self._seen = self._opened_at
        if marks is not None:
            marks.tell_others(lambda names: ledger.write(lambda writer: writer.records(names)))
        self._heartbeat.start(HEARTBEAT)

    def stop(self) -> None:
        """The catalog is being closed."""
        self._seen = None
        if self._heartbeat.running:
            self._heartbeat.stop()

    def count(self) -> None:
        """Something was written by this process.  In any thread, one at a time."""
        self._counters.count()

    def catch_up(self) -> None:
        """See what was changed, if anything was.  In the reactor thread; raises nothing."""
        now = self._counts()
        if now != self._seen and self._seen is not None:
            self._catch_up(now)

    def _catch_up(self, now: bytes) -> None:
        names = self._catalog.projects.keys()
        try:
            news = self._journal.news()
            if news is None:
                self._catalog.count_anew()
        except sqlite3.Error as problem:
            # It is tried again with the next request; until then nothing that is kept counts.
            if not self._failed:
                self.log.error(  # noqa: TRY400  # the sentence says it, and it will happen again
                    "what other processes changed cannot be seen ({problem})", problem=problem
                )
            self._failed = True
            self._anew(frozenset(names))
            return
        self._failed = False
        self._seen = now
        if news is None:
            self._anew(frozenset((*names, *self._catalog.projects)))
        for committed in news or ():
            self._apply(committed)
