"""The service that keeps the catalog true: it opens it, walks through the roots, and watches them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_pypi.catalog import Catalog, Gone
from twisted_pypi.config import Watch
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import Busy, Unreadable
from twisted_pypi.storage.hints import Hints
from twisted_pypi.storage.names import NamesPass
from twisted_pypi.storage.parts import make_parts
from twisted_pypi.storage.project_marks import ProjectMarks
from twisted_pypi.storage.reading import Job
from twisted_pypi.storage.remarks import never_read
from twisted_pypi.storage.rounds import Rounds
from twisted_pypi.storage.scan import ScanSummary, scan_all
from twisted_pypi.storage.stopping import Stopping

if TYPE_CHECKING:
    from twisted_pypi.storage.following import Following
    from twisted_pypi.storage.watch import MakeWatcher, Watcher


class Scanner(Service):
    """Keeps what is remembered of the files in step with the files.

    While it runs, the catalog is open.
    """

    log = Logger()

    def __init__(
        self,
        reactor: IReactorFromThreads,
        clock: IReactorTime,
        catalog: Catalog,
        publish: Callable[[frozenset[ProjectName]], None],
        *,
        follow_links: bool = False,
        watch: Watch = Watch.AUTO,
        rescan: float = 60.0,
        readers: int = 2,
        marks: ProjectMarks | None = None,
        following: Following | None = None,
    ) -> None:
        """``publish`` is told, in the reactor thread, which projects changed; ``readers`` files are read at a time.

        ``clock`` says how long nothing happened to a file.  ``rescan`` is the
        pause between two full scans in seconds; 0: there is one, at the start.
        ``marks`` are kept in step as well, and are there before anything is
        answered.  ``following`` is there when other processes serve the same.
        """
        self.last: ScanSummary | None = None
        """What came of the last full scan."""
        self._reactor, self._clock = reactor, clock
        self._catalog = catalog
        parts = make_parts(
            reactor,
            clock,
            catalog,
            publish,
            self._unread,
            follow_links=follow_links,
            readers=readers,
            marks=marks,
            following=following,
        )
        self._threads = parts.threads
        self._tools = parts.tools
        self._readers = parts.readers
        self._examiner = parts.examiner
        self._following = following
        self._told: list[str] = []
        self._marks = marks
        self._hints = Hints(reactor, clock, self._look, self._scan_soon)
        self._rounds = Rounds(clock, self._round, None if rescan <= 0 or watch is Watch.OFF else rescan)
        self._make_watcher = self._load_watcher() if watch is Watch.AUTO else None
        self._watcher: Watcher | None = None
        self._begun: Deferred[None] | None = None
        self._scanned: list[Deferred[None]] = []
        self.enquiries = parts.enquiries
        """What the index asks."""

    def startService(self) -> None:
        """Open the catalog, and begin."""
        super().startService()
        self._threads.start()
        self._begun = Deferred.fromCoroutine(self._begin())

    def stopService(self) -> Deferred[None]:
        """End every thread, and close the catalog."""
        super().stopService()
        return Deferred.fromCoroutine(self._end())

    def troubles(self) -> list[str]:
        """One sentence for each folder that cannot be read at the moment."""
        return [*self._tools.troubles.sentences(), *([] if self._marks is None else self._marks.troubles())]

    def tell_of_gone(self, tell: Callable[[Sequence[Gone]], None]) -> None:
        """Have ``tell`` called, in the reactor thread, with files that are found to be gone."""
        self._tools.ledger.tell_of_gone = tell

    def never_read(self) -> str | None:
        """Why there may be projects that nobody knows of: a folder that could not be read ever; ``None``: there are none."""
        return never_read(self._tools.troubles.sentences())

    async def rescan(self) -> None:
        """Walk through everything now; return when what was found is read.  Raises ``Busy``, ``Unreadable``."""
        await self.enquiries.named()
        scanned: Deferred[None] = Deferred()
        self._scanned.append(scanned)
        self._rounds.soon()
        await scanned
        await self._readers.idle()

    async def _begin(self) -> None:
        try:
            if self._following is not None:
                self._following.opening()
            self._catalog.projects, self._catalog.files = await self._threads.run(self._catalog.open)
        except Exception as problem:  # noqa: BLE001  # whoever asks is told, and the log
            self.log.failure("the catalog could not be opened")
            self.enquiries.fail(Unreadable(f"the catalog could not be opened ({problem})"))
            return
        if self._marks is not None:
            self._marks.expect(self._catalog.read.identity(0, "") if self._catalog.files else None)
            await self._threads.run(self._marks.reload)
        if self._following is not None:
            self._following.start(self._tools.ledger, self._marks)
        self.enquiries.open()
        if not self._tools.stopping.is_set():
            await self._start_watching()
        self._rounds.soon()

    async def _start_watching(self) -> None:
        if self._make_watcher is None:
            return
        watcher = self._make_watcher(
            self._tools.tree.roots, self._hints.add, lambda: self._reactor.callFromThread(self._scan_soon)
        )
        try:
            await self._threads.run(watcher.start)
        except Exception as problem:  # noqa: BLE001  # whatever it is, the scans go on without the watcher
            self.log.warn(
                "the roots cannot be watched ({problem}); changes by hand show up with the next scan", problem=problem
            )
            with suppress(Exception):
                await self._threads.run(watcher.stop)
        else:
            self._watcher = watcher

    def _load_watcher(self) -> MakeWatcher | None:
        """Return what makes a watcher.  Loaded before root is given up, after which it may be out of reach."""
        try:
            from twisted_pypi.storage import watch  # noqa: PLC0415  # who does not watch needs none

            return watch.watcher_of_this_system()
        except Exception as problem:  # noqa: BLE001  # as above
            self.log.warn(
                "the watcher cannot be loaded ({problem}); changes by hand show up with the next scan", problem=problem
            )
            return None

    async def _end(self) -> None:
        reason = Busy("the server is stopping; ask again in a moment", 1)
        self._tools.stopping.set()
        self._rounds.stop()
        self._hints.stop()
        self.enquiries.fail(reason)
        scanned, self._scanned = self._scanned, []
        for each in scanned:
            each.errback(Failure(reason))
        if self._begun is not None:
            await self._begun
        if self._watcher is not None:
            await self._threads.run(self._watcher.stop)
        await self._threads.stop()
        if self._following is not None:
            self._following.stop()
        self._catalog.close()

    async def _round(self) -> None:
        # Whoever asks from here on wants the next one.
        scanned, self._scanned = self._scanned, []
        if not self.enquiries.all_named:
            await self._read_names()
        await self._threads.run(self._scan)
        for each in scanned:
            each.callback(None)

    async def _read_names(self) -> None:
        try:
            await self._threads.run(NamesPass(self._tools).run)
        except Stopping:
            return
        except Exception as problem:
            self.enquiries.send_away(Unreadable(f"the files cannot be listed at the moment ({problem}); ask again"))
            raise
        await self._threads.run(self._tell_troubles)
        # In this order: whoever waited for the names may go on to wait for the reading.
        self._readers.wake()
        self.enquiries.name()
        await self._threads.run(self._tools.ledger.write, lambda writer: writer.prune())

    def _scan(self) -> None:
        if self._watcher is not None:
            try:
                self._watcher.refresh()
            except Exception as problem:  # noqa: BLE001  # the scan does not depend on it
                self.log.info("the roots cannot all be watched ({problem})", problem=problem)
        if self._marks is not None:
            self._marks.reload()
        summary = scan_all(self._tools, self._clock.seconds)
        if not self._tools.stopping.is_set():
            self.last = summary
        self._tell_troubles()

    def _tell_troubles(self) -> None:
        troubles = self.troubles()
        if self._following is not None and troubles != self._told:
            self._tools.ledger.write(lambda writer: writer.troubles(troubles))
            self._told = troubles

    def _scan_soon(self) -> None:
        self._rounds.soon()

    def _unread(self) -> None:
        # Until all names are known, no thread shall do anything else.
        if self.enquiries.all_named:
            self._readers.wake()

    def _look(self, hints: Mapping[str, bool]) -> Deferred[None]:
        return self._threads.run(self._examine, hints).addCallback(self._readers.urgent)

    def _examine(self, hints: Mapping[str, bool]) -> list[Job]:
        marks = self._marks
        of_files = hints if marks is None else {at: whole for at, whole in hints.items() if not marks.are_at(at)}
        if marks is not None:
            marks.look(hints.keys() - of_files.keys())
        return self._examiner.examine(of_files)
