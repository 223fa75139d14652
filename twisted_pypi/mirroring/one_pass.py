"""One pass over all projects: those that are an upstream's are brought up to date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_pypi.boundaries import LocalFiles, Ownership, RunInThread, Upstream
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import TwistedPyPIError
from twisted_pypi.mirroring.bringing import Bringer
from twisted_pypi.mirroring.destinations import Destination
from twisted_pypi.mirroring.one_project import OneProject, Order, Saw, Wanted
from twisted_pypi.mirroring.outcomes import QUIET, PassSummary, Progress, ProjectOutcome, Silent, State
from twisted_pypi.mirroring.outside import Outside, Stopped
from twisted_pypi.policy.rules import Rules

AT_ONCE = 8
"""Projects that are looked after at a time."""

_SLICE = 0.02
"""Seconds after which others have a turn in the reactor thread."""


class UpdatePass:
    """Brings the projects of an upstream up to date, each time it is run.

    Ours are never asked for.  Between two runs it remembers which pages had
    nothing new, in a few hundred bytes a project.
    """

    log = Logger()

    def __init__(
        self,
        upstream: Upstream,
        local_files: LocalFiles,
        ownership: Ownership,
        destination: Destination,
        *,
        run_in_thread: RunInThread,
        clock: IReactorTime,
        index: str = "the upstream",
        wanted: Wanted | None = None,
        rules: Callable[[], Rules] = Rules,
        saw: Saw = lambda _name, _page, _held: None,
        at_once: int = AT_ONCE,
    ) -> None:
        """Take what is ``wanted`` and the ``rules`` let through from ``upstream`` to ``destination``.

        ``index`` names the upstream in sentences.  ``saw`` is told of each
        page that the upstream confirmed, and of what is held of its project;
        ``at_once`` is how many projects are looked after at a time.
        """
        self._local_files = local_files
        self._ownership = ownership
        self._clock = clock
        self._at_once = at_once
        self._outside: Outside | None = None
        bringer = Bringer(upstream, destination, run_in_thread, clock.seconds)
        self._project = OneProject(
            upstream,
            local_files,
            ownership,
            bringer,
            index=index,
            wanted=wanted or Wanted(),
            rules=rules,
            clock=clock.seconds,
            saw=saw,
        )

    async def by_hand(self) -> list[ProjectName]:
        """The projects that a run will ask the upstream about only to find out whose they are."""
        turns = _Turns(self._clock)
        found = []
        for name in (await self._local_files.projects()).names:
            if not self._project.ignores(name) and (await self._ownership.owner(name)).whose is None:
                found.append(name)
            await turns.next()
        return found

    async def run(
        self,
        progress: Progress | None = None,
        *,
        only: Collection[ProjectName] | None = None,
        fetch: bool = True,
        compare: bool = True,
        decide: bool = True,
    ) -> PassSummary:
        """Go through all projects, or those of ``only``, and say what came of it.

        Without ``fetch`` it only says what would be fetched; without
        ``compare``, the upstream is not asked about projects that were put
        here by hand; without ``decide``, whose a project is found to be is not written down.  One
        run at a time.  Raises ``Busy`` and ``Unreadable`` when the projects
        cannot be listed.
        """
        outside = self._outside = Outside()
        order = Order(fetch, compare, decide, outside, progress or Silent())
        names = (await self._local_files.projects()).names if only is None else sorted(only)
        order.progress.begun(len(names))
        tally = _Tally(self._now_ns())
        turns = _Turns(self._clock)
        rest = iter(names)
        workers: list[Deferred[Any]] = [
            Deferred.fromCoroutine(self._work(rest, order, tally, turns)) for _ in range(self._at_once)
        ]
        ended: list[tuple[bool, object]] = await DeferredList(workers, consumeErrors=True)
        for _, result in ended:
            if isinstance(result, Failure):
                result.raiseException()
        return tally.summary(self._now_ns(), broken_off=outside.stopped)

    def stop(self) -> None:
        """Break off the run: it ends soon, and nothing that is not whole stays behind."""
        if self._outside is not None:
            self._outside.stop()

    async def _work(self, names: Iterator[ProjectName], order: Order, tally: _Tally, turns: _Turns) -> None:
        for name in names:
            outcome = await self._outcome(name, order)
            if outcome is None:
                return
            tally.add(outcome)
            order.progress.ended(outcome)
            await turns.next()

    async def _outcome(self, name: ProjectName, order: Order) -> ProjectOutcome | None:
        """What comes of a project; ``None`` when the pass is stopped."""
        try:
            order.outside.check()
            return await self._project.update(name, order)
        except Stopped:
            return None
        except TwistedPyPIError as problem:
            # Who stops the pass stops what it asks, too.
            return None if order.outside.stopped else ProjectOutcome(name, State.ERROR, str(problem))
        except Exception as problem:  # noqa: BLE001  # one strange project must not keep the others back
            self.log.failure("updating {name} failed", name=name)
            return ProjectOutcome(name, State.ERROR, repr(problem))

    def _now_ns(self) -> int:
        return int(self._clock.seconds() * 1_000_000_000)


class _Tally:
    """What came of the projects so far."""

    def __init__(self, began_ns: int) -> None:
        self._began_ns = began_ns
        self._states: Counter[State] = Counter()
        self._notable: list[ProjectOutcome] = []

    def add(self, outcome: ProjectOutcome) -> None:
        self._states[outcome.state] += 1
        if outcome.state not in QUIET:
            self._notable.append(outcome)

    def summary(self, ended_ns: int, *, broken_off: bool) -> PassSummary:
        notable = sorted(self._notable, key=lambda outcome: outcome.name)
        return PassSummary(self._began_ns, ended_ns, dict(self._states), tuple(notable), broken_off)


class _Turns:
    """Lets others have a turn in the reactor thread."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._since = clock.seconds()

    async def next(self) -> None:
        """Return at once, or, when that was so for long enough, in the next turn."""
        if self._clock.seconds() - self._since > _SLICE:
            await deferLater(self._clock, 0)
            self._since = self._clock.seconds()
