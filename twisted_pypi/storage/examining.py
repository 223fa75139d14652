"""What a hint of the watcher comes to: paths at which something may have changed."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from contextlib import suppress

from twisted_pypi.catalog import Place, Reader, Sighting, State, Writer
from twisted_pypi.distributions import is_package_name
from twisted_pypi.sidecars import sidecar_of
from twisted_pypi.storage.absence import removed_by_hand
from twisted_pypi.storage.beside import changed_at, look_beside
from twisted_pypi.storage.names import understand
from twisted_pypi.storage.reading import Job
from twisted_pypi.storage.remarks import Remark
from twisted_pypi.storage.scan import Scan, doubt
from twisted_pypi.storage.tools import Tools
from twisted_pypi.storage.tree import SIGNATURE


class Examiner:
    """Looks at single paths.  Blocking, in any thread."""

    def __init__(self, tools: Tools) -> None:
        """Nothing was looked at."""
        self._tools = tools

    def examine(self, hints: Mapping[str, bool]) -> list[Job]:
        """Look at absolute paths; return the files that are to be read now.

        Each hint says whether its file (or every file of its folder) is known to
        be whole: closed by its writer, or moved here.
        """
        jobs: list[Job] = []
        with self._tools.ledger.catalog.reading() as reader:
            for location, whole in hints.items():
                if self._tools.stopping.is_set():
                    break
                for root, path in self._tools.tree.below_roots(location):
                    try:
                        jobs += self._path(reader, root, path, whole=whole)
                    except UnicodeEncodeError:
                        sentence = f"{location!a} is left out: its path is not UTF-8; rename it"
                        self._tools.remarks.once(Remark.BAD_NAME, location, sentence)
        return jobs

    def again(self, place: Place) -> list[Job]:
        """Look at one file that seemed to be different from what is known of it."""
        with self._tools.ledger.catalog.reading() as reader:
            return self._path(reader, place.root, place.path, whole=False)

    def _path(self, reader: Reader, root: int, path: str, *, whole: bool) -> list[Job]:
        if "/." in f"/{path}":
            return self._hidden(reader, root, path)
        if path.endswith(SIGNATURE):
            path, whole = path.removesuffix(SIGNATURE), False
        try:
            found = self._tools.tree.status(root, path)
        except OSError:
            # The scan comes round to it, and says what is wrong.
            return []
        if found is None:
            self._missing(root, path)
            return []
        if stat.S_ISDIR(found.st_mode):
            return self._folder(reader, root, path, whole=whole)
        place = Place.at(root, path)
        if not is_package_name(place.filename):
            return []
        return self._file(reader, place, Sighting.of(found), whole=whole)

    def _file(self, reader: Reader, place: Place, sighting: Sighting, *, whole: bool) -> list[Job]:
        row = reader.remembered(place)
        if row is None:
            location = self._tools.tree.location(place.root, place.path)
            distribution = understand(place.filename, location, self._tools.remarks)
            if distribution is None:
                return []
            self._tools.ledger.write(lambda writer: writer.seen(place, distribution))
            return [Job(place, whole)]
        signed = self._tools.tree.is_signed(place)
        if row.signed != signed and row.state.listed:
            self._tools.ledger.write(lambda writer: writer.set_signed(place, signed=signed))
        state = doubt(row, sighting, inodes_count=self._tools.inodes.count(place.root))
        if state is not None:
            self._tools.ledger.write(lambda writer: writer.set_state(place, state))
        return [Job(place, whole)] if State.UNKNOWN in {state, row.state} else []

    def _hidden(self, reader: Reader, root: int, path: str) -> list[Job]:
        """A sidecar may say something else now: the package itself need not be read again for it."""
        folder, slash, name = path.rpartition("/")
        filename = sidecar_of(name)
        if filename is None or "/." in f"/{folder}":
            return []
        place = Place.at(root, folder + slash + filename)
        row = reader.remembered(place)
        if row is None:
            return []
        if not row.state.listed:
            # Perhaps it is being read right now, and what lay beside it was read already.
            return [Job(place)] if row.state is State.UNKNOWN else []
        location = self._tools.tree.location(place.root, place.path)
        with suppress(OSError):
            if row.sidecar_mtime_ns is not None and changed_at(location) == row.sidecar_mtime_ns:
                return []  # an upload of our own, for one
            found = look_beside(location)
            self._tools.ledger.write(lambda writer: writer.set_sidecar(place, *found))
        return []

    def _folder(self, reader: Reader, root: int, folder: str, *, whole: bool) -> list[Job]:
        self._scan(root, folder)
        if not whole:
            return []
        # What was moved here with its folder need not be watched for stillness.
        unread = (place for place in reader.below(root, folder) if reader.state(place) is State.UNKNOWN)
        return [Job(place, closed=True) for place in unread]

    def _missing(self, root: int, path: str) -> None:
        def forget(writer: Writer) -> bool:
            if self._is_back(root, path):
                return True
            if not removed_by_hand(writer, self._tools.tree, root, path):
                return False
            writer.remove(Place.at(root, path))
            writer.remove_below(root, path)
            return True

        if path and not self._tools.ledger.write(forget):
            self._scan(root, "")

    def _is_back(self, root: int, path: str) -> bool:
        try:
            return self._tools.tree.status(root, path) is not None
        except OSError:
            return True

    def _scan(self, root: int, folder: str) -> None:
        Scan(self._tools).run(root, folder)
