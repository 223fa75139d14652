"""Where the index asks, and is made to wait until what it asks for is known."""

from __future__ import annotations

from collections.abc import Callable

from twisted_pypi.boundaries import Addition, KnownFile
from twisted_pypi.catalog import Catalog, Place, Writer
from twisted_pypi.distributions import ProjectName, parse_filename
from twisted_pypi.errors import BadFilename, TwistedPyPIError, Unreadable
from twisted_pypi.storage.absence import remember_folders
from twisted_pypi.storage.examining import Examiner
from twisted_pypi.storage.gate import Gate
from twisted_pypi.storage.ledger import Ledger
from twisted_pypi.storage.readers import Readers
from twisted_pypi.storage.reading import Job
from twisted_pypi.storage.threads import Threads
from twisted_pypi.storage.tree import Tree

_MOST_TRIES = 3
_LAST_CHARACTER = chr(0x10FFFF)


class Enquiries:
    """What is asked of the files; belongs to the reactor thread.

    Everything here raises ``Busy`` once the server stops, and ``Unreadable``
    when there is no catalog to ask.
    """

    def __init__(
        self, catalog: Catalog, *, tree: Tree, ledger: Ledger, examiner: Examiner, readers: Readers, threads: Threads
    ) -> None:
        self._catalog = catalog
        self._tree = tree
        self._ledger = ledger
        self._examiner = examiner
        self._readers = readers
        self._threads = threads
        self._opened = Gate()
        self._named = Gate()

    async def opened(self) -> None:
        """Return when what was known from before can be read."""
        await self._opened.passed()

    async def named(self) -> None:
        """Return when all names of all roots were read once."""
        await self._named.passed()

    async def all_read(self) -> None:
        """Return when every file that was seen is known, as far as it can be."""
        await self._named.passed()
        await self._readers.idle()

    async def settled(self, project: ProjectName) -> None:
        """Return when every file that there is of a project is known.

        What is known from before counts at once.  Before a project is found
        missing, or to have new files, all names are read.
        """
        await self._opened.passed()
        if project not in self._catalog.projects or self._catalog.read.unread(project):
            await self._named.passed()
        for _ in range(_MOST_TRIES):
            places = self._catalog.read.unread(project) or self._perhaps(project)
            if not places:
                return
            await self._readers.read_first([Job(place) for place in places])
        raise Unreadable(f"the files of {project} cannot be read at the moment; ask again")

    async def look_again(self, place: Place) -> None:
        """Bring what is known of one file up to date."""
        jobs = await self._threads.run(self._examiner.again, place)
        if jobs:
            await self._readers.read_first(jobs)

    async def remember(self, known: KnownFile, metadata: bytes | None) -> None:
        """A file was published, and this is known of it."""
        await self._opened.passed()
        await self._threads.run(self._remember, Addition(known, metadata))

    async def publish(self, publish: Callable[[], Addition]) -> KnownFile:
        """Call ``publish`` in a thread, and remember what is known of the file."""
        await self._opened.passed()
        return await self._threads.run(self._publish, publish)

    async def forget(self, place: Place) -> None:
        """A file was removed."""
        await self._opened.passed()
        await self._threads.run(self._ledger.write, lambda writer: writer.remove(place))

    async def touched(self, names: frozenset[ProjectName]) -> None:
        """Tell whoever listens, in other processes too, that the pages of these projects are others now."""
        await self._opened.passed()
        await self._threads.run(self._ledger.write, lambda writer: writer.touched(names))

    @property
    def all_named(self) -> bool:
        """Were all names of all roots read once?"""
        return self._named.is_open

    def open(self) -> None:
        """The catalog is open."""
        self._opened.open()

    def name(self) -> None:
        """All names were read."""
        self._named.open()

    def send_away(self, reason: TwistedPyPIError) -> None:
        """The names could not be read this time; whoever waits for them is told the reason."""
        self._named.send_away(reason)

    def fail(self, reason: TwistedPyPIError) -> None:
        """Nothing will be known any more; whoever waits is told the reason."""
        self._opened.fail(reason)
        self._named.fail(reason)
        self._readers.stop(reason)

    def _publish(self, publish: Callable[[], Addition]) -> KnownFile:
        added = publish()
        self._remember(added)
        return added.known

    def _remember(self, added: Addition) -> None:
        known = added.known

        def put(writer: Writer) -> None:
            writer.put(known, added.metadata, uploaded_is_certain=True, sidecar_mtime_ns=added.sidecar_mtime_ns)
            remember_folders(writer, self._tree, known.root, Place.of(known).folder)

        self._ledger.write(put)

    def _perhaps(self, project: ProjectName) -> list[Place]:
        """Files to be read whose old names may be split so that they are of this project, too."""
        if project in self._catalog.projects:
            return []
        read, parts = self._catalog.read, project.split("-")
        shorter = [ProjectName("-".join(parts[:length])) for length in range(1, len(parts))]
        places = [place for each in shorter for place in read.unread(each)]
        places += read.unread_between(f"{project}-", f"{project}-{_LAST_CHARACTER}")
        return [place for place in places if _could_be(place.filename, project)]


def _could_be(filename: str, project: ProjectName) -> bool:
    try:
        return parse_filename(filename, project=project).project == project
    except BadFilename:
        return False
