"""The log of a worker: told to the keeper through a pipe, line by line, and written to its log."""

from __future__ import annotations

import json
import os
import select

from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel, formatEvent
from zope.interface import implementer

from twisted_pypi.serving.json_lines import ACCESS, TOLD, traceback_of

_PATIENCE = 1000
"""Milliseconds that a worker waits for a keeper that does not read, once."""


@implementer(ILogObserver)
class Teller:
    """Writes each event to a pipe.

    A keeper that hangs must not stall anybody: what it does not take within
    a second is lost, and what follows is not waited for until it reads again.
    """

    def __init__(self, descriptor: int, lowest: LogLevel) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._lowest = lowest
        self._lost = False

    def __call__(self, event: LogEvent) -> None:
        """Tell of one event."""
        level = event.get("log_level", LogLevel.info)
        # What Twisted says of itself (ports that open and close) the keeper's has said already.
        if level < self._lowest or (event.get("log_namespace") == "log_legacy" and level is LogLevel.info):
            return
        said = [level.name, event.get("log_namespace", "-"), formatEvent(event), traceback_of(event)]
        self._write(json.dumps(said).encode() + b"\n")

    def _write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
                self._lost = False
            except BlockingIOError:
                if self._lost or not self._taken():
                    self._lost = True
                    return
            except OSError:  # the keeper is gone
                return

    def _taken(self) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(_PATIENCE))


class Retelling:
    """Writes what workers tell to the log of this process."""

    def __init__(self, number: int) -> None:
        """The ``number`` of the worker is said with each."""
        self._number = number
        self._part = b""

    def received(self, data: bytes) -> None:
        """Bytes came through the pipe."""
        *lines, self._part = (self._part + data).split(b"\n")
        for line in lines:
            self._line(line)

    def _line(self, line: bytes) -> None:
        try:
            level, namespace, text, traceback = json.loads(line)
            logger, constant = Logger(str(namespace)), LogLevel.levelWithName(level)
        except Exception:  # noqa: BLE001  # what an interpreter says when it breaks down comes as it is
            logger, constant, traceback = Logger("worker"), LogLevel.error, None
            text = line.decode("utf-8", "backslashreplace")
        if logger.namespace == ACCESS:
            logger.emit(constant, "{line}", line=text)
            return
        told = {"worker": self._number, "message": text, "traceback": traceback}
        lines = text if traceback is None else f"{text}\n{traceback}"
        logger.emit(constant, "worker {number}: {lines}", number=self._number, lines=lines, **{TOLD: told})
