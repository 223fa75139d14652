"""What an upstream index took back of the files that are kept here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recall:
    """That an upstream index took a file back."""

    how: str
    """``removed``, ``quarantined`` or ``yanked``."""
    since_ns: int
    """When that was first seen."""
    confirmed: bool
    """Was it seen again, an hour later or more?"""
    hidden: bool
    """Is the file kept from clients?"""
    reason: str | None = None
    """What the upstream says of it."""
