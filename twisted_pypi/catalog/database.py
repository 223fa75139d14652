"""The open catalog: one connection that writes, others that read."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from twisted.logger import Logger

from twisted_pypi.catalog.copying import copied_to_memory, takes_no_more
from twisted_pypi.catalog.opening import begin
from twisted_pypi.catalog.reads import Reader
from twisted_pypi.catalog.schema import connect
from twisted_pypi.catalog.values import Committed
from twisted_pypi.catalog.writes import Writer
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import Busy, Unreadable

if TYPE_CHECKING:
    from twisted_pypi.catalog.journal import Journal

T = TypeVar("T")


class Catalog:
    """The memory of the files below some roots.

    Nothing is opened before ``open``.  The names of the projects are the only
    thing of it that is held in memory.
    """

    log = Logger()

    def __init__(
        self,
        roots: Sequence[str],
        *,
        state_dir: str | None = None,
        cache_dir: str,
        journal: Journal | None = None,
        location: str | None = None,
    ) -> None:
        """``roots`` are absolute paths; ``cache_dir`` is where this host's user keeps caches.

        The catalog is in ``state_dir``, else in the first root, else (when
        that is read-only or on the network) below ``cache_dir``, else in memory.
        With a ``journal`` other processes may write to it too; ``location`` is
        where another process that has it open says that it is.
        """
        self.roots = tuple(roots)
        self.location = location
        """The file it is in, once it is open; ``None`` when it is only in memory."""
        self.journal = journal
        """What is changed by whom, where several processes write to it."""
        self.projects: dict[ProjectName, int] = {}
        """How many files were seen of each project; belongs to the reactor thread."""
        self.generation = 0
        """Another number whenever ``projects`` has other names; belongs to the reactor thread."""
        self.files = 0
        """How many file names are listed; belongs to the reactor thread."""
        self._state_dir = state_dir
        self._cache_dir = cache_dir
        self._writing = threading.Lock()
        self._lending = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._write: sqlite3.Connection | None = None
        self._read: Reader | None = None
        self._ids: tuple[int, ...] = ()
        self._open: list[sqlite3.Connection] = []
        self._lock: int | None = None

    def open(self) -> tuple[dict[ProjectName, int], int]:
        """Open it, or begin it; return what ``projects`` and ``files`` are to be.  Blocking."""
        connection = connect(self.location) if self.location is not None else self._begun()
        self._write = connection
        self._open = [connection]
        self._ids = _numbers(connection, self.roots)
        read = self._another()
        self._read = Reader(read, self._ids)
        if self.journal is not None:
            self.journal.open(connection, read)
        return self._counted()

    def count_anew(self) -> None:
        """Count everything again.  In the reactor thread; raises ``Busy``, ``sqlite3.Error``."""
        self.projects, self.files = self._counted()
        self.generation += 1

    def close(self) -> None:
        """Close every connection; nobody may be reading or writing.  Blocking."""
        for each in reversed(self._open):
            each.close()
        self._open, self._idle, self._write, self._read = [], [], None, None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def read(self) -> Reader:
        """Questions for the reactor thread.  Raises ``Busy`` while the catalog is not open."""
        if self._read is None:
            raise Busy("the index is not open; ask again in a moment", 1)
        return self._read

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reader]:
        """Questions for another thread.

        Connections are kept: a new one could not be opened while the folder of
        the catalog is out of reach.  Raises ``Unreadable`` when that happens.
        """
        with self._lending:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            try:
                connection = self._another()
            except sqlite3.Error as problem:
                raise Unreadable(f"the catalog cannot be read at the moment ({problem}); ask again") from problem
        try:
            yield Reader(connection, self._ids)
        finally:
            # One of a disk that was left in the meantime knows of nothing since; it is closed with all others.
            if connection is not self._write and self.location is not None:
                with self._lending:
                    self._idle.append(connection)

    def write(self, job: Callable[[Writer], T], committed: Callable[[Committed], None]) -> T:
        """Run ``job`` in a transaction and return what it returns.  Blocking, never in the reactor thread.

        ``committed`` is told, in this thread and before the next transaction,
        what changed.  When ``job`` raises, nothing of it stays.  It is run once
        more when the disk takes no more, and the catalog goes on in memory.
        """
        with self._writing:
            try:
                return self._transaction(job, committed)
            except sqlite3.Error as problem:
                if not takes_no_more(problem) or not self._go_on_in_memory(problem):
                    raise
                return self._transaction(job, committed)

    def _transaction(self, job: Callable[[Writer], T], committed: Callable[[Committed], None]) -> T:
        if self._write is None:
            raise Busy("the index is not open; ask again in a moment", 1)
        writer = Writer(self._write, self._ids)
        self._write.execute("BEGIN IMMEDIATE")
        try:
            answer = job(writer)
            if self.journal is not None:
                self.journal.append(writer.committed)
            self._write.execute("COMMIT")
        except BaseException:
            if self._write.in_transaction:
                self._write.execute("ROLLBACK")
            raise
        committed(writer.committed)
        return answer

    def _go_on_in_memory(self, problem: sqlite3.Error) -> bool:
        """Leave a disk that takes no more: a name that cannot be written down would be taken for nobody's.

        Other processes have the file open, too, so with a journal that is not possible.
        """
        if self._write is None or self.location is None or self.journal is not None:
            return False
        try:
            memory = copied_to_memory(self._write)
        except sqlite3.Error:
            return False
        with self._lending:
            self._idle.clear()
            path, self.location, self._write = self.location, None, memory
            self._open.append(memory)
        self._read = Reader(memory, self._ids)
        self.log.warn(
            "the catalog {path} cannot be written any more ({problem}), so it is kept in memory from here on, and the"
            " next start reads again what changes now; make room there, or name another folder with --state-dir",
            path=path, problem=str(problem),
        )  # fmt: skip
        return True

    def apply(self, committed: Committed) -> None:
        """Count what a transaction changed.  In the reactor thread."""
        self.files += committed.files
        for project, more in committed.rows.items():
            before = self.projects.get(project, 0)
            if before + more > 0:
                self.projects[project] = before + more
            else:
                self.projects.pop(project, None)
            self.generation += (before > 0) != (before + more > 0)

    def _counted(self) -> tuple[dict[ProjectName, int], int]:
        with contextlib.nullcontext() if self.journal is None else self.journal.from_now_on():
            return self.read.projects(), self.read.count_filenames()

    def _begun(self) -> sqlite3.Connection:
        connection, self.location, self._lock = begin(self.roots[0], self._state_dir, self._cache_dir, self.log)
        return connection

    def _another(self) -> sqlite3.Connection:
        if self._write is None:
            raise Busy("the index is not open; ask again in a moment", 1)
        if self.location is None:
            # A second connection would be a second memory.  SQLite itself takes turns between threads.
            return self._write
        connection = connect(self.location)
        self._open.append(connection)
        return connection


def _numbers(connection: sqlite3.Connection, roots: Sequence[str]) -> tuple[int, ...]:
    """The numbers of the roots in the database, whatever their order was when it was written."""
    connection.executemany("INSERT OR IGNORE INTO roots (path) VALUES (?)", [(root,) for root in roots])
    known = dict(connection.execute("SELECT path, id FROM roots"))
    return tuple(known[root] for root in roots)
