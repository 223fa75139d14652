"""What the server's user may not read or write."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

from twisted_pypi.command.checking.finding import Finding, Level, Matter, Repair
from twisted_pypi.command.checking.survey import Folder, Unread


def unread(folder: Unread) -> Finding:
    """A folder that cannot be looked into."""
    return Finding(
        f"{folder.location} cannot be looked into ({folder.reason}), so nothing that is in it can be served.",
        Level.BAD,
        Matter.RIGHTS,
        _advice(folder.location),
        folder.location,
        _more_rights(folder.location, stat.S_IRWXU),
    )


def files(folder: Folder) -> Iterator[Finding]:
    """The packages in a folder that cannot be read."""
    for filename in folder.packages:
        path = folder.path(filename)
        if not _may(path, os.R_OK) and os.path.exists(path):  # noqa: PTH110  # as everywhere where there are many
            yield Finding(
                f"{path} cannot be read by user {os.geteuid()}.",
                Level.BAD,
                Matter.RIGHTS,
                _advice(path),
                path,
                _more_rights(path, stat.S_IRUSR),
            )


def writing(folder: Folder) -> Finding | None:
    """A folder below a root that can be written to, and cannot be itself: yanks and updates in it fail."""
    if not folder.below or _may(folder.location, os.W_OK | os.X_OK):
        return None
    return Finding(
        f"{folder.location} cannot be written to by user {os.geteuid()}: no yank and no update of what is in it is kept.",
        Level.NOTE,
        Matter.RIGHTS,
        _advice(folder.location),
        folder.location,
        _more_rights(folder.location, stat.S_IRWXU),
    )


def _may(path: str, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _advice(path: str) -> str:
    try:
        owner = os.stat(path).st_uid  # noqa: PTH116  # as above
    except OSError:
        owner = -1
    if owner == os.geteuid():
        return f"`chmod u+rwX {path}` allows it."
    return f"`chown {os.geteuid()} {path}` gives it to the server's user."


def _more_rights(path: str, wanted: int) -> Repair | None:
    """More rights for the owner, where the owner is who asks; nobody else gets any."""

    def lacking() -> int:
        found = os.stat(path)  # noqa: PTH116  # as above
        return wanted & ~found.st_mode if found.st_uid == os.geteuid() else 0

    def give() -> bool:
        more = lacking()
        if more:
            os.chmod(path, stat.S_IMODE(os.stat(path).st_mode) | more)  # noqa: PTH101, PTH116  # as above
        return bool(more)

    try:
        if not lacking():
            return None
    except OSError:
        return None
    do: Callable[[], bool] = give
    return Repair("gives its owner the right", "Its owner has the right now.", do)
