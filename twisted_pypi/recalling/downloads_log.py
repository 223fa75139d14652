"""Who took which file of an upstream index: lines of JSON in the state folder, written in batches.

``<state folder>/downloads.jsonl``, and ``downloads.jsonl.1`` for what was
before; one object a line with ``time`` (ISO 8601, UTC), ``project``,
``filename``, ``user`` (or null), ``address`` and ``agent``.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twisted_pypi.boundaries import RunInThread
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import Unreadable
from twisted_pypi.recalling.report import Taker

FILENAME = "downloads.jsonl"

INTERVAL = 0.5
"""Seconds between two writes while files are taken."""

LARGEST = 64 * 1024 * 1024
"""Bytes of a file after which another one is begun; the one before the last is removed."""

MOST_WAITING = 50_000
"""Lines that wait for the disk at most; more are lost."""

LONGEST_AGENT = 300
"""Characters that are kept of what a client says it is."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

File = tuple[ProjectName, str]


class DownloadsLog(Service):
    """A ``TellOfFiles`` that writes down what it is told, and can be asked."""

    log = Logger()

    def __init__(
        self,
        state_folder: Callable[[], str | None],
        run_in_thread: RunInThread,
        clock: IReactorTime,
        *,
        largest: int = LARGEST,
    ) -> None:
        """Write to the folder that ``state_folder``, which may block, returns at the time; ``None``: nowhere."""
        self._state_folder = state_folder
        self._run_in_thread = run_in_thread
        self._clock = clock
        self._largest = largest
        self._waiting: list[tuple[float, File, str | None, str, str]] = []
        self._timer: IDelayedCall | None = None
        self._turns = DeferredLock()
        self._complained = False

    def __call__(self, project: ProjectName, filename: str, user: str | None, address: str, agent: str) -> None:
        """Somebody took a file."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append((self._clock.seconds(), (project, filename), user, address, agent[:LONGEST_AGENT]))
        if self._timer is None:
            self._timer = self._clock.callLater(INTERVAL, self.flush)

    def flush(self) -> Deferred[None]:
        """Write what waits.  Fires when it is written; never fails."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        return self._turns.run(lambda: Deferred.fromCoroutine(self._write()))

    def stopService(self) -> Deferred[None]:
        """Write what waits."""
        super().stopService()
        return self.flush()

    async def takers(self, project: ProjectName, filename: str) -> list[Taker]:
        """Return who took a file, as far back as the log goes, the last to take it first.  Raises ``Unreadable``."""
        return (await self.takers_of([(project, filename)]))[project, filename]

    async def takers_of(self, files: Collection[File]) -> Mapping[File, list[Taker]]:
        """Return who took each of these files, in one reading of the log.  Raises ``Unreadable``."""
        if not files:
            return {}
        await self.flush()
        try:
            return await self._run_in_thread(lambda: takers_in(self._state_folder(), files))
        except OSError as problem:
            raise Unreadable(f"the log of downloads cannot be read ({problem.strerror})") from problem

    async def _write(self) -> None:
        entries, self._waiting = self._waiting, []
        if not entries:
            return
        try:
            await self._run_in_thread(self._append, entries)
        except OSError as problem:
            if not self._complained:
                self.log.warn("who takes which file cannot be written down: {problem}", problem=problem)
            self._complained = True
        else:
            self._complained = False

    def _append(self, entries: list[tuple[float, File, str | None, str, str]]) -> None:
        folder = self._state_folder()
        if folder is None:
            return
        path = Path(folder, FILENAME)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = "".join(_line(*each) for each in entries).encode()
        # Who takes what is nobody's business but the operator's.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            # Other processes of this server write to it, too; only one of them may move it away.
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(data)
            file.flush()
            if file.tell() >= self._largest:
                with suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(descriptor), path.stat()):
                        path.replace(_older(path))


def takers_in(folder: str | None, files: Collection[File]) -> dict[File, list[Taker]]:
    """Return who took each of these files, by the log in a state folder; blocking.  Raises ``OSError``."""
    found: dict[File, dict[tuple[str | None, str, str], Taker]] = {each: {} for each in files}
    wanted = re.compile("|".join(re.escape(json.dumps(filename)) for _, filename in found).encode())
    path = None if folder is None else Path(folder, FILENAME)
    for each in () if path is None else (_older(path), path):
        for said in _said(each, wanted):
            takers = found.get((said["project"], said["filename"]))
            if takers is not None:
                _count(takers, said)
    return {
        file: sorted(takers.values(), key=lambda taker: taker.last_ns, reverse=True) for file, takers in found.items()
    }


def _count(takers: dict[tuple[str | None, str, str], Taker], said: Mapping[str, Any]) -> None:
    who = said["user"], said["address"], said["agent"]
    at_ns = (datetime.fromisoformat(said["time"]) - _EPOCH) // timedelta(microseconds=1) * 1000
    known = takers.get(who) or Taker(*who, first_ns=at_ns, last_ns=at_ns, times=0)
    first_ns, last_ns = min(known.first_ns, at_ns), max(known.last_ns, at_ns)
    takers[who] = replace(known, first_ns=first_ns, last_ns=last_ns, times=known.times + 1)


def _said(path: Path, wanted: re.Pattern[bytes]) -> Iterator[dict[str, Any]]:
    """The lines that speak of what is wanted; one that broke off says nothing."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        for line in file:
            if wanted.search(line):
                with suppress(ValueError, KeyError, TypeError):
                    said = json.loads(line)
                    _count({}, said)
                    yield said


def _line(seconds: float, file: File, user: str | None, address: str, agent: str) -> str:
    time = (_EPOCH + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    said = {"time": time, "project": file[0], "filename": file[1], "user": user, "address": address, "agent": agent}
    return json.dumps(said) + "\n"


def _older(path: Path) -> Path:
    return path.with_name(f"{path.name}.1")
