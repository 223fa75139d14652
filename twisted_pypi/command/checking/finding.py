"""What was found: a sentence, how bad it is, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding asks of a person."""

    FINE = "fine"
    """Nothing: this is how it will be."""
    NOTE = "note"
    """A look: it is another way than before, or there is something to tidy up."""
    BAD = "bad"
    """A hand: somebody misses something until it is mended."""

    @property
    def mark(self) -> str:
        """What stands before the sentence."""
        return {Level.FINE: "-", Level.NOTE: "~", Level.BAD: "!"}[self]


class Matter(StrEnum):
    """What a finding is about; these words stay, for programs that read them."""

    SETTING = "setting"
    START = "start"
    USERS = "users"
    RIGHTS = "rights"
    NAME = "name"
    TWICE = "twice"
    LINK = "link"
    SIGNATURE = "signature"
    LEFTOVER = "leftover"
    CONTENTS = "contents"
    SIDECAR = "sidecar"
    ROT = "rot"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Repair:
    """What ``--repair`` does about a finding; it never touches the bytes or the name of a package."""

    would: str
    """What it does, as it follows "--repair"."""
    done: str
    """The same, as a sentence about what was done."""
    do: Callable[[], bool]
    """Does it, and says whether it was still to be done.  Raises ``OSError``."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that there is to say."""

    sentence: str
    level: Level = Level.FINE
    matter: Matter = Matter.START
    advice: str = ""
    """What to do, in a sentence; empty where nothing is to be done."""
    path: str | None = None
    """The file or folder that it is about."""
    repair: Repair | None = None

    @property
    def bad(self) -> bool:
        """Does it need a hand?"""
        return self.level is Level.BAD
