"""The order of versions on a page."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby

from packaging.version import InvalidVersion, Version

from twisted_pypi.distributions import canonical_version


@lru_cache(maxsize=4096)
def version_key(text: str) -> tuple[int, Version | str]:
    """Return what versions are sorted by: those that break PEP 440 first, "1.0" and "1.0.0" as one."""
    try:
        return 1, Version(text)
    except InvalidVersion:
        return 0, text.lower()


def spelled_versions(in_order: Iterable[str]) -> tuple[str, ...]:
    """Return each of these sorted versions once, in the one spelling it has (PEP 440, PEP 700)."""
    return tuple(canonical_version(next(same)) for _, same in groupby(dict.fromkeys(in_order), version_key))
