"""What is kept beside the page of an upstream index, and how its headers are understood."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_UNKEPT = re.compile(r"(?:^|[,\s])(?:no-cache|no-store)(?:$|[,\s=])", re.IGNORECASE)
_SECOND_NS = 10**9
_LONGEST_VALIDATOR = 1000
_LARGEST_SERIAL = 2**63

DEFAULT_LIFETIME = 600
"""Seconds for which a page is fresh when the index does not say."""
SHORTEST_LIFETIME = 60
"""Seconds for which it is fresh, whatever the index says."""
LONGEST_LIFETIME = 3600
"""Seconds after which it is asked for again, whatever the index says."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What is known of a page of an upstream index, apart from what it says."""

    index: str
    """The address of the index, without a login and without a slash at its end."""
    url: str
    """The address that answered: relative addresses are relative to it."""
    content_type: str
    digest: str
    """A text that differs whenever the page does."""
    confirmed_ns: int
    """When the index last said this, nanoseconds since the epoch."""
    fresh_until_ns: int
    """Until when it need not be asked again, nanoseconds since the epoch."""
    etag: str | None = None
    """The validators that came with it (RFC 9110 section 8.8)."""
    last_modified: str | None = None
    serial: int | None = None
    """The number of the index's last change, where it counts them."""
    lagging_since_ns: int | None = None
    """Since when the index answers with lower numbers than this page's."""
    gone_ns: int | None = None
    """When the index began to say that it has no such project."""

    def fresh_at(self, now_ns: int) -> bool:
        """Need it not be asked for now?  A time too far ahead comes from a clock that was wrong."""
        return now_ns < self.fresh_until_ns <= now_ns + LONGEST_LIFETIME * _SECOND_NS


def page_digest(url: str, content_type: str, body: bytes) -> str:
    """Return the ``digest`` of a page."""
    found = blake2b(f"{url}\n{content_type}\n".encode("utf-8", "replace"), digest_size=20)
    found.update(body)
    return found.hexdigest()


def lifetime(headers: Mapping[str, str]) -> int:
    """For how many seconds an answer is fresh (RFC 9111 section 4.2), within our bounds."""
    control = headers.get("cache-control", "")
    if _UNKEPT.search(control):
        return SHORTEST_LIFETIME
    found = _MAX_AGE.search(control)
    if found is None:
        return DEFAULT_LIFETIME
    age = headers.get("age", "").strip()
    spent = int(age) if age.isascii() and age.isdigit() and len(age) < 10 else 0
    return min(max(int(found[1]) - spent, SHORTEST_LIFETIME), LONGEST_LIFETIME)


def fresh_until(headers: Mapping[str, str], now_ns: int) -> int:
    """Until when an answer that came now is fresh, nanoseconds since the epoch."""
    return now_ns + lifetime(headers) * _SECOND_NS


def serial(headers: Mapping[str, str]) -> int | None:
    """The number of the index's last change, where it says one."""
    found = headers.get("x-pypi-last-serial", "").strip()
    if not (found.isascii() and found.isdigit() and len(found) < 20):
        return None
    return int(found) if int(found) < _LARGEST_SERIAL else None


def validator(headers: Mapping[str, str], name: str) -> str | None:
    """A validator that can be sent back."""
    found = headers.get(name, "").strip()
    return found if found and len(found) <= _LONGEST_VALIDATOR and found.isascii() and found.isprintable() else None


def conditions(facts: PageFacts | None) -> dict[str, str]:
    """The headers that ask only for what is new (RFC 9110 section 13.1)."""
    if facts is None:
        return {}
    if facts.etag is not None:
        # The date says less than the tag, and some proxies look at the date alone.
        return {"If-None-Match": facts.etag}
    return {} if facts.last_modified is None else {"If-Modified-Since": facts.last_modified}
