"""The tables of the catalog, and how their file is opened.

The database is a memory of the files that may be thrown away: one that is
damaged, or was written by another version, is removed and begun anew.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3

from twisted.logger import Logger

VERSION = 5
"""Counts up whenever the tables change; a file with another one is thrown away."""

_BUSY_MS = 10_000
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

# "folders.parent" of a root is "/", which no path below a root can be.
_TABLES = """
CREATE TABLE roots (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE folders (
    root INTEGER NOT NULL, parent TEXT NOT NULL, name TEXT NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,
    PRIMARY KEY (root, parent, name)
) WITHOUT ROWID;
CREATE TABLE files (
    root INTEGER NOT NULL, folder TEXT NOT NULL, filename TEXT NOT NULL, state INTEGER NOT NULL,
    project TEXT NOT NULL, version TEXT NOT NULL, kind TEXT NOT NULL,
    size INTEGER, mtime_ns INTEGER, inode INTEGER, sha256 BLOB, uploaded_ns INTEGER,
    requires_python TEXT, metadata_sha256 BLOB, signed INTEGER NOT NULL DEFAULT 0,
    yanked TEXT, attested INTEGER NOT NULL DEFAULT 0, source TEXT, recall TEXT,
    sidecar_mtime_ns INTEGER,
    PRIMARY KEY (root, folder, filename)
) WITHOUT ROWID;
CREATE INDEX files_by_project ON files (project, state);
CREATE INDEX files_by_filename ON files (filename);
CREATE INDEX files_recalled ON files (filename) WHERE recall IS NOT NULL;
CREATE INDEX files_to_read ON files (state) WHERE state IN (1, 2);
CREATE TABLE metadata (sha256 BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE first_seen (
    filename TEXT NOT NULL, sha256 BLOB NOT NULL, uploaded_ns INTEGER NOT NULL, PRIMARY KEY (filename, sha256)
) WITHOUT ROWID;
"""


class Unusable(Exception):
    """The database is damaged or of another version: it can only be thrown away."""


def connect(path: str) -> sqlite3.Connection:
    """A connection to a database that may be used in any one thread at a time; transactions are begun by hand."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=64)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    return connection


def open_database(path: str, log: Logger) -> sqlite3.Connection:
    """Open the database at ``path`` for writing, or begin it anew if it is of no use.

    Raises ``sqlite3.Error`` or ``OSError`` where nothing can be written.
    """
    try:
        return _opened(path)
    except Unusable as problem:
        log.warn(
            "the catalog {path} {problem}; it is begun anew, and every file is read again",
            path=path, problem=str(problem),
        )  # fmt: skip
    for each in (path, f"{path}-wal", f"{path}-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(each)
    return _opened(path)


def _opened(path: str) -> sqlite3.Connection:
    connection = connect(path)
    try:
        _prepare(connection)
    except sqlite3.DatabaseError as problem:
        connection.close()
        # The low byte is the primary code; the rest says more about it.
        if problem.sqlite_errorcode & 0xFF in _DAMAGED:
            raise Unusable("is damaged") from problem
        raise
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and version != VERSION:
        raise Unusable(f"has the layout {version}, and this is a server for layout {VERSION}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if not tables:
        connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
    elif (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise Unusable(f"is damaged ({found})")
