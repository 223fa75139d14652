"""The rules file in force: read again when it is another, the last good one kept."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import NamedTuple

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from twisted_pypi.boundaries import RunInThread
from twisted_pypi.errors import BadSetting
from twisted_pypi.policy.rules import Rules
from twisted_pypi.policy.rules_file import parse_rules

EVERY = 2.0
"""Seconds between two looks at the file."""

LARGEST = 1024 * 1024
"""Bytes that a rules file may have."""

Identity = tuple[int, ...]


class _Look(NamedTuple):
    """What one look at the file found."""

    identity: Identity | None
    """Which version of the file it was, by its times and size; ``None``: it could not be told."""
    outcome: Rules | str | None
    """The rules, or what is wrong with them; ``None``: it was not read."""


class RulesInForce(Service):
    """The rules of a file, while it is edited.

    A version of the file that cannot be used leaves the last good one in
    force, with one log line.  One is taken up when two looks found it
    unchanged, so that a file that is being written does not count.
    """

    log = Logger()

    def __init__(
        self,
        path: str,
        clock: IReactorTime,
        run_in_thread: RunInThread,
        changed: Callable[[], None],
        *,
        may_come: bool = False,
    ) -> None:
        """Read ``path``; ``changed`` is told, on the reactor thread, when other rules are in force.

        Where the file ``may_come`` later, everything is let through as long as
        there was none.  Raises ``BadSetting`` for a file that is missing or cannot be used.
        """
        self.path = path
        self.trouble: str | None = None
        """Why the file as it is now is not in force, in a sentence; ``None``: it is."""
        self._run_in_thread = run_in_thread
        self._changed = changed
        self._loop = LoopingCall(lambda: Deferred.fromCoroutine(self._look()))
        self._loop.clock = clock
        self._awaited = may_come and not os.path.lexists(path)
        identity, outcome = (None, Rules()) if self._awaited else _read(path)
        if not isinstance(outcome, Rules):
            raise BadSetting(f"the rules file {path} cannot be used: {outcome}")
        self.rules: Rules = outcome
        """The rules in force."""
        self._last_read = identity
        self._last_seen = identity

    def startService(self) -> None:
        """Look at the file from now on."""
        super().startService()
        self._loop.start(EVERY)

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()

    def reload(self) -> None:
        """Read the file, whatever its times say, and log what came of it."""
        self.trouble = None
        Deferred.fromCoroutine(self._look(reading=True))

    async def _look(self, *, reading: bool = False) -> None:
        try:
            if reading:
                found = await self._run_in_thread(_read, self.path)
            else:
                found = await self._run_in_thread(_look, self.path, self._last_seen, self._last_read)
        except Exception:  # noqa: BLE001  # a loop that fails once would never run again
            self.log.failure("the rules file {path} could not be looked at", path=self.path)
            return
        if not self.running:
            return
        self._last_seen = found.identity
        if self._awaited and found.identity is None:
            return
        self._awaited = False
        if isinstance(found.outcome, Rules):
            self._last_read = found.identity
            self._take(found.outcome)
        elif found.outcome is not None:
            self._last_read = found.identity
            self._report(found.outcome)

    def _take(self, rules: Rules) -> None:
        self.trouble = None
        if rules == self.rules:
            self.log.info("The rules in {path} are the ones that are in force", path=self.path)
            return
        self.rules = rules
        self.log.info("The rules in {path} are in force now", path=self.path)
        try:
            self._changed()
        except Exception:  # noqa: BLE001  # the rules are in force, whoever could not hear of it
            self.log.failure("not everybody could be told of other rules")

    def _report(self, trouble: str) -> None:
        """Say once what is wrong, until it is right again or something else is."""
        sentence = f"the rules file {self.path} cannot be used: {trouble}"
        if sentence != self.trouble:
            self.trouble = sentence
            self.log.error("{sentence}; its last good version stays in force", sentence=sentence)


def _look(path: str, seen: Identity | None, read: Identity | None) -> _Look:
    """Read a file that is the one that was seen last, and not the one that was read last.  Blocking."""
    try:
        identity = _identity(os.stat(path))  # noqa: PTH116  # Path has no advantage for one call
    except OSError as error:
        return _Look(None, error.strerror or str(error))
    if identity == read or identity != seen:
        return _Look(identity, None)
    return _read(path)


def _read(path: str) -> _Look:
    """Read and understand a file.  Blocking, but never for the writer of a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:  # noqa: PTH123  # a descriptor has no path
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return _Look(_identity(status), "it is not a regular file")
            data = file.read(LARGEST + 1)
    except OSError as error:
        return _Look(None, error.strerror or str(error))
    if len(data) > LARGEST:
        return _Look(_identity(status), f"it is larger than {LARGEST} bytes")
    try:
        return _Look(_identity(status), parse_rules(data.decode("utf-8-sig")))
    except UnicodeDecodeError:
        return _Look(_identity(status), "it is not UTF-8")
    except BadSetting as error:
        return _Look(_identity(status), str(error))


def _identity(status: os.stat_result) -> Identity:
    # The ctime tells of changes by those who set the mtime back (rsync --inplace, touch).
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev, status.st_ctime_ns
