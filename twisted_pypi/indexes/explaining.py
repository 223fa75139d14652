"""Whose a project is, and how each of its files stands: what ``why`` answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from twisted_pypi.boundaries import KnownFile, RunInThread
from twisted_pypi.distributions import ProjectName, is_project_name
from twisted_pypi.errors import NoSuchProject, UpstreamFailed
from twisted_pypi.indexes.mirrored import LONG, Look, Mirrored
from twisted_pypi.indexes.ruled import facts_of
from twisted_pypi.indexes.standing import QUARANTINED, Bar, Standing, recalled
from twisted_pypi.policy.explanation import ExplainedFile, Explanation, State
from twisted_pypi.policy.moments import iso
from twisted_pypi.policy.ownership import Decision
from twisted_pypi.policy.recalls import Recall
from twisted_pypi.policy.rules import HeldBackFile, Rules
from twisted_pypi.project_records import ProjectRecord, Status
from twisted_pypi.sidecars import Source
from twisted_pypi.simple.versions import version_key

_CAME = {Source.UPLOAD: "was uploaded here", Source.UPSTREAM: "was fetched from an upstream index"}
_BARS = {Bar.RECALLED: State.RECALLED, Bar.UNUSABLE: State.UNUSABLE}


class HeldFiles(Protocol):
    """The files of the folders; a part of ``LocalFiles``."""

    async def files_of(self, name: ProjectName) -> list[KnownFile]:
        """Every file of a project.  Raises ``NoSuchProject``, ``Unreadable``."""


class Owns(Protocol):
    """Whose a project is; a part of ``Ownership``."""

    async def owner(self, name: ProjectName) -> Decision:
        """The decision that holds, without asking anybody.  Raises ``Unreadable``."""


class Explainer:
    """Explains what clients get of a project, by the very verdicts that decide it."""

    def __init__(
        self,
        files: HeldFiles,
        owners: Owns,
        record_of: Callable[[ProjectName], ProjectRecord],
        rules: Callable[[], Rules],
        *,
        clock: Callable[[], float],
        run_in_thread: RunInThread,
        mirrored: Mirrored | None = None,
        merge: Collection[ProjectName] = frozenset(),
    ) -> None:
        """``files`` are those of the folders, whatever is kept from clients among them.

        ``record_of`` is what is kept of a project, ``rules`` are those in
        force, ``clock`` tells seconds since the epoch; ``mirrored`` is ``None``
        where nothing is fetched for clients.
        """
        self._files = files
        self._owners = owners
        self._record_of = record_of
        self._rules = rules
        self._clock = clock
        self._run_in_thread = run_in_thread
        self._mirrored = mirrored
        self._merge = frozenset(merge)

    async def explain(self, name: ProjectName) -> Explanation:
        """Return what there is to say of a project, whether it is here or not.

        The upstream is asked exactly where a request for the page would ask
        it.  Raises ``NoSuchProject`` for what is no name, ``Unreadable`` and ``Busy``.
        """
        if not is_project_name(name):
            raise NoSuchProject(f"{name!r} is not the name of a project")
        decision, record = await self._owners.owner(name), self._record_of(name)
        try:
            held = await self._files.files_of(name)
        except NoSuchProject:
            held = []
        look, trouble = None, None
        if record.status is not Status.QUARANTINED and (decision.may_go_outside or name in self._merge):
            look, trouble = await self._look(name)
        page = look.page if look is not None else None
        status, reason = (page.page.status, page.page.status_reason) if page is not None else (None, None)
        if record.status is not Status.ACTIVE or record.reason is not None:
            status, reason = record.status.value, record.reason
        count = len(held) + (len(look.standings) if look is not None else 0)
        work = held, record, look, self._rules(), int(self._clock() * 1_000_000_000)
        files = await self._run_in_thread(self._files_in_order, *work) if count > LONG else self._files_in_order(*work)
        return Explanation(
            name,
            decision.whose,
            decision.because,
            files,
            status,
            reason,
            page.index if page is not None else None,
            look.stale_since_ns if look is not None else None,
            trouble,
        )

    async def _look(self, name: ProjectName) -> tuple[Look | None, str | None]:
        """What the upstream has, and why that is not known or not news."""
        if self._mirrored is None:
            return None, None
        try:
            look = await self._mirrored.look(name)
        except (NoSuchProject, UpstreamFailed) as problem:
            return None, str(problem)
        return look, look.trouble

    def _files_in_order(
        self, held: Iterable[KnownFile], record: ProjectRecord, look: Look | None, rules: Rules, now_ns: int
    ) -> tuple[ExplainedFile, ...]:
        files = {known.filename: self._held(known, record, look, rules, now_ns) for known in held}
        for standing in look.standings if look is not None else ():
            files.setdefault(standing.file.filename, _outside(standing))
        return _in_order(files.values())

    def _held(
        self, known: KnownFile, record: ProjectRecord, look: Look | None, rules: Rules, now_ns: int
    ) -> ExplainedFile:
        """How a file of the folders stands."""
        came = _CAME[known.source] if known.source is not None else "was put here by hand"
        # The folders alone do not say since when a file is there.
        when = f" ({iso(known.uploaded_ns)})" if known.uploaded_ns else ""
        state, because = State.LOCAL, f"is local, at {known.path}: it {came}{when}"
        held: HeldBackFile | None = None
        if record.status is Status.QUARANTINED:
            state, because = State.DENIED, f"is not given out: the project {record.sentence}"
        elif (refusal := recalled(known.recall)) is not None:
            state, because = State.RECALLED, refusal.sentence
        elif look is not None and look.quarantined and look.name not in self._merge:
            state, because = State.RECALLED, f"is not listed: {look.name} is {QUARANTINED} upstream"
        elif known.source is Source.UPSTREAM:
            held = rules.judge(known.project, facts_of(known), now_ns)
        if state is State.LOCAL and known.recall is not None:
            because += _since(known.recall)
        if held is not None:
            state, because = _state(held.until_ns), f"is {held.sentence}"
        return ExplainedFile(
            known.filename,
            known.distribution.version,
            state,
            because,
            known.sha256,
            known.yanked,
            held.rule if held is not None else None,
            held.until_ns if held is not None else None,
        )


def _outside(standing: Standing) -> ExplainedFile:
    """How a file of the upstream's stands."""
    file, cached, refusal = standing.file, standing.cached, standing.refusal
    rule, until_ns = None, None
    if refusal is not None:
        rule, until_ns = refusal.rule, refusal.until_ns
        state, because = _BARS.get(refusal.bar) or _state(until_ns), refusal.sentence
    elif cached is not None:
        state, because = State.CACHED, f"is cached, fetched from {cached.index} ({iso(cached.fetched_ns)})"
        if cached.recall is not None:
            because += _since(cached.recall)
    else:
        state, because = State.AVAILABLE, f"is available: it is fetched from {standing.index} when somebody asks for it"
    yanked = None if file.yanked is False else "" if file.yanked is True else file.yanked
    return ExplainedFile(
        file.filename, standing.version, state, because, file.hashes.get("sha256"), yanked, rule, until_ns
    )


def _since(recall: Recall) -> str:
    return f"; its index has {recall.how} it, as was first seen at {iso(recall.since_ns)}"


def _state(until_ns: int | None) -> State:
    """What a rule makes of a file."""
    return State.DENIED if until_ns is None else State.HELD_BACK


def _in_order(files: Iterable[ExplainedFile]) -> tuple[ExplainedFile, ...]:
    return tuple(sorted(files, key=lambda file: (*version_key(file.version), file.filename)))
