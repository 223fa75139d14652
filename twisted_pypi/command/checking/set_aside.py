"""Where a file goes that shall not count any more and is not thrown away either."""

from __future__ import annotations

from pathlib import Path

from twisted_pypi.catalog.location import STATE_FOLDER

SET_ASIDE = "set-aside"
"""The folder in a root's hidden one."""


def set_aside(root: str, path: str) -> bool:
    """Move a file of a root to its place below ``set-aside``, and return whether it was there.

    What was set aside before is kept: a later one of that name gets a number.
    Raises ``OSError``.
    """
    source, target = Path(root, path), Path(root, STATE_FOLDER, SET_ASIDE, path)
    if not source.exists():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    free, number = target, 1
    while free.exists():
        number += 1
        free = target.with_name(f"{target.name}.{number}")
    source.rename(free)
    return True
