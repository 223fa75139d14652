"""What there is to tell of an update pass besides its summary: the releases that it fetched, and how it ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from twisted_pypi.boundaries.happenings import HappenedTo, Happening, HappeningKind
from twisted_pypi.distributions import parse_filename
from twisted_pypi.errors import BadFilename
from twisted_pypi.mirroring.outcomes import PassSummary, ProjectOutcome, State


def happenings_of(summary: PassSummary) -> Iterator[Happening]:
    """Yield one happening for each release of which anything was fetched, and one for the pass."""
    moment = summary.ended_ns / 1e9
    for outcome in summary.notable:
        for version, files in _releases(outcome).items():
            yield Happening(
                kind=HappeningKind.UPDATE, moment=moment, project=outcome.name, version=version, files=tuple(files)
            )
    counts = [f"{number} {state}" for state in State if (number := summary.states.get(state, 0))]
    how = " until it was broken off" if summary.broken_off else ""
    detail = f"{summary.projects} projects{how} ({', '.join(counts) or 'none'}), {summary.fetched} files fetched"
    yield Happening(kind=HappeningKind.UPDATE, moment=moment, detail=detail)


def failed(moment: float, problem: str) -> Happening:
    """Return the happening for a pass that failed as a whole."""
    return Happening(kind=HappeningKind.UPDATE, moment=moment, detail=f"nothing could be updated: {problem}")


def _releases(outcome: ProjectOutcome) -> dict[str | None, list[HappenedTo]]:
    found: dict[str | None, list[HappenedTo]] = defaultdict(list)
    for file in outcome.fetched:
        if file.where:
            try:
                version = parse_filename(file.filename, outcome.name).version
            except BadFilename:
                version = None
            found[version].append(HappenedTo(file.filename, file.sha256))
    return found
