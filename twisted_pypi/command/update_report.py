"""What ``update`` prints: one character a project while it looks, then what it found, project by project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO

from twisted_pypi.command.update_progress import size_of
from twisted_pypi.distributions import ProjectName
from twisted_pypi.mirroring.outcomes import PassSummary, ProjectOutcome, State

CHARACTERS: Mapping[State, str] = {
    State.CURRENT: ".",
    State.UPDATED: "u",
    State.WOULD_UPDATE: "u",
    State.HELD_BACK: "h",
    State.OURS: "-",
    State.UNDECIDED: "?",
    State.IGNORED: "-",
    State.ERROR: "e",
}
"""Current, to be updated, held back by a rule, not the upstream's or left alone, and failed."""

_NOT_ASKED = {State.OURS, State.IGNORED}


class Report:
    """The ``Progress`` of a pass that only looks, and the words for what came of it."""

    def __init__(self, out: TextIO, *, verbose: bool) -> None:
        """Write to ``out``; with ``verbose``, also which projects were not asked for, and which files were left."""
        self._out = out
        self._verbose = verbose
        self._compared: frozenset[ProjectName] = frozenset()
        self._told: list[ProjectOutcome] = []

    def compare(self, names: Sequence[ProjectName]) -> None:
        """These are compared with the upstream; what turns out to be ours is told in any case."""
        self._compared = frozenset(names)

    def begun(self, projects: int) -> None:
        """Say how many there are."""
        self._out.write(f"checking {projects} packages for newer version\n")
        self._out.flush()

    def ended(self, outcome: ProjectOutcome) -> None:
        """Write its character."""
        self._out.write(CHARACTERS[outcome.state])
        self._out.flush()
        if outcome.state in _NOT_ASKED and (self._verbose or outcome.name in self._compared):
            self._told.append(outcome)

    def fetching(self, filename: str, size: int | None) -> None:
        """Nothing is fetched."""

    def received(self, size: int) -> None:
        """Nothing is fetched."""

    def looked(self) -> None:
        """End the line of characters."""
        self._out.write("\n\n")
        for each in sorted(self._told, key=lambda outcome: outcome.name):
            said = "ours" if each.name in self._compared else "not asked for"
            self._out.write(f"{each.name}: {said}, because {each.because}\n")

    def projects(self, outcomes: Iterable[ProjectOutcome]) -> None:
        """Say what was found or done of each project."""
        for each in outcomes:
            self._out.write("".join(f"{line}\n" for line in _lines(each, verbose=self._verbose)))

    def total(self, outcomes: Sequence[ProjectOutcome], *, executed: bool) -> None:
        """Say what it was in all."""
        files = [file for each in outcomes for file in each.fetched if bool(file.where) == executed]
        projects = sum(bool(each.fetched) for each in outcomes)
        failed = sum(each.state is State.ERROR for each in outcomes)
        size = sum(file.size or 0 for file in files)
        what = f"{_count(len(files), 'file')} of {_count(projects, 'project')} ({size_of(size)})"
        if not files:
            said = "Nothing to update"
        elif executed:
            said = f"Fetched {what}"
        else:
            said = f"Would fetch {what}; -x does it"
        failures = f"; {_count(failed, 'project')} failed" if failed else ""
        self._out.write(f"{said}{failures}.\n")


def not_asked(names: Sequence[ProjectName], index: str) -> str:
    """Return the sentence that names whom the upstream was not asked about, and what will ask."""
    return (
        f"put here by hand, so {index} was not asked about them: {', '.join(names)}. With -x it is, for each by its name,"
        " and with --compare, which fetches nothing (--private NAME keeps a name in)"
    )


def by_hand(names: Sequence[ProjectName], index: str) -> str:
    """Return the sentence that names whom the upstream will be asked about, before it is."""
    return f"put here by hand, so {index} is asked whose they are (--private NAME keeps a name in): {', '.join(names)}"


def merged(looked: PassSummary, done: PassSummary | None) -> list[ProjectOutcome]:
    """Return the outcomes of two passes, the second over some projects of the first."""
    found = {each.name: each for each in looked.notable}
    if done is not None:
        found |= {each.name: each for each in done.notable}
    return [found[name] for name in sorted(found)]


def document(looked: PassSummary, outcomes: Iterable[ProjectOutcome], *, executed: bool) -> Mapping[str, object]:
    """Return what was found or done, ready for JSON; of quiet projects only how many there are in each state."""
    return {
        "executed": executed,
        "projects": looked.projects,
        "states": {str(state): number for state, number in looked.states.items() if number},
        "outcomes": [
            {
                "project": each.name,
                "state": each.state,
                "because": each.because or None,
                "held": each.held,
                "offered": each.offered,
                "files": [
                    {
                        "filename": file.filename,
                        "size": file.size,
                        "sha256": file.sha256,
                        "path": file.where or None,
                        "because": file.because,
                    }
                    for file in each.fetched
                ],
                "left": [{"filename": left.filename, "because": left.because} for left in each.left],
            }
            for each in outcomes
        ],
    }


def _lines(outcome: ProjectOutcome, *, verbose: bool) -> Iterable[str]:
    step = f"{outcome.held} -> {outcome.offered}" if outcome.offered and outcome.fetched else outcome.held or ""
    yield f"{outcome.name} {step}".rstrip() + (f": {outcome.state}" if outcome.state is not State.UPDATED else "")
    for file in outcome.fetched:
        size = "" if file.size is None else f" ({size_of(file.size)})"
        yield f"    {'fetched' if file.where else 'would fetch'} {file.filename}{size}" + (
            f", because {file.because}" if verbose else ""
        )
    if outcome.because:
        yield f"    {outcome.because}"
    if outcome.state is State.HELD_BACK or verbose:
        for left in outcome.left:
            yield f"    left {left.filename}, because {left.because}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
