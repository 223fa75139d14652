"""The watcher: hints of the operating system that something changed at a path.

A hint may be missing (a full queue, another machine's write) and may be wrong;
it only says where to look before the next full pass.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Protocol

Hint = Callable[[str, bool], None]
"""Called, in a thread of the watcher, with an absolute path and whether the file there (or what is in the folder there)
is whole: closed by its writer, or moved there."""


class Watcher(Protocol):
    """Watches the roots."""

    def start(self) -> None:
        """Begin to watch.  Blocking; raises ``OSError`` when the system's limits do not allow it."""

    def refresh(self) -> None:
        """Watch the roots that are there now: one that was mounted, or replaced, is another folder.

        What ended by an error, or lost hints, is begun anew.  Blocking; raises
        ``OSError`` when the system's limits do not allow it.
        """

    def stop(self) -> None:
        """Watch no more.  Blocking."""


MakeWatcher = Callable[[Sequence[str], Hint, Callable[[], None]], Watcher]
"""Makes a watcher of absolute paths; the last is called, in a thread of the watcher, when hints were lost."""


def watcher_of_this_system() -> MakeWatcher:
    """Return what makes the watcher for this operating system."""
    if sys.platform != "linux":
        from twisted_pypi.storage.watch_elsewhere import Watcher as Other  # noqa: PLC0415  # its library is only there

        return Other
    from twisted_pypi.storage.watch_linux import Watcher  # noqa: PLC0415  # there is nothing of it on others

    return Watcher
