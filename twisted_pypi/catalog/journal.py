"""What each transaction changed, kept in the catalog for the other processes of a server.

The rows are numbered without a gap, in the order of the transactions.  Only a
server of several processes has these tables, and imports this.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from twisted_pypi.catalog.locking import LOCK, locked
from twisted_pypi.catalog.values import Committed
from twisted_pypi.distributions import ProjectName

KEPT = 5000
"""Rows that are kept; a process that is further behind counts everything anew."""

# What an earlier server said of its folders is over.
_PREPARE = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS journal (seq INTEGER PRIMARY KEY, changes TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS troubles (sentence TEXT NOT NULL);
DELETE FROM troubles;
COMMIT;
"""


class Journal:
    """The journal of an open catalog, and how far this process has read it."""

    def __init__(self, *, begins: bool, kept: int = KEPT) -> None:
        """One process ``begins`` it, and must have opened the catalog before the others do."""
        self._begins = begins
        self._kept = kept
        self._write: sqlite3.Connection | None = None
        self._read: sqlite3.Connection | None = None
        self._last = 0

    def open(self, write: sqlite3.Connection, read: sqlite3.Connection) -> None:
        """Use these connections: one in transactions, one in the reactor thread."""
        if self._begins:
            write.executescript(_PREPARE)
        self._write, self._read = write, read

    @contextmanager
    def from_now_on(self) -> Iterator[None]:
        """Count what is in the catalog, inside of this; what comes after that is news."""
        read = self._reading()
        read.execute("BEGIN")
        try:
            last = int(read.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()[0])
            yield
            self._last = last
        finally:
            read.execute("COMMIT")

    def append(self, committed: Committed) -> None:
        """Write down, as the last step of a transaction, what it changed."""
        if self._write is None:
            return
        if committed.troubles is not None:
            self._write.execute("DELETE FROM troubles")
            self._write.executemany("INSERT INTO troubles VALUES (?)", [(each,) for each in committed.troubles])
        if committed:
            row = self._write.execute("INSERT INTO journal (changes) VALUES (?)", (_written(committed),)).lastrowid
            self._write.execute("DELETE FROM journal WHERE seq <= ?", ((row or 0) - self._kept,))

    def news(self) -> list[Committed] | None:
        """What was changed, by whatever process, since this was asked last, in order.

        ``None``: it is not known any more, and everything is to be counted anew.
        """
        rows = (
            self._reading()
            .execute("SELECT seq, changes FROM journal WHERE seq > ? ORDER BY seq", (self._last,))
            .fetchall()
        )
        if not rows:
            return []
        if rows[0][0] != self._last + 1:
            return None
        self._last = rows[-1][0]
        return [_read(changes) for _, changes in rows]

    def troubles(self) -> list[str]:
        """What is wrong with the folders, by the process that scans them."""
        return [row[0] for row in self._reading().execute("SELECT sentence FROM troubles ORDER BY sentence")]

    def _reading(self) -> sqlite3.Connection:
        if self._read is None:
            raise sqlite3.ProgrammingError("the catalog is not open")
        return self._read


def why_not_shared(folders: Iterable[str]) -> str | None:
    """Why none of these folders can hold a catalog that several processes open; ``None`` when one can.  Blocking."""
    reasons = []
    for folder in folders:
        try:
            os.makedirs(folder, mode=0o755, exist_ok=True)
            os.close(locked(os.path.join(folder, LOCK)))
        except OSError as problem:
            reasons.append(f"{folder}: {problem}")
        else:
            return None
    return "; ".join(reasons)


def _written(committed: Committed) -> str:
    rows = {project: more for project, more in committed.rows.items() if more}
    changes = (committed.files, committed.unread, rows, [*committed.changed], [*committed.records])
    return json.dumps(changes, separators=(",", ":"))


def _read(changes: str) -> Committed:
    files, unread, rows, changed, records = json.loads(changes)
    return Committed(
        rows=Counter({ProjectName(project): more for project, more in rows.items()}),
        files=files,
        changed={ProjectName(each) for each in changed},
        unread=unread,
        records={ProjectName(each) for each in records},
    )
