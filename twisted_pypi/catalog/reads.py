"""What is asked of the catalog."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.catalog.rows import COMPARED, FACTS, KINDS, SOURCES, known_file, remembered
from twisted_pypi.catalog.values import Identity, Place, Remembered, State, bounds_below, preference, split_folder
from twisted_pypi.distributions import Distribution, ProjectName
from twisted_pypi.sidecars import Source

_LISTED = f"state IN ({State.LISTED:d}, {State.RECHECK:d})"
_PAGE = 500


class Reader:
    """Questions over one connection, to be asked by one thread at a time.

    Every answer is of committed rows.  A question about one project takes 0.3
    ms for 100 files, little enough for the reactor thread.
    """

    def __init__(self, connection: sqlite3.Connection, ids: Sequence[int]) -> None:
        """``ids`` has the database's number of each root, in order."""
        self._connection = connection
        self._ids = tuple(ids)
        self._roots = {number: at for at, number in enumerate(self._ids)}

    def files_of(self, project: ProjectName) -> list[KnownFile]:
        """The listed files of a project, one a file name."""
        rows = self._connection.execute(
            f"SELECT {FACTS} FROM files WHERE project = ? AND {_LISTED}",
            (project,),
        ).fetchall()
        return list(_one_a_name(self._known(rows)))

    def distributions(self, project: ProjectName) -> list[Distribution]:
        """What the names of a project's listed files say; one that is in two places comes twice."""
        rows = self._connection.execute(
            f"SELECT root, filename, version, kind FROM files WHERE project = ? AND {_LISTED}",
            (project,),
        ).fetchall()
        roots = self._roots
        return [
            Distribution(filename, project, version, KINDS[kind])
            for root, filename, version, kind in rows
            if root in roots
        ]

    def unread(self, project: ProjectName) -> list[Place]:
        """The files of a project whose facts are to be read before there is a whole page."""
        rows = self._connection.execute(
            "SELECT root, folder, filename FROM files WHERE project = ? AND state = ?", (project, State.UNKNOWN)
        ).fetchall()
        return self._places(rows)

    def unread_between(self, first: str, last: str) -> list[Place]:
        """The files to be read of all projects whose names sort from ``first`` to ``last``."""
        rows = self._connection.execute(
            "SELECT root, folder, filename FROM files WHERE project BETWEEN ? AND ? AND state = ?",
            (first, last, State.UNKNOWN),
        ).fetchall()
        return self._places(rows)

    def states(self, project: ProjectName) -> list[tuple[Place, State]]:
        """Every file that was seen of a project, in whatever state."""
        rows = self._connection.execute(
            "SELECT root, folder, filename, state FROM files WHERE project = ?", (project,)
        ).fetchall()
        return [(place, State(row[3])) for row in rows for place in self._places([row[:3]])]

    def state(self, place: Place) -> State | None:
        """The state of one file; ``None`` when it was never seen."""
        row = self._connection.execute(
            "SELECT state FROM files WHERE root = ? AND folder = ? AND filename = ?", self._key(place)
        ).fetchone()
        return None if row is None else State(row[0])

    def known(self, place: Place) -> KnownFile | None:
        """The listed file at a place."""
        rows = self._connection.execute(
            f"SELECT {FACTS} FROM files WHERE root = ? AND folder = ? AND filename = ? AND {_LISTED}",
            self._key(place),
        ).fetchall()
        return next(self._known(rows), None)

    def holding(self, filename: str) -> KnownFile | None:
        """The listed file of that name, wherever it lies."""
        rows = self._connection.execute(
            f"SELECT {FACTS} FROM files WHERE filename = ? AND {_LISTED}",
            (filename,),
        ).fetchall()
        return min(self._known(rows), key=lambda known: preference(Place.of(known)), default=None)

    def all_files(self) -> Iterator[KnownFile]:
        """Every listed file, one a file name, sorted by file name; a few hundred at a time are in memory."""
        after = ""
        while True:
            names = self._connection.execute(
                "SELECT DISTINCT filename FROM files WHERE filename > ? ORDER BY filename LIMIT ?", (after, _PAGE)
            ).fetchall()
            if not names:
                return
            rows = self._connection.execute(
                f"SELECT {FACTS} FROM files WHERE filename > ? AND filename <= ? AND {_LISTED} ORDER BY filename",
                (after, names[-1][0]),
            ).fetchall()
            after = names[-1][0]
            yield from _one_a_name(self._known(rows))

    def metadata(self, sha256: str) -> bytes | None:
        """The core metadata of the file with that digest."""
        row = self._connection.execute(
            "SELECT body FROM metadata WHERE sha256 = ?", (bytes.fromhex(sha256),)
        ).fetchone()
        return None if row is None else zlib.decompress(row[0])

    def projects(self) -> dict[ProjectName, int]:
        """How many files were seen of each project."""
        rows = self._connection.execute(
            f"SELECT project, count(*) FROM files WHERE root IN ({self._marks()}) GROUP BY project",
            self._ids,
        ).fetchall()
        return {ProjectName(project): files for project, files in rows}

    def sources(self) -> dict[ProjectName, frozenset[Source | None]]:
        """How the listed files of each project came here.  Takes a while: not for the reactor thread."""
        rows = self._connection.execute(
            f"SELECT DISTINCT project, source FROM files WHERE root IN ({self._marks()}) AND {_LISTED}",
            self._ids,
        )
        found: dict[ProjectName, frozenset[Source | None]] = {}
        for project, source in rows:
            found[project] = found.get(project, frozenset()) | {None if source is None else SOURCES[source]}
        return found

    def recalled(self) -> list[KnownFile]:
        """The listed files that the index they were fetched from did something to, by file name."""
        rows = self._connection.execute(
            f"SELECT {FACTS} FROM files WHERE recall IS NOT NULL AND {_LISTED} ORDER BY filename",
        ).fetchall()
        return list(_one_a_name(self._known(rows)))

    def count_filenames(self) -> int:
        """How many file names are listed."""
        row = self._connection.execute(
            f"SELECT count(DISTINCT filename) FROM files WHERE root IN ({self._marks()}) AND {_LISTED}",
            self._ids,
        ).fetchone()
        return int(row[0])

    def size(self) -> int:
        """Bytes of all listed files.  Takes a while: not for the reactor thread."""
        row = self._connection.execute(
            f"SELECT coalesce(sum(size), 0) FROM files WHERE root IN ({self._marks()}) AND {_LISTED}",
            self._ids,
        ).fetchone()
        return int(row[0])

    def to_read(self, state: State, after: Place | None, limit: int) -> list[Place]:
        """The next files of a state, in the order of their places."""
        found: list[Place] = []
        for at in range(after.root if after else 0, len(self._ids)):
            folder, filename = (after.folder, after.filename) if after and after.root == at else ("", "")
            rows = self._connection.execute(
                "SELECT folder, filename FROM files INDEXED BY files_to_read"
                " WHERE state = ? AND state IN (1, 2) AND root = ? AND (folder, filename) > (?, ?)"
                " ORDER BY folder, filename LIMIT ?",
                (state, self._ids[at], folder, filename, limit - len(found)),
            ).fetchall()
            found += [Place(at, *row) for row in rows]
            if len(found) >= limit:
                break
        return found

    def in_folder(self, root: int, folder: str) -> Iterator[Remembered]:
        """The files of one folder, without its sub-folders, sorted by file name."""
        rows = self._connection.execute(
            f"SELECT {COMPARED} FROM files WHERE root = ? AND folder = ? ORDER BY filename",
            (self._ids[root], folder),
        )
        return (remembered(row) for row in rows)

    def remembered(self, place: Place) -> Remembered | None:
        """What a scan compares one file with."""
        row = self._connection.execute(
            f"SELECT {COMPARED} FROM files WHERE root = ? AND folder = ? AND filename = ?",
            self._key(place),
        ).fetchone()
        return None if row is None else remembered(row)

    def below(self, root: int, folder: str) -> list[Place]:
        """Every file of a folder and its sub-folders."""
        number = self._ids[root]
        rows = self._connection.execute(
            "SELECT root, folder, filename FROM files WHERE root = ? AND folder = ?"
            " UNION ALL SELECT root, folder, filename FROM files WHERE root = ? AND folder > ? AND folder < ?",
            (number, folder, number, *bounds_below(folder)),
        ).fetchall()
        return self._places(rows)

    def folders_in(self, root: int, parent: str) -> dict[str, Identity]:
        """The sub-folders of a folder in which, or below which, files were seen."""
        rows = self._connection.execute(
            "SELECT name, device, inode FROM folders WHERE root = ? AND parent = ?", (self._ids[root], parent)
        ).fetchall()
        return {name: Identity(device, inode) for name, device, inode in rows}

    def identity(self, root: int, folder: str) -> Identity | None:
        """Which folder it was when files were seen there last."""
        row = self._connection.execute(
            "SELECT device, inode FROM folders WHERE root = ? AND parent = ? AND name = ?",
            (self._ids[root], *split_folder(folder)),
        ).fetchone()
        return None if row is None else Identity(*row)

    def _key(self, place: Place) -> tuple[int, str, str]:
        return self._ids[place.root], place.folder, place.filename

    def _marks(self) -> str:
        return ", ".join("?" * len(self._ids))

    def _places(self, rows: list[tuple[Any, ...]]) -> list[Place]:
        roots = self._roots
        return [Place(roots[number], folder, filename) for number, folder, filename in rows if number in roots]

    def _known(self, rows: list[tuple[Any, ...]]) -> Iterator[KnownFile]:
        return (known_file(self._roots[row[0]], row) for row in rows if row[0] in self._roots)


def _one_a_name(files: Iterable[KnownFile]) -> Iterable[KnownFile]:
    best: dict[str, KnownFile] = {}
    for known in files:
        other = best.get(known.filename)
        if other is None or preference(Place.of(known)) < preference(Place.of(other)):
            best[known.filename] = known
    return best.values()
