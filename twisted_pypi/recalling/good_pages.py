"""Which pages of an upstream may recall anything."""

from __future__ import annotations

from dataclasses import dataclass, replace

from twisted_pypi.boundaries import UpstreamPage
from twisted_pypi.distributions import ProjectName
from twisted_pypi.simple.model import ProjectPage

LAG_NS = 24 * 3600 * 10**9
"""Nanoseconds after which lower serials are those of an index that counts anew."""


@dataclass(frozen=True, slots=True)
class _Last:
    """The page of a project that was believed last."""

    at_ns: int
    index: str | None = None
    serial: int | None = None
    lagging_since_ns: int | None = None


class GoodPages:
    """Knows the last page of each project that was believed."""

    def __init__(self) -> None:
        """Know none."""
        self._last: dict[ProjectName, _Last] = {}

    def take(self, name: ProjectName, page: UpstreamPage | None, now_ns: int) -> tuple[ProjectPage, int] | None:
        """Return what a page says, and as of when; ``None``: it is not to be believed, or is older than the last.

        ``page`` is ``None`` when the upstream has no such project any more.
        What is only kept since the upstream cannot be asked is no news, and
        neither is what has a lower serial than the last: that comes out of
        some cache on the way.
        """
        last = self._last.get(name)
        if page is None:
            if last is None:
                last = _Last(now_ns)
            if now_ns < last.at_ns:
                return None
            self._last[name] = replace(last, at_ns=now_ns, lagging_since_ns=None)
            return ProjectPage(name, ()), now_ns
        if page.stale_because is not None or (last is not None and page.confirmed_ns < last.at_ns):
            return None
        if last is not None and _is_lower(page, last):
            since = page.confirmed_ns if last.lagging_since_ns is None else last.lagging_since_ns
            if page.confirmed_ns - since < LAG_NS:
                self._last[name] = replace(last, lagging_since_ns=since)
                return None
        serial = page.serial
        if serial is None and last is not None and last.index == page.index:
            serial = last.serial
        self._last[name] = _Last(page.confirmed_ns, page.index, serial)
        return page.page, page.confirmed_ns

    def at_ns(self, name: ProjectName) -> int | None:
        """As of when the page is that was believed last, nanoseconds since the epoch."""
        last = self._last.get(name)
        return None if last is None else last.at_ns


def _is_lower(page: UpstreamPage, last: _Last) -> bool:
    return (
        page.serial is not None and last.serial is not None and page.index == last.index and page.serial < last.serial
    )
