"""Logins that failed, so many of them that they are counted instead of being listed one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twisted_pypi.boundaries.happenings import Happening, HappeningKind

WINDOW = 60.0
"""Seconds."""

FROM_ONE = 10
"""Failures from one address that are listed in a ``WINDOW``."""

AT_ALL = 100
"""Failures that are listed in a ``WINDOW``, and addresses that are told apart among those that are only counted."""


class Floods:
    """Lets failed logins through as long as they are few, and tells at the end of a window how many more there were.

    So whoever tries passwords as fast as he can fills neither the memory nor
    the disk.  Everything else is let through.
    """

    def __init__(self, add: Callable[[Happening], None], clock: IReactorTime) -> None:
        """Hand what is let through to ``add``."""
        self._add = add
        self._clock = clock
        self._ends = float("-inf")
        self._listed: Counter[str | None] = Counter()
        self._counted: Counter[str | None] = Counter()
        self._timer: IDelayedCall | None = None

    def take(self, happening: Happening) -> None:
        """Let it through, or count it."""
        if happening.kind is not HappeningKind.LOGIN_FAILED:
            self._add(happening)
            return
        now = self._clock.seconds()
        # A window that ends later than it can is from before the clock was set back.
        if self._timer is None and not now < self._ends <= now + WINDOW:
            self._ends = now + WINDOW
            self._listed.clear()
        address = happening.address
        if self._listed.total() < AT_ALL and self._listed[address] < FROM_ONE:
            self._listed[address] += 1
            self._add(happening)
            return
        if self._timer is None:
            self._timer = self._clock.callLater(max(0.0, self._ends - now), self._end)
        self._counted[address if address in self._counted or len(self._counted) < AT_ALL else None] += 1

    def stop(self) -> None:
        """Tell what was only counted."""
        if self._timer is not None:
            self._timer.cancel()
            self._end()

    def _end(self) -> None:
        self._timer = None
        self._ends = float("-inf")
        counted, self._counted = self._counted, Counter()
        for address, times in counted.items():
            self._add(
                Happening(
                    kind=HappeningKind.LOGIN_FAILED, moment=self._clock.seconds(), address=address, times=times,
                    detail=f"more of them within {WINDOW:.0f} seconds, which are not listed one by one",
                )
            )  # fmt: skip
