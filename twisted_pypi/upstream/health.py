"""How an upstream index has been answering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.logger import Logger

from twisted_pypi.distributions import ProjectName

PAUSE = 30
"""Seconds for which an index that does not answer is not asked."""
_FAILURES = 3
_SECOND_NS = 10**9


@dataclass(frozen=True, slots=True)
class IndexHealth:
    """What an operator wants to know of an upstream index."""

    index: str
    """Its address, without a login."""
    last_success_ns: int | None
    """When it last answered as it should, nanoseconds since the epoch; ``None``: not since the start."""
    last_failure_ns: int | None
    """When it last did not."""
    failure: str | None
    """What was wrong then, in a sentence."""
    failing: bool
    """Was the last answer a failure?"""


class Health:
    """Counts how one index answers, and tells the log when that changes.

    When it could not be asked for several projects in a row it is left alone
    for a while, so that one that is down does not cost every request its time
    limit.  Projects whose pages are broken do not make the others wait, however
    many they are: anybody may ask for such names.
    """

    log = Logger()

    def __init__(self, index: str, now_ns: Callable[[], int]) -> None:
        """Know nothing of it yet."""
        self._index = index
        self._now_ns = now_ns
        self._last_success_ns: int | None = None
        self._last_failure_ns: int | None = None
        self._failure: str | None = None
        self._failing = False
        self._failed: set[ProjectName] = set()
        self._paused_until_ns = 0

    def succeeded(self) -> None:
        """It answered as it should."""
        if self._failing:
            self.log.info("the index {index} answers again", index=self._index)
        self._last_success_ns = self._now_ns()
        self._failing = False
        self._failed.clear()
        self._paused_until_ns = 0

    def failed(self, project: ProjectName, sentence: str, *, down: bool) -> None:
        """It did not, when asked for a project; ``down``: it may have been unable to answer at all."""
        if not self._failing:
            self.log.warn("the index {index} fails: {sentence}", index=self._index, sentence=sentence)
        self._last_failure_ns, self._failure = self._now_ns(), sentence
        self._failing = True
        if not down:
            return
        if len(self._failed) < _FAILURES:
            self._failed.add(project)
        if len(self._failed) == _FAILURES:
            self._paused_until_ns = self._last_failure_ns + PAUSE * _SECOND_NS

    @property
    def paused(self) -> str | None:
        """Why it is not asked at the moment; ``None``: it may be."""
        return self._failure if self._now_ns() < self._paused_until_ns else None

    @property
    def now(self) -> IndexHealth:
        """How it is."""
        return IndexHealth(self._index, self._last_success_ns, self._last_failure_ns, self._failure, self._failing)
