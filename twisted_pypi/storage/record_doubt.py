"""May there be records of projects that nobody here knows of?"""

from __future__ import annotations

import os

from twisted.logger import Logger

from twisted_pypi.catalog import Identity
from twisted_pypi.storage.tree import LOST_AND_FOUND


class RecordDoubt:
    """Why that is so, from the beginning until all records were read once; what was read is kept from then on."""

    log = Logger()

    def __init__(self, root: str) -> None:
        """Doubt the records below ``root``."""
        self.trouble: str | None = "the records of projects were not read yet"
        """One sentence; ``None``: all are known."""
        self._root = root
        self._expected: Identity | None = None

    def expect(self, root: Identity | None) -> None:
        """Files were seen in this folder before: an empty one in its place is a volume that is not mounted."""
        self._expected = root

    def because(self, trouble: str) -> None:
        """They could not be read."""
        if self.trouble is None:
            return
        trouble += "; as long as that is so, no name is asked for or sent elsewhere unless it is known whose it is"
        if trouble != self.trouble:
            self.log.error("{trouble}", trouble=trouble)
        self.trouble = trouble

    def end(self) -> None:
        """They were read, or there are none."""
        self.trouble = None

    def is_unmounted(self, identity: Identity) -> bool:
        """Is the root, which has no records, another folder than the one in which files were seen, and empty?"""
        if self.trouble is None or self._expected in {None, identity}:
            return False
        try:
            unmounted = all(each.startswith(".") or each == LOST_AND_FOUND for each in os.listdir(self._root))
        except OSError:
            unmounted = True
        if unmounted:
            self.because(
                f"{self._root} is empty and another folder than the one whose files are known (is its volume not mounted?)"
            )
        return unmounted
