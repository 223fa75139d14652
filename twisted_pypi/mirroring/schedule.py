"""The service that runs an update pass again and again."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from twisted_pypi.boundaries.happenings import Happening, TellOfHappenings
from twisted_pypi.errors import TwistedPyPIError
from twisted_pypi.mirroring.outcomes import PassSummary, State
from twisted_pypi.mirroring.telling import failed, happenings_of

FIRST = 30.0
"""Seconds after the start before which there is no pass: a server that was just started has other things to do."""

JITTER = 0.1
"""Each pass begins up to this part of the time between two later, so that not all servers ask at the same moment."""

MOST_JITTER = 900.0
"""Seconds that this is at most."""

MOST_LINES = 20
"""Failures that are logged one by one."""


class Runs(Protocol):
    """What is run again and again."""

    def run(self) -> Coroutine[Any, Any, PassSummary]:
        """Run once."""

    def stop(self) -> None:
        """Break off what runs; it ends soon."""


class Updates(Service):
    """Runs a pass every so often, and never two at once."""

    log = Logger()

    def __init__(
        self,
        runs: Runs,
        every: float,
        clock: IReactorTime,
        random: Callable[[], float],
        tell: TellOfHappenings | None = None,
    ) -> None:
        """Run ``runs`` every so many seconds; ``random`` gives numbers from 0 to 1.

        ``tell`` is told of what was fetched, and how each pass ended.
        """
        self.last: PassSummary | None = None
        """What came of the pass that ended last."""
        self.problem: str | None = None
        """Why there was no such pass, when it failed as a whole."""
        self._runs = runs
        self._every = every
        self._clock = clock
        self._random = random
        self._tell = tell
        self._first = True
        self._pause: Deferred[None] | None = None
        self._running: Deferred[None] | None = None
        self._loop = LoopingCall(lambda: Deferred.fromCoroutine(self._turn()))
        self._loop.clock = clock

    @property
    def under_way(self) -> bool:
        """Is there a pass at the moment?"""
        return self._running is not None

    def startService(self) -> None:
        """Run the first pass a while from now, and then every so often."""
        super().startService()
        self._loop.start(self._every)

    def stopService(self) -> Deferred[None]:
        """Run no more; return when what ran has come to its end."""
        super().stopService()
        return Deferred.fromCoroutine(self._end())

    async def run_now(self) -> PassSummary | None:
        """Run a pass now, or wait for the one that is under way; ``None`` when it fails as a whole."""
        await self._once()
        return self.last if self.problem is None else None

    async def _turn(self) -> None:
        delay = (FIRST if self._first else 0.0) + self._random() * min(self._every * JITTER, MOST_JITTER)
        self._first = False
        self._pause = deferLater(self._clock, delay)
        try:
            await self._pause
        except CancelledError:
            return
        finally:
            self._pause = None
        await self._once()

    async def _once(self) -> None:
        if self._running is None:
            self._running = Deferred()
            Deferred.fromCoroutine(self._run())
        ended: Deferred[None] = Deferred()
        if self._running is not None:
            self._running.chainDeferred(ended)
            await ended

    async def _run(self) -> None:
        try:
            self.last = await self._runs.run()
            self.problem = None
            self._say(self.last)
            self._tell_all(happenings_of(self.last))
        except TwistedPyPIError as problem:
            self.problem = str(problem)
            self.log.warn("Nothing could be updated: {problem}", problem=problem)
            self._tell_all([failed(self._clock.seconds(), self.problem)])
        except Exception as problem:  # noqa: BLE001  # a loop that fails once would never run again
            self.problem = str(problem) or repr(problem)
            self.log.failure("the update failed as a whole")
            self._tell_all([failed(self._clock.seconds(), self.problem)])
        finally:
            running, self._running = self._running, None
            if running is not None:
                running.callback(None)

    def _tell_all(self, happenings: Iterable[Happening]) -> None:
        if self._tell is not None:
            for each in happenings:
                self._tell(each)

    async def _end(self) -> None:
        if self._loop.running:
            self._loop.stop()
        if self._pause is not None:
            self._pause.cancel()
        if self._running is not None:
            self._runs.stop()
            await self._once()

    def _say(self, summary: PassSummary) -> None:
        counts = [f"{number} {state}" for state in State if (number := summary.states.get(state, 0))]
        self.log.info(
            "Update{how}: {projects} projects in {seconds:.0f} s ({counts}), {files} files with {size} bytes fetched",
            how=" (broken off)" if summary.broken_off else "",
            projects=summary.projects,
            seconds=(summary.ended_ns - summary.began_ns) / 1e9,
            counts=", ".join(counts) or "none",
            files=summary.fetched,
            size=summary.size,
        )
        failed = [each for each in summary.notable if each.state is State.ERROR]
        for each in failed[:MOST_LINES]:
            self.log.warn("{name} could not be updated: {because}", name=each.name, because=each.because)
        if len(failed) > MOST_LINES:
            self.log.warn("{count} more could not be updated", count=len(failed) - MOST_LINES)
