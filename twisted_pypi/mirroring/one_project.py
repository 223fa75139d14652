"""What an update does with one project: whose it is, its page, what is missing here, and fetching that."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from packaging.version import InvalidVersion, Version

from twisted_pypi.boundaries import KnownFile, LocalFiles, Ownership, Upstream, UpstreamPage
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import NoSuchProject, NotAllowed, TwistedPyPIError, UpstreamFailed
from twisted_pypi.mirroring.bringing import Bringer
from twisted_pypi.mirroring.outcomes import Arrived, NotTaken, Progress, ProjectOutcome, State
from twisted_pypi.mirroring.outside import Outside
from twisted_pypi.mirroring.quiet import QuietProjects
from twisted_pypi.policy.names import NamePatterns
from twisted_pypi.policy.ownership import Decision, HeldFile, decide_by_comparing
from twisted_pypi.policy.plan import Plan, plan_update
from twisted_pypi.policy.rules import Rules
from twisted_pypi.project_records import Whose
from twisted_pypi.simple.model import File


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an update takes, and what it leaves alone."""

    all_files: bool = False
    """Every file of a release, instead of the kinds of which there was one of the last?"""
    keep: int = 1
    """How many of the newest releases."""
    unstable: bool = False
    """Pre-releases and development releases too?"""
    ignored: NamePatterns = NamePatterns()  # noqa: RUF009  # it is frozen
    """Projects that are left alone."""


Saw = Callable[[ProjectName, UpstreamPage | None, Sequence[KnownFile]], object]
"""Is told of the page that the upstream just confirmed, ``None`` if it has no such project, and of what is held of it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What one pass is to do."""

    fetch: bool
    """Fetch what is missing, or only say what that is?"""
    compare: bool
    """Ask the upstream about projects that were put here by hand, to find out whose they are?"""
    decide: bool
    """Write down whose a project was found to be?"""
    outside: Outside
    progress: Progress


class OneProject:
    """Looks after one project at a time; many may be under way."""

    def __init__(
        self,
        upstream: Upstream,
        local_files: LocalFiles,
        ownership: Ownership,
        bringer: Bringer,
        *,
        index: str,
        wanted: Wanted,
        rules: Callable[[], Rules],
        clock: Callable[[], float],
        saw: Saw,
    ) -> None:
        """``index`` names the upstream in sentences; ``saw`` is told of what it says of each project."""
        self._upstream = upstream
        self._local_files = local_files
        self._ownership = ownership
        self._bringer = bringer
        self._index = index
        self._wanted = wanted
        self._rules = rules
        self._clock = clock
        self._saw = saw
        self._quiet = QuietProjects()

    def ignores(self, name: ProjectName) -> str | None:
        """The pattern by which a project is to be left alone."""
        return self._wanted.ignored.match(name)

    async def update(self, name: ProjectName, order: Order) -> ProjectOutcome:
        """Bring a project up to date.  Raises ``TwistedPyPIError`` and ``Stopped``."""
        ignored = self.ignores(name)
        if ignored is not None:
            return ProjectOutcome(name, State.IGNORED, f"{ignored} is in the list of ignored projects")
        decision = await self._ownership.owner(name)
        if decision.whose is Whose.OURS:
            return ProjectOutcome(name, State.OURS, decision.because)
        if decision.whose is None and not order.compare:
            return ProjectOutcome(name, State.UNDECIDED, decision.because)
        try:
            held = await self._local_files.files_of(name)
        except NoSuchProject:
            return ProjectOutcome(name, State.CURRENT, "no file of it is listed")
        found = await self._page(name, order)
        if decision.whose is None:
            decision = await self._compare(name, held, found, order)
            if decision.whose is Whose.OURS:
                return ProjectOutcome(name, State.OURS, decision.because)
        if found is None:
            self._saw(name, None, held)
            raise UpstreamFailed(f"{self._index} has no project {name} any more; what is here stays")
        if decision.whose is None:
            raise UpstreamFailed(decision.because)
        self._saw(name, found, held)
        return await self._follow(name, held, found, order)

    async def _page(self, name: ProjectName, order: Order) -> UpstreamPage | None:
        try:
            found = await order.outside.wait(partial(self._upstream.page, name, confirm=True))
        except NoSuchProject:
            return None
        if found.stale_because is not None:
            raise UpstreamFailed(found.stale_because)
        return found

    async def _compare(
        self, name: ProjectName, held: Sequence[KnownFile], found: UpstreamPage | None, order: Order
    ) -> Decision:
        files = () if found is None else found.page.files
        published = {each.filename: frozenset(filter(None, [each.hashes.get("sha256")])) for each in files}
        index = self._index if found is None else found.index
        if order.decide:
            return await self._ownership.decide(name, published, index)
        return decide_by_comparing([_held(each) for each in held], published, index)

    async def _follow(
        self, name: ProjectName, held: Sequence[KnownFile], found: UpstreamPage, order: Order
    ) -> ProjectOutcome:
        rules, now_ns = self._rules(), int(self._clock() * 1_000_000_000)
        if self._quiet.has(found, held, rules, now_ns):
            return ProjectOutcome(name, State.CURRENT)
        plan = self._plan(name, held, found, rules, now_ns)
        left = tuple(NotTaken(each.filename, each.because) for each in plan.left)
        if not plan.fetch:
            state = State.HELD_BACK
            if not self._is_held_back(name, plan, found, rules, now_ns):
                state = State.CURRENT
                self._quiet.add(found, held, rules, now_ns)
            return ProjectOutcome(name, state, left=left, held=plan.newest_held, offered=plan.newest_offered)
        beside = _newest(held)

        async def may() -> None:
            # Somebody may have made it ours since, by an upload for instance.
            now = await self._ownership.owner(name)
            if now.whose is not Whose.UPSTREAM:
                raise NotAllowed(f"{name} is not the upstream's any more: {now.because}")

        async def look(file: File) -> str | None:
            return None if await self._bringer.has(file, name) else ""

        async def fetch(file: File) -> str | None:
            return await self._bringer.bring(
                file, found.index, beside, outside=order.outside, progress=order.progress, may=may
            )

        fetched, problems = await self._each(plan, fetch if order.fetch else look)
        if problems:
            state = State.ERROR
        elif fetched:
            state = State.UPDATED if order.fetch else State.WOULD_UPDATE
        else:
            state = State.CURRENT
        return ProjectOutcome(name, state, problems, fetched, left, plan.newest_held, plan.newest_offered)

    def _plan(
        self, name: ProjectName, held: Sequence[KnownFile], found: UpstreamPage, rules: Rules, now_ns: int
    ) -> Plan:
        wanted = self._wanted
        return plan_update(
            name, [_held(each) for each in held], found.page, rules, now_ns,
            take_all=wanted.all_files, keep=wanted.keep, unstable=wanted.unstable,
        )  # fmt: skip

    def _is_held_back(self, name: ProjectName, plan: Plan, found: UpstreamPage, rules: Rules, now_ns: int) -> bool:
        left = {each.filename for each in plan.left}
        return any(file.filename in left and rules.judge(name, file, now_ns) is not None for file in found.page.files)

    async def _each(
        self, plan: Plan, bring: Callable[[File], Coroutine[Any, Any, str | None]]
    ) -> tuple[tuple[Arrived, ...], str]:
        """The files that were missing, and what went wrong; one that fails does not keep the others out."""
        fetched: list[Arrived] = []
        problems: list[str] = []
        for each in plan.fetch:
            try:
                where = await bring(each.file)
            except TwistedPyPIError as problem:
                problems.append(str(problem))
            else:
                if where is not None:
                    sha256 = each.file.hashes.get("sha256")
                    fetched.append(Arrived(each.file.filename, each.file.size, each.because, where, sha256))
        return tuple(fetched), "; ".join(dict.fromkeys(problems))


def _held(known: KnownFile) -> HeldFile:
    return HeldFile(known.filename, known.sha256, known.source)


def _newest(held: Sequence[KnownFile]) -> KnownFile:
    """The file that a newer one goes beside."""
    return max(held, key=lambda known: (*_order(known.distribution.version), known.uploaded_ns, known.filename))


def _order(version: str) -> tuple[bool, Version]:
    try:
        return True, Version(version)
    except InvalidVersion:
        return False, Version("0")
