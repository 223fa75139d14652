"""Patterns for the names of projects, such as ``acme-*``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import translate

from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import BadSetting

_SEPARATORS = re.compile(r"[-_.]+")
_PATTERN = re.compile(r"(?:[a-z0-9*?-]|\[!?(?:[a-z0-9]-[a-z0-9]|[a-z0-9-])+\])+\Z")


@dataclass(frozen=True, slots=True)
class NamePatterns:
    """Shell patterns (``*``, ``?``, ``[abc]``, ``[!a-c]``) for normalised names, themselves in any spelling (PEP 503)."""

    patterns: tuple[str, ...]
    """As they were written."""
    _compiled: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        """Raises ``BadSetting`` for a pattern that no name of a project can match."""
        given = tuple(patterns)
        object.__setattr__(self, "patterns", given)
        object.__setattr__(self, "_compiled", tuple(_compile(each) for each in given))

    def match(self, name: ProjectName) -> str | None:
        """Return the first pattern that matches all of a name, as it was written."""
        for pattern, compiled in zip(self.patterns, self._compiled, strict=True):
            if compiled.match(name):
                return pattern
        return None

    def __bool__(self) -> bool:
        """Are there any patterns?"""
        return bool(self.patterns)


def _compile(pattern: str) -> re.Pattern[str]:
    normalised = _SEPARATORS.sub("-", pattern.strip()).lower()
    if not _PATTERN.match(normalised) or normalised.startswith("-") or normalised.endswith("-"):
        raise BadSetting(
            f"the pattern {pattern!r} matches no name of a project; "
            "expected letters, digits, '.', '-' and '_', with '*', '?' and '[abc]' as a shell has them, such as 'acme-*'"
        )
    return re.compile(translate(normalised))
