"""Do the inode numbers of a root mean anything?"""

from __future__ import annotations

import threading
from collections import Counter

from twisted.logger import Logger

_LEAST = 1000
_ROUNDS = 3


class Inodes:
    """Counts how often a changed inode number was a false alarm.  For every thread.

    After a restore or a copy-up, each file has another number once.  There are
    file systems, mostly in user space, whose numbers change all the time: to
    read every file again for each of them would never end.
    """

    log = Logger()

    def __init__(self) -> None:
        """They mean something until it turns out otherwise."""
        self._lock = threading.Lock()
        self._alarms: Counter[int] = Counter()
        self._ignored: set[int] = set()

    def count(self, root: int) -> bool:
        """Is a changed number a reason to read a file again?"""
        return root not in self._ignored

    def false_alarm(self, root: int, files: int) -> None:
        """A file was read again, and was the same; there are so many files."""
        with self._lock:
            self._alarms[root] += 1
            if self._alarms[root] < max(_LEAST, _ROUNDS * files) or root in self._ignored:
                return
            self._ignored.add(root)
        self.log.info("the inode numbers of root {root} change without end; from now on they do not count", root=root)
