"""Files that are gone, as whoever looks at the folders notices: who is told of which, and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.boundaries.happenings import HappenedTo, Happening, HappeningKind
from twisted_pypi.catalog import Gone
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import TwistedPyPIError
from twisted_pypi.events.happenings import Happenings

DELAY = 2.0
"""Seconds between the notice and the telling: what was moved, or replaced in two steps, is back by then."""

SAME = 5.0
"""Seconds between the notice and what a request told, within which both are about the same removal."""

FOUND_GONE = "found to be gone"
"""The detail of a removal that nobody asked for here."""


class Removals(Service):
    """Tells of files that went away by hand.

    What a request removed is told by who answered it, and not once more from here.
    """

    log = Logger()

    def __init__(
        self,
        happenings: Happenings,
        files_of: Callable[[ProjectName], Coroutine[Any, Any, list[KnownFile]]],
        clock: IReactorTime,
    ) -> None:
        """``files_of`` returns every listed file of a project, once they are read, or raises ``TwistedPyPIError``."""
        self._happenings = happenings
        self._files_of = files_of
        self._clock = clock
        self._waiting: list[tuple[float, Gone]] = []
        self._told: dict[str, float] = {}
        self._timer: IDelayedCall | None = None
        self._telling: Deferred[None] | None = None
        happenings.subscribe(self._heard)

    def noticed(self, gone: Iterable[Gone]) -> None:
        """These are gone, it seems.  In the reactor thread."""
        now = self._clock.seconds()
        self._waiting += [(now, each) for each in gone]
        if self._waiting:
            self._soon()

    def stopService(self) -> Deferred[None] | None:
        """Tell of what is left."""
        super().stopService()
        if self._timer is not None:
            self._timer.cancel()
            self._begin()
        return self._telling

    def _heard(self, happening: Happening) -> None:
        if happening.detail == FOUND_GONE:
            return
        # A request may tell of it before the notice or after it, by the time that a thread takes to come back.
        self._told = {name: at for name, at in self._told.items() if self._is_near(at, self._clock.seconds())}
        for each in happening.files:
            if happening.kind is HappeningKind.REMOVAL:
                self._told[each.filename] = self._clock.seconds()
            else:
                self._told.pop(each.filename, None)

    def _is_near(self, one: float, other: float) -> bool:
        return abs(one - other) < SAME

    def _soon(self) -> None:
        if self._timer is None and self._telling is None:
            # Whoever looks at the folders may notice something when everything ends; then nothing is waited for.
            self._timer = self._clock.callLater(DELAY, self._begin) if self.running else None
            if not self.running:
                self._begin()

    def _begin(self) -> None:
        self._timer = None
        gone, self._waiting = self._waiting, []
        mine = [
            (moment, each)
            for moment, each in gone
            if not self._is_near(self._told.get(each.filename, float("-inf")), moment)
        ]
        telling = Deferred.fromCoroutine(self._tell(mine))
        telling.addErrback(lambda failure: self.log.failure("removals could not be told", failure))
        if not telling.called:
            self._telling = telling
            telling.addBoth(self._ended)

    def _ended(self, _result: object) -> None:
        self._telling = None
        self.noticed(())

    async def _tell(self, gone: Iterable[tuple[float, Gone]]) -> None:
        here: dict[ProjectName, set[str]] = {}
        releases: dict[tuple[ProjectName, str], list[HappenedTo]] = defaultdict(list)
        moments: dict[tuple[ProjectName, str], float] = {}
        for moment, each in gone:
            if each.project not in here:
                here[each.project] = await self._listed(each.project)
            if each.filename not in here[each.project]:
                release = each.project, each.version
                releases[release].append(HappenedTo(each.filename, each.sha256))
                moments.setdefault(release, moment)
        for release, files in releases.items():
            self._happenings.tell(
                Happening(
                    kind=HappeningKind.REMOVAL, moment=moments[release], project=release[0], version=release[1],
                    files=tuple(files), detail=FOUND_GONE,
                )
            )  # fmt: skip

    async def _listed(self, project: ProjectName) -> set[str]:
        try:
            return {known.filename for known in await self._files_of(project)}
        except TwistedPyPIError:  # there is none any more, or nobody can look: the file was seen to be gone
            return set()
