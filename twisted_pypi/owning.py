"""Whose each project is: the decisions that hold, and how they come to be written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from twisted.logger import Logger

from twisted_pypi.boundaries import KnownFile, RunInThread
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import NoSuchProject, NotAllowed, TwistedPyPIError, Unreadable
from twisted_pypi.policy.names import NamePatterns
from twisted_pypi.policy.ownership import Decision, HeldFile, decide_by_comparing, decide_without_asking
from twisted_pypi.project_records import Origin, ProjectRecord, Whose
from twisted_pypi.sidecars import Source

_SECOND = 1_000_000_000
_BEING_READ = Decision(None, "its files are being read")


class HeldFiles(Protocol):
    """The files in the folders; a part of what ``LocalIndex`` does."""

    async def files_of(self, name: ProjectName) -> list[KnownFile]:
        """Every listed file of a project, one a file name.  Raises ``NoSuchProject``, ``Unreadable``."""

    async def sources(self, run_in_thread: RunInThread) -> Mapping[ProjectName, frozenset[Source | None]]:
        """How the listed files of each project came here, once all files are read."""


class Records(Protocol):
    """What is written down of projects."""

    def of(self, name: ProjectName) -> ProjectRecord:
        """The record of a project.  On the reactor thread; cheap."""

    def claim_origin(self, name: ProjectName, origin: Origin) -> ProjectRecord:
        """Write down whose it is after an upload.  Blocking.  Raises ``NotAllowed``, ``NoSpace`` and ``Unreadable``."""

    def settle_origin(self, name: ProjectName, origin: Origin) -> ProjectRecord:
        """Write down whose it was found to be, unless it is known to be ours by now.  As ``claim_origin``."""


class Owners:
    """An ``Ownership`` by patterns of names, records, and how the files that are held came here.

    What follows from files is remembered until ``drop`` says that they changed.
    """

    log = Logger()

    def __init__(
        self,
        private: NamePatterns,
        records: Records,
        files: HeldFiles,
        *,
        run_in_thread: RunInThread,
        clock: Callable[[], float],
        cached: Callable[[], frozenset[ProjectName]] = frozenset,
        doubt: Callable[[], str | None] = lambda: None,
    ) -> None:
        """``private`` is for names that are ours in any case.

        ``cached`` says of which projects files of an upstream index are kept;
        ``clock`` is the time in seconds since the epoch.  ``doubt`` says why
        there may be projects of ours that nobody knows of, if that is so: then
        nothing goes outside of which nothing was written down.
        """
        self._private = private
        self._records = records
        self._files = files
        self._run_in_thread = run_in_thread
        self._clock = clock
        self._cached = cached
        self._doubt = doubt
        self._remembered: dict[ProjectName, Decision] = {}
        self._generation = 0

    def drop(self, names: frozenset[ProjectName]) -> None:
        """Forget what followed from the files of these projects: something of them changed."""
        self._generation += 1
        for name in names:
            self._remembered.pop(name, None)

    async def owner(self, name: ProjectName) -> Decision:
        """The decision that holds, by what is known here; the upstream is not asked.  Raises ``Unreadable``."""
        private, origin = self._private.match(name), self._records.of(name).origin
        if private is not None or (origin is not None and origin.whose is Whose.OURS):
            return decide_without_asking(private, origin, ())
        remembered = self._remembered.get(name)
        if remembered is not None:
            return remembered
        generation = self._generation
        held = await self._held(name)
        # Records are certain to be read only when files are.
        decision = self._decided(name, held)
        if decision.may_go_outside and self._records.of(name).origin is None and (doubt := self._doubt()) is not None:
            raise Unreadable(f"whose {name} is cannot be told at the moment: {doubt}")
        if held and generation == self._generation:
            self._remembered[name] = decision
        return decision

    async def decide(self, name: ProjectName, published: Mapping[str, frozenset[str]], index: str) -> Decision:
        """Compare what is held of an undecided project with what an upstream publishes, and write the outcome down.

        A decision that was made before is only returned.  Raises
        ``Unreadable``, ``NotAllowed``, ``NoSpace``.
        """
        decision = await self.owner(name)
        if decision.whose is not None:
            return decision
        held = await self._held(name)
        if not held:
            return decision
        decision = decide_by_comparing(held, published, index, origin=self._records.of(name).origin)
        if decision.whose is None:
            return decision
        if decision.whose is Whose.OURS:
            self.log.info("{name} is ours, because {because}", name=name, because=decision.because)
        origin = self._origin(decision.whose, decision.because, decision.matched)
        await self._run_in_thread(self._records.settle_origin, name, origin)
        self.drop(frozenset({name}))
        # Somebody may have uploaded to it meanwhile, or put another file there.
        return await self.owner(name)

    async def claim(self, name: ProjectName) -> Callable[[], None] | None:
        """What an upload to a project has to call, in a thread, so that the project stays ours; ``None``: nothing.

        That raises nothing: the upload has succeeded then.  Raises
        ``NotAllowed`` when the project is an upstream index's, and ``Unreadable``.
        """
        origin = self._records.of(name).origin
        if origin is not None and origin.whose is Whose.OURS:
            return None
        if self._private.match(name) is None:
            held = await self._held(name)
            if (reason := self._why_upstreams(name, held)) is not None:
                raise NotAllowed(
                    f"the project {name} is an upstream index's, because {reason}: it takes no uploads,"
                    f" unless 'twisted-pypi own {name}' is given on the server first"
                )
        return partial(self._write_claim, name, self._origin(Whose.OURS, f"{name} was uploaded here"))

    async def keep(self, name: ProjectName) -> Callable[[], None] | None:
        """What whoever removes files of a project has to call before, in a thread, so that it stays ours without them.

        ``None``: nothing, since it is written down whose it is, or all of it was
        fetched.  What that returns raises nothing.  Raises ``Unreadable``.
        """
        if self._records.of(name).origin is not None or self._private.match(name) is not None:
            return None
        sources = {each.source for each in await self._held(name) or ()}
        if Source.UPLOAD in sources:
            because = f"{name} was uploaded here"
        elif None in sources:
            because = f"files of {name} were put here by hand, and removed later"
        else:
            return None
        return partial(self._write_claim, name, self._origin(Whose.OURS, because))

    async def undecided(self) -> list[ProjectName]:
        """The projects that were put here by hand, and compared with nothing yet; sorted.

        Waits until all files are read.  Projects that were uploaded to, of
        which nothing is written down, are made to stay ours on the way.
        Raises ``Unreadable``, ``Busy``.
        """
        sources = await self._files.sources(self._run_in_thread)
        for name, ways in sources.items():
            if Source.UPLOAD in ways and self._records.of(name).origin is None:
                # By an earlier version, or by one that was ended in that very moment.
                origin = self._origin(Whose.OURS, f"{name} was uploaded here")
                await self._run_in_thread(self._write_claim, name, origin)
        return undecided_of(sources, self._private, lambda name: self._records.of(name).origin)

    def _decided(self, name: ProjectName, held: list[HeldFile] | None) -> Decision:
        origin = self._records.of(name).origin
        if held is None:
            return _BEING_READ if origin is None else decide_without_asking(None, origin, ())
        return decide_without_asking(self._private.match(name), origin, held)

    def _why_upstreams(self, name: ProjectName, held: list[HeldFile] | None) -> str | None:
        """Why a project is an upstream's as far as uploads go: any sign of it is enough, but for one that it is ours."""
        decision = self._decided(name, held)
        if decision.whose is Whose.OURS:
            return None
        origin = self._records.of(name).origin
        if origin is not None:
            return origin.because
        fetched = next((each for each in held or () if each.source is Source.UPSTREAM), None)
        if fetched is not None:
            return f"{fetched.filename} was fetched from there"
        return "files of it were fetched from there" if name in self._cached() else None

    def _write_claim(self, name: ProjectName, origin: Origin) -> None:
        try:
            self._records.claim_origin(name, origin)
        except (TwistedPyPIError, OSError) as problem:
            self.log.warn(
                "that {name} is ours could not be written down ({problem}); it is ours as long as its files are here",
                name=name, problem=problem,
            )  # fmt: skip

    async def _held(self, name: ProjectName) -> list[HeldFile] | None:
        """What is held of a project: nothing, or ``None`` when all that is there is not whole yet."""
        try:
            files = await self._files.files_of(name)
        except NoSuchProject:
            return []
        return [HeldFile(known.filename, known.sha256, known.source) for known in files] or None

    def _origin(self, whose: Whose, because: str, matched: Mapping[str, str] | None = None) -> Origin:
        return Origin(whose, because, int(self._clock()) * _SECOND, matched or {})


def undecided_of(
    sources: Mapping[ProjectName, frozenset[Source | None]],
    private: NamePatterns,
    origin_of: Callable[[ProjectName], Origin | None],
) -> list[ProjectName]:
    """Return the projects that were put here by hand and are nobody's yet, by how the files of each came here; sorted."""
    return sorted(
        name
        for name, ways in sources.items()
        if None in ways and Source.UPLOAD not in ways and private.match(name) is None and origin_of(name) is None
    )
