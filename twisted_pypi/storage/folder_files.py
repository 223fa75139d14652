"""The files of one project, found by walking through the folders, for a command that runs beside the server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.catalog import Place, preference
from twisted_pypi.distributions import ProjectName, parse_filename
from twisted_pypi.errors import BadFilename, NoSuchProject, Unreadable
from twisted_pypi.sidecars import Sidecar, Source
from twisted_pypi.storage.beside import look_beside
from twisted_pypi.storage.reading import Facts, FileReader, Gone, Job
from twisted_pypi.storage.remarks import Remarks
from twisted_pypi.storage.tree import Tree
from twisted_pypi.upstream_facts import recall_in


class FolderFiles:
    """What is in the roots now.  Nothing is remembered; everything here blocks."""

    def __init__(self, roots: Sequence[str], *, follow_links: bool) -> None:
        """``roots`` are absolute paths."""
        self._tree = Tree(roots, follow_links=follow_links, remarks=Remarks())
        self._reader = FileReader(self._tree, time.time, threading.Event())

    async def files_of(self, name: ProjectName) -> list[KnownFile]:
        """Every file of a project, one a file name; its upload time is 0 where no sidecar says it.

        Raises ``NoSuchProject``, ``Unreadable``.
        """
        found: dict[str, KnownFile] = {}
        for place in sorted(self.places(name), key=preference):
            if place.filename not in found:
                known = self.known(place)
                if known is not None and known.project == name:
                    found[place.filename] = known
        if not found:
            raise NoSuchProject(f"there is no project {name} in {', '.join(self._tree.roots)}")
        return list(found.values())

    def sources(self) -> dict[ProjectName, frozenset[Source | None]]:
        """How the files of each project came here, by file names and sidecars alone: no package is opened.

        Raises ``Unreadable``.
        """
        found: dict[ProjectName, frozenset[Source | None]] = {}
        for place in self.places():
            with suppress(BadFilename):
                name = parse_filename(place.filename).project
                found[name] = found.get(name, frozenset()) | {self._source(place)}
        return found

    async def recalled(self) -> list[KnownFile]:
        """The files whose sidecars say that the index they were fetched from did something to them, by name.

        Raises ``Unreadable``.
        """
        marked = (place for place in self.places() if _has_recall(self.sidecar(place.root, place.path)))
        found = (self.known(place) for place in sorted(marked, key=lambda place: (place.filename, preference(place))))
        return [known for known in found if known is not None and known.recall is not None]

    def places(self, name: ProjectName | None = None) -> Iterator[Place]:
        """Where files are, folder by folder, with memory for one folder; of a project, those that could be its by name.

        Raises ``Unreadable``.
        """
        for place in self._walk():
            if name is None or _could_be(place.filename, name):
                yield place

    def known(self, place: Place) -> KnownFile | None:
        """What a file is, read as a whole; ``None`` when it is gone.  Raises ``Unreadable``."""
        match self._reader.read(Job(place, closed=True)):
            case Facts(known, _, certain):
                return known if certain else replace(known, uploaded_ns=0)
            case Gone():
                return None
            case _:
                raise Unreadable(f"{place.path} cannot be read, or is being written; try again in a moment")

    def sidecar(self, root: int, path: str) -> Sidecar | None:
        """What lies beside a file, of whatever bytes that speaks.  Raises ``Unreadable``."""
        try:
            return look_beside(self._tree.location(root, path)).sidecar
        except OSError as problem:
            raise Unreadable(f"what lies beside {path} cannot be read ({problem.strerror})") from problem

    async def metadata(self, known: KnownFile) -> bytes | None:
        """Nobody needs it here."""
        del known
        return None

    async def added(self, known: KnownFile, metadata: bytes | None) -> None:
        """Nobody is told: a server that is running finds it by itself."""

    def _walk(self) -> Iterator[Place]:
        for root, location in enumerate(self._tree.roots):
            folders = [""]
            while folders:
                folder = folders.pop()
                try:
                    listing = self._tree.listing(root, folder)
                except OSError as problem:
                    raise Unreadable(f"{location}/{folder} cannot be read ({problem.strerror})") from problem
                inside = f"{folder}/" if folder else ""
                folders += [inside + each for each in listing.folders]
                yield from (Place(root, folder, each) for each in sorted(listing.packages))

    def _source(self, place: Place) -> Source | None:
        sidecar = self.sidecar(place.root, place.path)
        return None if sidecar is None else sidecar.source


def _has_recall(sidecar: Sidecar | None) -> bool:
    return sidecar is not None and recall_in(sidecar) is not None


def _could_be(filename: str, name: ProjectName) -> bool:
    try:
        return parse_filename(filename, project=name).project == name
    except BadFilename:
        return False
