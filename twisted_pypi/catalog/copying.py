"""A catalog that goes on from what another one has: of another server, or of a disk that takes no more."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from urllib.parse import quote

from twisted_pypi.catalog.location import FILENAME
from twisted_pypi.catalog.schema import VERSION, connect

_NO_MORE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}


def takes_no_more(problem: sqlite3.Error) -> bool:
    """Is it the disk of a database that cannot be written to, for lack of room or otherwise?"""
    # The low byte is the primary code; the rest says more about it.
    return getattr(problem, "sqlite_errorcode", 0) & 0xFF in _NO_MORE


def copied_to_memory(source: sqlite3.Connection) -> sqlite3.Connection:
    """Return a database in memory with all that is in another one.  Raises ``sqlite3.Error``."""
    memory = connect(":memory:")
    try:
        source.backup(memory)
    except BaseException:
        memory.close()
        raise
    return memory


def begin_with(folder: str, own: sqlite3.Connection) -> bool:
    """Give an empty catalog all that the one in another folder knows, so that no file is read twice for both.

    The other one is only read, and may be in use.  Returns whether it was of any use.
    """
    if own.execute("SELECT 1 FROM roots").fetchone():
        return False
    try:
        name = f"file:{quote(os.path.join(folder, FILENAME))}?mode=ro"
        with closing(sqlite3.connect(name, uri=True, isolation_level=None)) as other:
            if other.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                return False
            other.backup(own)
    except sqlite3.Error:
        return False
    return True
