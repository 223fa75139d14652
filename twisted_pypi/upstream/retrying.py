"""What failed is tried again: later each time, and never by everybody at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from typing import TypeVar

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from twisted_pypi.errors import UpstreamFailed

T = TypeVar("T")

FIRST_DELAY = 0.5
"""The longest wait before the second try, seconds; it doubles with each try."""
LONGEST_DELAY = 30.0
"""The longest wait before any try, seconds; an upstream that asks for more is not asked again."""


class BrokenOff(UpstreamFailed):
    """A try that failed, where another may succeed."""

    def __init__(self, message: str, retry_after: float | None = None, *, progress: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """How long the upstream asks to wait, seconds."""
        self.progress = progress
        """Did it bring so much that it should not count?"""

    def final(self) -> UpstreamFailed:
        """The same, where no other try is possible."""
        return UpstreamFailed(str(self))


class Retrying:
    """Exponential backoff with full jitter."""

    def __init__(self, clock: IReactorTime, random: Callable[[], float]) -> None:
        """Draw from ``random``, which returns numbers from 0 to 1."""
        self._clock = clock
        self._random = random

    async def run(self, attempt: Callable[[], Awaitable[T]], tries: int) -> T:
        """Return what ``attempt`` returns, tried at most ``tries`` times in a row without progress.

        Only ``BrokenOff`` is tried again.  Raises what the last try raised.
        """
        failures = 0
        while True:
            try:
                return await attempt()
            except BrokenOff as error:
                failures = 1 if error.progress else failures + 1
                after = error.retry_after
                if failures >= tries or (after is not None and after > LONGEST_DELAY):
                    raise
            await deferLater(self._clock, self.delay(failures) if after is None else after)

    def delay(self, failures: int) -> float:
        """How long to wait after that many failures in a row, seconds: anything up to twice as much as before."""
        # 2**10 half seconds are beyond the limit anyway.
        return self._random() * min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 10))


def parse_retry_after(value: str, date: str | None) -> float | None:
    """How many seconds ``Retry-After`` asks to wait (RFC 9110 section 10.2.3); ``None``: that cannot be told.

    A point in time is read against ``date``, the ``Date`` of the same answer:
    its clock may differ from ours.
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        # More digits than any wait has; int() refuses thousands of them.
        return float(value) if len(value) < 20 else float("inf")
    then, now = _seconds(value), _seconds(date or "")
    return None if then is None or now is None else max(0.0, then - now)


def _seconds(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
