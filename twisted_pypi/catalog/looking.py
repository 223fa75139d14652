"""A look into the catalog from outside, while its server runs or not; nothing that is in it is changed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from urllib.parse import quote

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.catalog.location import FILENAME
from twisted_pypi.catalog.reads import Reader
from twisted_pypi.catalog.rows import FACTS, known_file
from twisted_pypi.catalog.schema import VERSION
from twisted_pypi.catalog.values import Place, State
from twisted_pypi.errors import Unreadable

_PAGE = 500
_NO_ROOT = -1
"""The number of a root that the catalog does not know; no row has it."""


class CatalogView:
    """What a catalog says now, asked for a few rows at a time, so that its server is never kept from tidying up."""

    def __init__(self, connection: sqlite3.Connection, roots: Sequence[str]) -> None:
        """``roots`` are absolute paths, whatever their order was for the server."""
        numbers = dict(connection.execute("SELECT path, id FROM roots").fetchall())
        self._ids = [numbers.get(root, _NO_ROOT) for root in roots]
        self._connection = connection
        self._reader = Reader(connection, self._ids)

    def known(self, place: Place) -> KnownFile | None:
        """The facts of the listed file at a place, if there is one."""
        return self._reader.known(place)

    def listed(self, root: int) -> Iterator[KnownFile]:
        """The facts of every listed file of a root, in the order of folders and names."""
        folder, filename = "", ""
        while True:
            rows = self._connection.execute(
                f"SELECT {FACTS} FROM files WHERE root = ? AND (folder, filename) > (?, ?) AND state IN (?, ?)"  # noqa: S608  # only a constant of ours is put into it
                " ORDER BY folder, filename LIMIT ?",
                (self._ids[root], folder, filename, State.LISTED, State.RECHECK, _PAGE),
            ).fetchall()
            for row in rows:
                yield known_file(root, row)
            if len(rows) < _PAGE:
                return
            folder, filename = rows[-1][1:3]


@contextmanager
def looking_into(folder: str, roots: Sequence[str]) -> Iterator[CatalogView]:
    """Open the catalog in a folder, for reading.

    Raises ``Unreadable`` when there is none, or none that this program can read.
    """
    path = os.path.join(folder, FILENAME)
    try:
        connection = _opened(path)
    except sqlite3.Error as problem:
        raise Unreadable(f"{path} cannot be read ({problem})") from problem
    with closing(connection):
        yield CatalogView(connection, roots)


def _opened(path: str) -> sqlite3.Connection:
    name = f"file:{quote(path)}?mode=ro"
    try:
        return _checked(name)
    except sqlite3.OperationalError:
        # On a disk that takes nothing, SQLite cannot make what it shares with a server; and then there is none.
        if os.path.exists(f"{path}-wal"):
            raise
        return _checked(f"{name}&immutable=1")


def _checked(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, uri=True, isolation_level=None)
    try:
        problem = _problem(connection)
    except BaseException:
        connection.close()
        raise
    if problem is not None:
        connection.close()
        raise sqlite3.DatabaseError(problem)
    return connection


def _problem(connection: sqlite3.Connection) -> str | None:
    connection.execute("PRAGMA busy_timeout = 10000")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        return f"it has the layout {version}, and {VERSION} was expected"
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    return None if found == "ok" else f"it is damaged: {found}"
