"""Files that are not known to be whole, until they are looked at again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twisted_pypi.catalog import Place, Sighting
from twisted_pypi.storage.reading import Job

_SHORTEST = 0.02
_NEVER = float("inf")
_LONGEST = 60.0
"""Seconds for which nothing waits here."""


class _Waiting(NamedTuple):
    sighting: Sighting
    since: float
    due: float


class Settling:
    """Remembers how such files looked and since when; belongs to the reactor thread."""

    def __init__(self, clock: IReactorTime, look: Callable[[list[Job]], None]) -> None:
        """``look`` is called with the files whose time has come."""
        self._clock = clock
        self._look = look
        self._waiting: dict[Place, _Waiting] = {}
        self._timer: IDelayedCall | None = None

    def wait(self, place: Place, sighting: Sighting, seconds: float) -> None:
        """Look at a file again in so many seconds."""
        now = self._clock.seconds()
        before = self._waiting.get(place)
        # A time to come is from before the clock was set back.
        same = before is not None and before.sighting.same_bytes_as(sighting) and before.since <= now
        since = before.since if before is not None and same else now
        due = now + max(seconds, _SHORTEST)
        self._waiting[place] = _Waiting(sighting, since, due)
        self._wake_at(due)

    def forget(self, place: Place) -> None:
        """A file is whole, or gone."""
        if self._waiting.pop(place, None) is not None and not self._waiting:
            self.stop()

    def job(self, job: Job) -> Job:
        """What is to be read, with what is remembered of how long it has looked so."""
        waiting = self._waiting.get(job.place)
        return job if waiting is None else replace(job, before=waiting.sighting, since=waiting.since)

    def stop(self) -> None:
        """Look at nothing any more."""
        self._waiting.clear()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _wake_at(self, due: float) -> None:
        if self._timer is not None and self._timer.active():
            if self._timer.getTime() <= due:
                return
            self._timer.cancel()
        self._timer = self._clock.callLater(max(due - self._clock.seconds(), 0), self._due)

    def _due(self) -> None:
        now = self._clock.seconds()
        # Nobody waits for as long as that: such a time is from before the clock was set back.
        late = now + _LONGEST
        places = [place for place, each in self._waiting.items() if not now < each.due <= late and each.due < _NEVER]
        for place in places:
            # Whoever reads it says whether it has to wait longer.
            self._waiting[place] = self._waiting[place]._replace(due=_NEVER)
        rest = min((each.due for each in self._waiting.values()), default=_NEVER)
        if rest < _NEVER:
            self._wake_at(rest)
        self._look([Job(place) for place in places])
