"""One line a request, written in batches.

A line costs a request an append to a list; formatting and writing wait until
some have come together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twisted_pypi.web.access_lines import Combined, Entry, Form

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest

INTERVAL = 0.5
"""Seconds between two writes while requests come."""

MOST_LINES = 1000
"""Lines kept before they are written at once."""


class AccessLog(Service):
    """Collects requests and writes them as lines; what is left is written when it is stopped.

    What cannot be written, on a full disk or into a pipe that nobody reads, is
    said once and lost: no request fails for its line.
    """

    log = Logger()

    def __init__(
        self,
        write: Callable[[str], object],
        address: Callable[[IndexRequest], str],
        reactor: IReactorTime,
        form: Form | None = None,
    ) -> None:
        """Write through ``write``, which takes whole lines; ``address`` says who asked.

        The lines have the combined format, unless there is another ``form``.
        """
        self._write = write
        self._address = address
        self._reactor = reactor
        self._form = form or Combined()
        self._entries: list[Entry] = []
        self._timer: IDelayedCall | None = None
        self._failed = False

    def parts(self, request: IndexRequest) -> tuple[str, str, str]:
        """Return address, user, and what comes after the moment, in the line of a request."""
        return self._form.parts(request, self._address(request))

    def add(self, request: IndexRequest) -> None:
        """Note one request that was answered."""
        address, user, rest = self.parts(request)
        self.add_parts(address, user, self._form.timed(request, rest))

    def add_parts(self, address: str, user: str, rest: str) -> None:
        """Note one request by the parts of its line."""
        self._entries.append((self._reactor.seconds(), address, user, rest))
        if self._timer is None:
            self._timer = self._reactor.callLater(INTERVAL, self.flush)
        elif len(self._entries) >= MOST_LINES:
            self.flush()

    def stopService(self) -> None:
        """Write what was collected."""
        super().stopService()
        self.flush()

    def flush(self) -> None:
        """Write what was collected."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        entries, self._entries = self._entries, []
        if not entries:
            return
        problem: OSError | None = None
        try:
            self._write("".join(self._form.lines(entries)))
        except OSError as error:
            problem = error
        if problem is not None and not self._failed:
            self.log.error(
                "the access log cannot be written ({reason}): lines are lost until it can", reason=problem.strerror
            )
        elif problem is None and self._failed:
            self.log.info("the access log can be written again")
        self._failed = problem is not None
