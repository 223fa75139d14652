"""The service of a process that serves the same folders as another one, which scans them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.logger import Logger

from twisted_pypi.catalog import Catalog, Gone
from twisted_pypi.catalog.journal import Journal
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import Busy, Unreadable
from twisted_pypi.storage.following import Following
from twisted_pypi.storage.parts import make_parts
from twisted_pypi.storage.project_marks import ProjectMarks
from twisted_pypi.storage.remarks import never_read


class Follower(Service):
    """Keeps the catalog open, and reads the files that somebody waits for; all the others are read elsewhere.

    It must be started after the other process has read all names once, so
    nothing that is not in the catalog is here.
    """

    log = Logger()

    def __init__(
        self,
        reactor: IReactorFromThreads,
        clock: IReactorTime,
        catalog: Catalog,
        publish: Callable[[frozenset[ProjectName]], None],
        *,
        journal: Journal,
        following: Following,
        marks: ProjectMarks,
        follow_links: bool = False,
        readers: int = 2,
    ) -> None:
        """``publish`` is told, in the reactor thread, which projects changed; ``readers`` files are read at a time."""
        self._parts = make_parts(
            reactor,
            clock,
            catalog,
            publish,
            lambda: None,
            follow_links=follow_links,
            readers=readers,
            marks=marks,
            following=following,
        )
        self._catalog = catalog
        self._journal = journal
        self._following = following
        self._marks = marks
        self._begun: Deferred[None] | None = None
        self.enquiries = self._parts.enquiries
        """What the index asks."""

    def startService(self) -> None:
        """Open the catalog."""
        super().startService()
        self._parts.threads.start()
        self._begun = Deferred.fromCoroutine(self._begin())

    def stopService(self) -> Deferred[None]:
        """End every thread, and close the catalog."""
        super().stopService()
        return Deferred.fromCoroutine(self._end())

    def troubles(self) -> list[str]:
        """One sentence for each folder that cannot be read at the moment."""
        try:
            return self._journal.troubles()
        except sqlite3.Error:  # it is not open, or out of reach, as whoever asks for a file is told
            return []

    def tell_of_gone(self, tell: Callable[[Sequence[Gone]], None]) -> None:
        """Have ``tell`` called, in the reactor thread, with files that are found to be gone."""
        self._parts.tools.ledger.tell_of_gone = tell

    def never_read(self) -> str | None:
        """Why there may be projects that nobody knows of: a folder that could not be read ever; ``None``: there are none."""
        return never_read(self.troubles())

    async def _begin(self) -> None:
        threads = self._parts.threads
        try:
            self._following.opening()
            self._catalog.projects, self._catalog.files = await threads.run(self._catalog.open)
        except Exception as problem:  # noqa: BLE001  # whoever asks is told, and the log
            self.log.failure("the catalog could not be opened")
            self.enquiries.fail(Unreadable(f"the catalog could not be opened ({problem})"))
            return
        self._marks.expect(self._catalog.read.identity(0, "") if self._catalog.files else None)
        await threads.run(self._marks.reload)
        self._following.start(self._parts.tools.ledger, self._marks)
        self.enquiries.open()
        self.enquiries.name()

    async def _end(self) -> None:
        self._parts.tools.stopping.set()
        self.enquiries.fail(Busy("the server is stopping; ask again in a moment", 1))
        if self._begun is not None:
            await self._begun
        await self._parts.threads.stop()
        self._following.stop()
        self._catalog.close()
