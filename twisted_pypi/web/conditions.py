"""Conditional and range requests: what their headers ask for (RFC 9110 sections 13 and 14)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime

MOST_RANGES = 32
"""More ranges than this in one request are not answered one by one: the whole file is sent."""

_RANGES = re.compile(r"\s*bytes\s*=(.*)\Z", re.IGNORECASE | re.DOTALL)
_RANGE = re.compile(r"(?:([0-9]{1,40})-([0-9]{0,40})|-([0-9]{1,40}))\Z")
_TAG = re.compile(r'\s*(?:W/)?("[^"]*")\s*(?:,|\Z)')
_FIRST_SECOND = -62_135_596_800  # the year 1
_LAST_SECOND = 253_402_300_799  # the end of 9999: strangers say when their files were uploaded


def http_date(seconds: float) -> str:
    """Return a moment as HTTP writes it (RFC 9110 section 5.6.7); what it cannot write is the nearest that it can."""
    return formatdate(min(max(seconds, _FIRST_SECOND), _LAST_SECOND), usegmt=True)


def is_none_match(header: str, etag: str) -> bool:
    """Does ``If-None-Match`` name this ETag, so that 304 is the answer (RFC 9110 section 13.1.2)?

    The comparison is weak, as the section wants it.
    """
    if header.strip() == "*":
        return True
    return any(match[1] == etag for match in _TAG.finditer(header))


def precondition_fails(if_match: str | None, if_unmodified_since: str | None, etag: str, modified: float) -> bool:
    """Does a client ask for other bytes than these, so that 412 is the answer (RFC 9110 sections 13.1.1 and 13.1.4)?

    An ETag is compared strongly; the date counts only where no ETag is asked for.
    """
    if if_match is not None:
        tags = (match[1] for match in _TAG.finditer(if_match) if not match[0].lstrip().startswith("W/"))
        return if_match.strip() != "*" and etag not in tags
    moment = None if if_unmodified_since is None else _moment(if_unmodified_since)
    return moment is not None and int(modified) > moment


def is_unmodified_since(header: str, modified: float) -> bool:
    """Is a file that was last modified at ``modified`` (seconds) not newer than ``If-Modified-Since``?

    A date that cannot be read counts for nothing (RFC 9110 section 13.1.3).
    """
    moment = _moment(header)
    return moment is not None and int(modified) <= moment


def range_still_holds(if_range: str | None, etag: str, modified: float) -> bool:
    """Does ``If-Range`` allow a part to be sent (RFC 9110 section 13.1.5)?

    An ETag is compared strongly, a date exactly.
    """
    if if_range is None:
        return True
    text = if_range.strip()
    if text.startswith(('"', "W/")):
        return text == etag
    return _moment(text) == int(modified)


def wanted_ranges(header: str, size: int) -> list[tuple[int, int]] | None:
    """Return which parts a ``Range`` header asks for, as (first byte, byte after the last).

    ``None``: the header counts for nothing (another unit, broken, or too many
    ranges; RFC 9110 section 14.2).  An empty list: nothing of it can be
    satisfied (416).
    """
    match = _RANGES.match(header)
    if match is None:
        return None
    specs = [each.strip() for each in match[1].split(",") if each.strip()]
    if not specs or len(specs) > MOST_RANGES:
        return None
    wanted = []
    for spec in specs:
        part = _RANGE.match(spec)
        if part is None:
            return None
        if part[3] is not None:
            start, stop = max(0, size - int(part[3])), size
        else:
            start = int(part[1])
            stop = int(part[2]) + 1 if part[2] else size
            if stop <= start and part[2]:
                return None
        if start < min(stop, size):
            wanted.append((start, min(stop, size)))
    return wanted


def _moment(header: str) -> int | None:
    try:
        moment: datetime = parsedate_to_datetime(header)
        # The oldest form has no zone in it and means UTC (RFC 9110 section 5.6.7).
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None
