"""Whose a project is: ours, or an upstream index's.

The decision is taken once, kept with the project's record, and asked wherever
a name could go outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from twisted_pypi.project_records import Whose


@dataclass(frozen=True, slots=True)
class Decision:
    """Whose a project is, and why."""

    whose: Whose | None
    """``None``: it was put here by hand, and only a comparison with the upstream can tell.  Until then it is ours."""
    because: str
    """The reason, as it follows "because"."""
    matched: Mapping[str, str] = field(default_factory=dict)
    """The files that decided it: hex sha256 digests by file name."""

    @property
    def may_go_outside(self) -> bool:
        """May an upstream be asked for this name when somebody wants its page?"""
        return self.whose is Whose.UPSTREAM
