"""The pipe through which a worker hears of its keeper."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

REOPEN = b"r"
"""The word for: what the operator may have changed is to be read again, and log files are to be opened again."""


@implementer(IReadDescriptor)
class Lifeline:
    """Calls ``reopen`` at each word, and ``gone`` at the end: the keeper has ended, or wants the worker to."""

    def __init__(self, descriptor: int, reactor: Any, *, reopen: Callable[[], None], gone: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._reactor = reactor
        self._reopen = reopen
        self._gone = gone
        self._ended = False

    def start(self) -> None:
        """Listen to the keeper."""
        os.set_blocking(self._descriptor, False)
        self._reactor.addReader(self)

    def fileno(self) -> int:
        """The pipe."""
        return self._descriptor

    def doRead(self) -> None:
        """Something was said, or it is over."""
        try:
            words = os.read(self._descriptor, 1024)
        except BlockingIOError:
            return
        if words:
            self._reopen()
        else:
            self._end()

    def connectionLost(self, reason: Failure) -> None:  # noqa: ARG002  # the reactor gives it
        """It is over: some reactors find that out themselves."""
        self._end()

    def _end(self) -> None:
        self._reactor.removeReader(self)
        if not self._ended:
            self._ended = True
            self._gone()

    def logPrefix(self) -> str:
        """What the reactor calls it."""
        return "keeper"
