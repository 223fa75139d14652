"""Moments as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

SECOND_NS = 1_000_000_000
"""Nanoseconds."""

DAY_NS = 86_400 * SECOND_NS
"""Nanoseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def iso(ns: int) -> str:
    """A moment (nanoseconds since the epoch) in UTC by ISO 8601, rounded up to whole seconds.

    One that the calendar does not have is the nearest that it has.
    """
    try:
        moment = _EPOCH + timedelta(seconds=-(-ns // SECOND_NS))
    except OverflowError:
        moment = _LAST if ns > 0 else _FIRST
    return moment.replace(tzinfo=None).isoformat() + "Z"
