"""The connections to upstream indexes, as long as the server runs."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twisted_pypi.upstream.fetching import Fetcher


class Connections(Service):
    """Says at the start what the operator should know, and closes every connection at the end."""

    log = Logger()

    def __init__(self, fetcher: Fetcher, warnings: Iterable[str]) -> None:
        """``warnings`` are sentences."""
        self._fetcher = fetcher
        self._warnings = tuple(warnings)

    def startService(self) -> None:
        """Say what there is to say."""
        super().startService()
        for warning in self._warnings:
            self.log.warn("{warning}", warning=warning)

    def stopService(self) -> Deferred[None]:
        """Close every connection."""
        super().stopService()
        return Deferred.fromCoroutine(self._fetcher.close())
