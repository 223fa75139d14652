"""What one transaction writes into the catalog, and what that changes for whoever reads it."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Collection, Sequence
from typing import Any

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.catalog.reads import Reader
from twisted_pypi.catalog.rows import recall_text
from twisted_pypi.catalog.values import (
    Committed,
    Double,
    Gone,
    Identity,
    Place,
    State,
    bounds_below,
    preference,
    split_folder,
)
from twisted_pypi.distributions import Distribution, ProjectName
from twisted_pypi.sidecars import Sidecar
from twisted_pypi.upstream_facts import recall_in

_LISTED = {int(State.LISTED), int(State.RECHECK)}
_TO_READ = {State.UNKNOWN, State.RECHECK}


class Writer:
    """One transaction: blocking, in any thread but the reactor's, by one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, ids: Sequence[int]) -> None:
        """``ids`` has the database's number of each root, in order."""
        self._connection = connection
        self._ids = ids
        self._numbers = {number: at for at, number in enumerate(ids)}
        self.read = Reader(connection, ids)
        """Questions that see what this transaction wrote so far."""
        self.committed = Committed()
        """What this transaction changes."""

    def seen(self, place: Place, distribution: Distribution) -> None:
        """A file was seen by name; its facts are to be read.  One that was seen before stays as it is."""
        added = self._connection.execute(
            "INSERT OR IGNORE INTO files (root, folder, filename, state, project, version, kind)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*self._key(place), State.UNKNOWN, distribution.project, distribution.version, distribution.kind),
        ).rowcount
        if added == 1:
            self.committed.rows[distribution.project] += 1
            self.committed.changed.add(distribution.project)
            self.committed.unread = True

    def put(
        self,
        known: KnownFile,
        metadata: bytes | None,
        *,
        uploaded_is_certain: bool = False,
        sidecar_mtime_ns: int | None = None,
    ) -> None:
        """The facts of a file hold from now on.

        The same bytes under the same name keep the upload time that they had
        first, wherever they lie, unless the one in ``known`` is certain.
        ``sidecar_mtime_ns`` is of the sidecar that was read for it.
        """
        place, sha256 = Place.of(known), bytes.fromhex(known.sha256)
        uploaded_ns = self._upload_time(known.filename, sha256, known.uploaded_ns, certain=uploaded_is_certain)
        facts = (
            known.project, known.distribution.version, known.distribution.kind, known.size, known.mtime_ns, known.inode,
            sha256, uploaded_ns, known.requires_python,
            None if known.metadata_sha256 is None else bytes.fromhex(known.metadata_sha256), int(known.signed),
            known.yanked, int(known.attested), known.source, recall_text(known.recall),
        )  # fmt: skip
        rows = self._named(known.filename)
        old = rows.pop(place, None)
        self._connection.execute(
            "INSERT OR REPLACE INTO files (root, folder, filename, state, project, version, kind, size, mtime_ns, inode,"
            " sha256, uploaded_ns, requires_python, metadata_sha256, signed, yanked, attested, source,"
            " recall, sidecar_mtime_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*self._key(place), State.LISTED, *facts, sidecar_mtime_ns),
        )
        if metadata is not None:
            self._connection.execute(
                "INSERT OR REPLACE INTO metadata (sha256, body) VALUES (?, ?)", (sha256, zlib.compress(metadata, 3))
            )
        elsewhere = [each for each, (state, _, _) in rows.items() if state in _LISTED]
        self._count(old, known.project, others=bool(elsewhere))
        # The modification time and the inode are on no page.
        if old is None or old[0] not in _LISTED or _visible(old[2]) != _visible(facts):
            self.committed.changed.add(known.project)
            if old is not None:
                self.committed.changed.add(ProjectName(old[1]))
        if old is None or old[0] not in _LISTED:
            for each in elsewhere:
                self.committed.doubles.append(Double(*sorted((place, each), key=preference)))

    def set_state(self, place: Place, state: State) -> None:
        """The facts of a file, if it was seen, are worth this from now on."""
        rows = self._named(place.filename)
        old = rows.pop(place, None)
        if old is None or old[0] == state:
            return
        self._connection.execute(
            "UPDATE files SET state = ? WHERE root = ? AND folder = ? AND filename = ?", (state, *self._key(place))
        )
        self.committed.unread |= state in _TO_READ
        if (old[0] in _LISTED) != state.listed:
            self.committed.changed.add(ProjectName(old[1]))
            if not any(each[0] in _LISTED for each in rows.values()):
                self.committed.files += 1 if state.listed else -1

    def set_inode(self, place: Place, inode: int) -> None:
        """The inode of a file is another, and its bytes were found to be the same."""
        self._connection.execute(
            "UPDATE files SET inode = ?, state = ? WHERE root = ? AND folder = ? AND filename = ?",
            (inode, State.LISTED, *self._key(place)),
        )

    def set_signed(self, place: Place, *, signed: bool) -> None:
        """A signature appeared or disappeared beside a file."""
        changed = self._connection.execute(
            "UPDATE files SET signed = ? WHERE root = ? AND folder = ? AND filename = ? AND signed != ?",
            (int(signed), *self._key(place), int(signed)),
        ).rowcount
        if changed:
            self.committed.changed.add(ProjectName(self._named(place.filename)[place][1]))

    def set_sidecar(self, place: Place, sidecar: Sidecar | None, mtime_ns: int | None) -> None:
        """The sidecar beside a file says this now, and was changed last then; it counts only if it is of these bytes."""
        known = self.read.known(place)
        if known is None:
            return
        if sidecar is None or sidecar.sha256 != known.sha256:
            sidecar = Sidecar(known.sha256)
        uploaded_ns = known.uploaded_ns
        if sidecar.uploaded_ns is not None:
            uploaded_ns = self._upload_time(
                known.filename, bytes.fromhex(known.sha256), sidecar.uploaded_ns, certain=True
            )
        recall = recall_in(sidecar)
        said = (sidecar.yanked, bool(sidecar.attestations), uploaded_ns, sidecar.source)
        self._connection.execute(
            "UPDATE files SET yanked = ?, attested = ?, uploaded_ns = ?, source = ?, recall = ?, sidecar_mtime_ns = ?"
            " WHERE root = ? AND folder = ? AND filename = ?",
            (*said, recall_text(recall), mtime_ns, *self._key(place)),
        )
        if (*said, recall) != (known.yanked, known.attested, known.uploaded_ns, known.source, known.recall):
            self.committed.changed.add(known.project)

    def remove(self, place: Place) -> None:
        """A file is not there any more."""
        rows = self._named(place.filename)
        old = rows.pop(place, None)
        if old is None:
            return
        self._connection.execute("DELETE FROM files WHERE root = ? AND folder = ? AND filename = ?", self._key(place))
        self.committed.rows[ProjectName(old[1])] -= 1
        self.committed.changed.add(ProjectName(old[1]))
        if old[0] in _LISTED and not any(each[0] in _LISTED for each in rows.values()):
            self.committed.files -= 1
        project, version, sha256 = old[2][0], old[2][1], old[2][6]
        if sha256 is not None and not rows:
            self.committed.gone.append(Gone(ProjectName(project), version, place.filename, sha256.hex()))

    def remove_below(self, root: int, folder: str) -> None:
        """A folder is not there any more, nor what was in it."""
        for place in self.read.below(root, folder):
            self.remove(place)
        number = self._ids[root]
        parent, name = split_folder(folder)
        self._connection.execute(
            "DELETE FROM folders WHERE root = ? AND (parent = ? AND name = ? OR parent = ? OR parent > ? AND parent < ?)",
            (number, parent, name, folder, *bounds_below(folder)),
        )

    def remember_folder(self, root: int, folder: str, identity: Identity) -> None:
        """Files were seen in this folder, or below it, and this is which folder it is."""
        if self.read.identity(root, folder) == identity:
            return  # as for nearly every upload: a page less to be written
        self._connection.execute(
            "INSERT OR REPLACE INTO folders (root, parent, name, device, inode) VALUES (?, ?, ?, ?, ?)",
            (self._ids[root], *split_folder(folder), *identity),
        )

    def records(self, names: Collection[ProjectName]) -> None:
        """The records of these projects are others now: for the other processes."""
        self.committed.records.update(names)

    def touched(self, names: Collection[ProjectName]) -> None:
        """The pages of these projects are others now, for a reason that is not in the catalog."""
        self.committed.changed.update(names)

    def troubles(self, sentences: Sequence[str]) -> None:
        """Write down, for the other processes, what is wrong with the folders now."""
        self.committed.troubles = list(sentences)

    def prune(self) -> None:
        """Forget the metadata of files that are nowhere any more; their upload times stay, should they come back."""
        self._connection.execute(
            "DELETE FROM metadata WHERE sha256 NOT IN (SELECT sha256 FROM files WHERE sha256 NOT NULL)"
        )

    def _upload_time(self, filename: str, sha256: bytes, proposed: int, *, certain: bool) -> int:
        if not certain:
            row = self._connection.execute(
                "SELECT uploaded_ns FROM first_seen WHERE filename = ? AND sha256 = ?", (filename, sha256)
            ).fetchone()
            if row is not None:
                return int(row[0])
        self._connection.execute("INSERT OR REPLACE INTO first_seen VALUES (?, ?, ?)", (filename, sha256, proposed))
        return proposed

    def _named(self, filename: str) -> dict[Place, tuple[int, str, tuple[Any, ...]]]:
        """State, project and facts of every file of a name, by where it is."""
        rows = self._connection.execute(
            "SELECT root, folder, state, project, version, kind, size, mtime_ns, inode, sha256, uploaded_ns,"
            " requires_python, metadata_sha256, signed, yanked, attested, source, recall FROM files WHERE filename = ?",
            (filename,),
        ).fetchall()
        return {
            Place(self._numbers[row[0]], row[1], filename): (row[2], row[3], row[3:])
            for row in rows
            if row[0] in self._numbers
        }

    def _count(self, old: tuple[int, str, tuple[Any, ...]] | None, project: ProjectName, *, others: bool) -> None:
        if old is None or old[1] != project:
            self.committed.rows[project] += 1
            if old is not None:
                self.committed.rows[ProjectName(old[1])] -= 1
        if not others and (old is None or old[0] not in _LISTED):
            self.committed.files += 1

    def _key(self, place: Place) -> tuple[int, str, str]:
        return self._ids[place.root], place.folder, place.filename


def _visible(facts: tuple[Any, ...]) -> tuple[Any, ...]:
    return facts[:4] + facts[6:]
