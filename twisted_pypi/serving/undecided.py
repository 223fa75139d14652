"""What the log says at the start of projects that were put here by hand: how to keep their names in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from twisted_pypi.config import Config, Fallback
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import Busy

MOST_NAMES = 20
"""Names in the line; of the others it says how many there are."""


def may_ask(config: Config) -> bool:
    """May a server with these settings ask an upstream index for what was put there by hand?"""
    return config.fallback is Fallback.PROXY or config.update_every is not None


def private_line(names: Sequence[ProjectName]) -> str:
    """Return the sentences about undecided projects, with the options that keep their names in."""
    count = "1 project was" if len(names) == 1 else f"{len(names)} projects were"
    options = " ".join(f"--private {name}" for name in names[:MOST_NAMES])
    others = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return (
        f"{count} put here by hand, and nobody knows yet whose: an update asks the upstream index for each by its name,"
        f" and compares. What is private stays in with: {options}{others}"
    )


class Undecided(Service):
    """Says once, when all files are known, which projects are undecided."""

    log = Logger()

    def __init__(self, config: Config, undecided: Callable[[], Awaitable[Sequence[ProjectName]]]) -> None:
        """``undecided`` names them, once all files are known."""
        self._config = config
        self._undecided = undecided
        self._looking: Deferred[None] | None = None

    def startService(self) -> None:
        """Begin to look."""
        super().startService()
        self._looking = Deferred.fromCoroutine(self._say())
        self._looking.addErrback(lambda failure: self.log.failure("whose the projects are could not be seen", failure))

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        if self._looking is not None:
            self._looking.cancel()

    async def _say(self) -> None:
        # A server that is stopped before all is read finds out the next time.
        with suppress(Busy, CancelledError):
            names = await self._undecided()
            if names and may_ask(self._config):
                self.log.warn("{line}", line=private_line(names))
