"""Which files are read next: those that somebody waits for, then hints, then all the others."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_pypi.catalog import Catalog, Place, State
from twisted_pypi.storage.reading import Job
from twisted_pypi.storage.recording import Recorded, Recorder
from twisted_pypi.storage.settling import Settling
from twisted_pypi.storage.threads import Threads

_BATCH = 64


class _Wait:
    __slots__ = ("left", "over")

    def __init__(self, left: set[Place]) -> None:
        self.left = left
        self.over: Deferred[None] = Deferred()


class Readers:
    """Hands files to the threads that read them; belongs to the reactor thread.

    The files that nobody asks for are taken from the catalog a batch at a time,
    so that it does not matter how many there are.  One place of the pool is
    kept for those that somebody waits for.
    """

    log = Logger()

    def __init__(self, catalog: Catalog, threads: Threads, recorder: Recorder, clock: IReactorTime, slots: int) -> None:
        """At most ``slots`` batches of what nobody waits for are read at a time, and one where more are of no use."""
        self._catalog = catalog
        self._threads = threads
        self._recorder = recorder
        self._slots = slots
        self._allowed = 1
        self._settling = Settling(clock, self.urgent)
        self._busy = 0
        self._urgent: OrderedDict[Place, Job] = OrderedDict()
        self._left: dict[Place, Job] = {}
        self._reading: set[Place] = set()
        self._again: dict[Place, Job] = {}
        self._waits: dict[Place, list[_Wait]] = {}
        self._states: list[State] = []
        self._after: Place | None = None
        self._idle: list[Deferred[None]] = []
        self._stopped = False

    def wake(self) -> None:
        """There are files in the catalog that are to be read."""
        self._states, self._after = [State.UNKNOWN, State.RECHECK], None
        self._fill()

    def urgent(self, jobs: Iterable[Job], *, first: bool = False) -> None:
        """Read these before all that nobody waits for; with ``first``, before all others."""
        for job in jobs:
            closed = job.closed or (job.place in self._urgent and self._urgent[job.place].closed)
            self._urgent[job.place] = Job(job.place, closed)
            self._left.pop(job.place, None)
            if first:
                self._urgent.move_to_end(job.place, last=False)
        self._fill()

    async def read_first(self, jobs: Sequence[Job]) -> None:
        """Return when these were read, whatever came of it.  Raises what ``stop`` was given."""
        wait = _Wait({job.place for job in jobs})
        for place in wait.left:
            self._waits.setdefault(place, []).append(wait)
        # What is being read right now is not read once more for it.
        self.urgent([job for job in jobs if job.place not in self._reading], first=True)
        if wait.left:
            await wait.over

    def _done(self, places: Iterable[Place]) -> None:
        for place in places:
            self._reading.discard(place)
            again = self._again.pop(place, None)
            if again is not None:
                self._urgent[place] = again
            for wait in self._waits.pop(place, ()):
                wait.left.discard(place)
                if not wait.left:
                    wait.over.callback(None)

    def stop(self, reason: Exception) -> None:
        """Read no more; whoever waits is told the reason."""
        self._stopped = True
        self._settling.stop()
        self._urgent.clear()
        self._left.clear()
        self._again.clear()
        waits, self._waits = self._waits, {}
        for wait in {id(each): each for several in waits.values() for each in several}.values():
            wait.over.errback(Failure(reason))
        self._fill()

    async def idle(self) -> None:
        """Return when there is nothing to read."""
        if self._busy or self._urgent or self._left or self._states:
            idle: Deferred[None] = Deferred()
            self._idle.append(idle)
            await idle

    def _fill(self) -> None:
        while not self._stopped and self._busy <= self._allowed:
            jobs = self._next()
            if not jobs:
                break
            self._busy += 1
            self._reading.update(job.place for job in jobs)
            read = self._threads.run(self._recorder.record, [self._settling.job(job) for job in jobs])
            read.addBoth(self._ended, [job.place for job in jobs])
        if not self._busy:
            idle, self._idle = self._idle, []
            for each in idle:
                each.callback(None)

    def _ended(self, result: tuple[Recorded, list[Job]] | Failure, places: Sequence[Place]) -> None:
        self._busy -= 1
        if isinstance(result, Failure):
            self.log.failure("reading {count} files failed", result, count=len(places))
            # What came of them is unknown; whoever waits finds out from the catalog.
            result = Recorded(list(places)), []
        recorded, left = result
        self._allowed = self._slots if recorded.shareable else 1
        self._settle(recorded)
        for job in left:
            self._reading.discard(job.place)
            wanted = self._urgent if job.place in self._waits else self._left
            wanted.setdefault(job.place, self._again.pop(job.place, job))
        self._done(recorded.done)
        self._fill()

    def _settle(self, recorded: Recorded) -> None:
        waiting = dict(recorded.waiting)
        for place in recorded.done:
            if place not in waiting:
                self._settling.forget(place)
        if not self._stopped:
            for place, not_yet in waiting.items():
                self._settling.wait(place, not_yet.sighting, not_yet.wait)

    def _next(self) -> list[Job]:
        jobs: list[Job] = []
        while self._urgent and len(jobs) < _BATCH:
            place, job = self._urgent.popitem(last=False)
            if place in self._reading:
                self._again[place] = job
            else:
                jobs.append(job)
        if jobs or self._busy >= self._allowed:
            return jobs
        while self._left and len(jobs) < _BATCH:
            jobs.append(self._left.pop(next(iter(self._left))))
        return jobs or self._next_of_catalog()

    def _next_of_catalog(self) -> list[Job]:
        while self._states:
            places = self._catalog.read.to_read(self._states[0], self._after, _BATCH)
            if not places:
                self._states.pop(0)
            self._after = places[-1] if places else None
            taken = (self._reading, self._urgent, self._left)
            jobs = [Job(place) for place in places if not any(place in each for each in taken)]
            if jobs:
                return jobs
        return []
