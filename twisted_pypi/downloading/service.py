"""The downloads and the files that they leave, as long as the server runs."""

from __future__ import annotations

from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twisted_pypi.boundaries import RunInThread
from twisted_pypi.downloading.downloads import Downloads


class DownloadsService(Service):
    """Counts what is kept at the start, and ends every download at the end."""

    log = Logger()

    def __init__(self, downloads: Downloads, seed: Callable[[], None], run_in_thread: RunInThread) -> None:
        """``seed`` finds out what is kept, and for how long nobody used it; it blocks."""
        self._downloads = downloads
        self._seed = seed
        self._run_in_thread = run_in_thread
        self._seeding: Deferred[None] | None = None

    def startService(self) -> None:
        """Begin to count."""
        super().startService()
        self._seeding = Deferred.fromCoroutine(self._count())

    def stopService(self) -> Deferred[None]:
        """End every download."""
        super().stopService()
        return Deferred.fromCoroutine(self._end())

    async def _count(self) -> None:
        try:
            await self._run_in_thread(self._seed)
        except Exception:  # noqa: BLE001  # without it, only what goes first when room is needed is chosen worse
            self.log.failure("the kept files of upstream indexes could not be counted")

    async def _end(self) -> None:
        await self._downloads.stop()
        if self._seeding is not None:
            await self._seeding
