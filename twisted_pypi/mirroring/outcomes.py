"""What came of an update pass, project by project and in all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from twisted_pypi.distributions import ProjectName


class State(StrEnum):
    """How it stands with a project at the end of a pass."""

    CURRENT = "current"
    """The upstream has nothing that is to be fetched."""
    UPDATED = "updated"
    """Something was fetched."""
    WOULD_UPDATE = "would update"
    """Something is to be fetched, and the pass was only to look."""
    HELD_BACK = "held back"
    """The upstream has something newer, and a rule keeps it out."""
    OURS = "ours"
    """It is no upstream's, and was not asked for."""
    UNDECIDED = "not asked for yet"
    """It was put here by hand, and was not to be compared with the upstream."""
    IGNORED = "ignored"
    """It was to be left alone, and was not asked for."""
    ERROR = "error"
    """The upstream could not be asked, or something could not be fetched."""


QUIET = frozenset({State.CURRENT, State.OURS, State.UNDECIDED, State.IGNORED})
"""States of which a summary only has the number."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that a pass fetched, or would fetch."""

    filename: str
    size: int | None
    """Bytes; ``None`` where the upstream does not say."""
    because: str
    """Why it is taken."""
    where: str = ""
    """Where it was put; empty: it was not fetched."""
    sha256: str | None = None
    """Hex digest, as the upstream has it."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A newer file of an upstream that a pass did not take."""

    filename: str
    because: str


@dataclass(frozen=True, slots=True)
class ProjectOutcome:
    """What came of one project."""

    name: ProjectName
    state: State
    because: str = ""
    """Why it is ours, or what went wrong; one sentence without its full stop."""
    fetched: tuple[Arrived, ...] = ()
    """Files that were fetched, or would be."""
    left: tuple[NotTaken, ...] = ()
    """Newer files that were not taken."""
    held: str | None = None
    """The newest version that was here before."""
    offered: str | None = None
    """The newest version that the upstream has and that could be taken."""

    @property
    def size(self) -> int:
        """Bytes of the files that were fetched, or would be, as far as that is known."""
        return sum(each.size or 0 for each in self.fetched)


@dataclass(frozen=True, slots=True)
class PassSummary:
    """What came of a pass."""

    began_ns: int
    """When it began, nanoseconds since the epoch."""
    ended_ns: int
    """When it ended."""
    states: Mapping[State, int]
    """How many projects there are in each state."""
    notable: tuple[ProjectOutcome, ...] = field(repr=False)
    """The outcomes of all projects whose state is not one of ``QUIET``, sorted by name."""
    broken_off: bool = False
    """Was it stopped before it had come to its end?"""

    @property
    def projects(self) -> int:
        """How many projects it came to."""
        return sum(self.states.values())

    @property
    def fetched(self) -> int:
        """How many files were fetched."""
        return sum(bool(file.where) for each in self.notable for file in each.fetched)

    @property
    def size(self) -> int:
        """Bytes of those files."""
        return sum(file.size or 0 for each in self.notable for file in each.fetched if file.where)


class Progress(Protocol):
    """Who wants to know how a pass goes on.  Everything is called on the reactor thread."""

    def begun(self, projects: int) -> None:
        """It is known how many projects there are; nobody was asked yet."""

    def ended(self, outcome: ProjectOutcome) -> None:
        """A project is done with."""

    def fetching(self, filename: str, size: int | None) -> None:
        """A file begins to come."""

    def received(self, size: int) -> None:
        """So many bytes more have come."""


class Silent:
    """A ``Progress`` for whom nobody waits."""

    def begun(self, projects: int) -> None:
        """Do nothing."""

    def ended(self, outcome: ProjectOutcome) -> None:
        """Do nothing."""

    def fetching(self, filename: str, size: int | None) -> None:
        """Do nothing."""

    def received(self, size: int) -> None:
        """Do nothing."""
