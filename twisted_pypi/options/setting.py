"""What is known of one setting: its names, its value, its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from twisted_pypi.errors import BadSetting


class Reason(ValueError):
    """Why a value cannot be used and what was expected; it ends a sentence, without its full stop."""


class Contradiction(BadSetting):
    """Settings that are right one by one, but not together; the process ends with code 1, not 2."""


class Kind(Enum):
    """How often a setting may be given, and whether a value follows its flag."""

    ONE = auto()
    MANY = auto()
    """Repeatable; ``parse`` makes a tuple of each value, and the tuples are joined."""
    SWITCH = auto()
    """No value on the command line, a boolean in the environment."""
    COUNT = auto()
    """No value on the command line; how often it is given counts.  A number in the environment."""


class Group(Enum):
    """The headings of ``--help`` and of the table of options."""

    FILES = "What is served"
    ADDRESS = "Where it is served"
    LOGINS = "Who may do what"
    UPLOADS = "Uploads"
    ELSEWHERE = "Projects that are not here"
    MIRROR = "Packages of other indexes"
    ANSWERS = "Pages and answers"
    LOGS = "Logs"
    HOOKS = "Other servers that are told"
    ACCEPTED = "Understood for the old server's sake, without effect"
    UPDATE = "Only with update"


@dataclass(frozen=True, slots=True)
class Given:
    """A value and where it comes from."""

    where: str
    """The flag or variable as a person wrote it."""
    text: str
    """The value as it was written; empty for a flag without one."""
    value: Any
    """The value as ``Config`` takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting; its ``name`` is the field of ``Config`` that it fills, where there is one."""

    name: str
    flags: tuple[str, ...]
    parse: Callable[[str], Any]
    expected: str
    """What a value has to be, as it follows "expected"."""
    help: str
    group: Group
    default: str = ""
    """What holds when it is not given, in words."""
    kind: Kind = Kind.ONE
    metavar: str | None = None
    more_variables: tuple[str, ...] = ()
    """Variables besides those that the long flags give."""
    split: Callable[[str], tuple[str, ...]] | None = None
    """For ``MANY``: how a variable holds several values."""
    off_flags: tuple[str, ...] = ()
    """For ``SWITCH``: flags that turn it off."""
    field: bool = True
    """Is there a field of ``Config`` for it?"""
    empty_counts: bool = False
    """Is an empty variable a value?  Else it is as if it were not set."""
    note: Callable[[Given], str | None] | None = None
    """A sentence for the log about the value that is in force."""
    secret: bool = False
    """May its value hold a login, so that no sentence shows it?"""

    @property
    def variables(self) -> tuple[str, ...]:
        """Its environment variables; the first that is set counts."""
        if self.group is Group.UPDATE:
            return ()
        long = [flag.removeprefix("--") for flag in self.flags if flag.startswith("--")]
        named = [f"PYPI_{flag.replace('-', '_').upper()}" for flag in long]
        return tuple(dict.fromkeys((*named, *self.more_variables)))

    def read(self, where: str, text: str) -> Given:
        """The value that a text means.  Raises ``BadSetting``, which names all there is to know."""
        shown = "(its value is not shown)" if self.secret else repr(text)
        try:
            return Given(where, text, self.parse(text))
        except Reason as reason:
            raise BadSetting(f"{where} {shown} cannot be used: {reason}.") from None
        except ValueError:
            raise BadSetting(f"{where} {shown} cannot be used: expected {self.expected}.") from None
