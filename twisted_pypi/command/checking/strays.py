"""What lies about without its package: signatures, and what transfers left behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from twisted_pypi.command.checking.finding import Finding, Level, Matter, Repair
from twisted_pypi.command.checking.survey import Folder
from twisted_pypi.distributions import SUFFIXES
from twisted_pypi.storage.sweeping import leftovers, take_leftover

_SIGNATURES = (".asc", ".sig")
_IN_THE_MIDDLE = re.compile(
    r".+\.(?:part|partial|tmp|crdownload|filepart|swp)|\.nfs[0-9a-f]{8,}|\.(?P<package>.+)\.[A-Za-z0-9]{6}", re.DOTALL
)
"""How programs name what they have not finished: browsers, download managers, editors, NFS, rsync."""
_OLD = 3600
"""Seconds after which nobody is still at it."""


def signatures(folder: Folder) -> Iterator[Finding]:
    """Signatures in a folder that are of no file in it."""
    for name in sorted(folder.names):
        if name.startswith(".") or not name.endswith(_SIGNATURES) or name[:-4] in folder.names:
            continue
        if name[:-4].endswith(SUFFIXES):
            yield Finding(
                f"{folder.path(name)} signs a file that is not there.",
                Level.NOTE,
                Matter.SIGNATURE,
                "It is never shown: bring its file back, or remove it.",
                folder.path(name),
            )


def interrupted(folder: Folder, now: float) -> Iterator[Finding]:
    """What other programs have left in a folder in the middle of a transfer."""
    for name in sorted(folder.names):
        match = _IN_THE_MIDDLE.fullmatch(name)
        if match is None or name.startswith(".upload-") or not (match["package"] or "x.zip").endswith(SUFFIXES):
            continue
        path = Path(folder.path(name))
        try:
            if not path.is_file() or path.stat().st_mtime > now - _OLD:
                continue
        except OSError:
            continue
        yield Finding(
            f"{path} is what a transfer left behind that was broken off.",
            Level.NOTE,
            Matter.LEFTOVER,
            "It is never shown: remove it by hand when no program is still writing it.",
            str(path),
        )


def own_leftovers(roots: list[str], now: float) -> Iterator[Finding]:
    """What servers of ours left behind that were killed; a server removes the same when it starts."""
    for root in roots:
        for path, oldest in leftovers(Path(root), now):
            what = (
                "speaks of a file that has not been there for a day" if path.suffix == ".json" else "was never finished"
            )
            yield Finding(
                f"{path} {what}.",
                Level.NOTE,
                Matter.LEFTOVER,
                "The server removes it when it starts.",
                str(path),
                Repair("removes it", "It is removed.", partial(take_leftover, path, oldest)),
            )
