"""The records of projects on the disk, and what of them is held in memory."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger

from twisted_pypi.catalog import Identity, Sighting
from twisted_pypi.distributions import ProjectName, is_project_name, normalize
from twisted_pypi.errors import Unreadable
from twisted_pypi.project_records import (
    ACTIVE,
    LARGEST,
    PROJECT,
    PROJECTS,
    ProjectRecord,
    Status,
    format_record,
    parse_record,
)
from twisted_pypi.storage.final_names import put_over
from twisted_pypi.storage.staging import storage_errors

_Kept = dict[ProjectName, tuple[Sighting, ProjectRecord]]


class ProjectMarks:
    """The records of the projects below the first root.

    They are few, so all are held in memory; ``reload`` finds what changed.
    """

    log = Logger()

    def __init__(
        self, root: str, reactor: IReactorFromThreads, publish: Callable[[frozenset[ProjectName]], None]
    ) -> None:
        """``publish`` is told, in the reactor thread, which projects have another record."""
        self._root = root
        self._reactor = reactor
        self._publish = publish
        self._lock = threading.Lock()
        self._kept: _Kept = {}
        self._seen_in: Identity | None = None
        self._in_force: dict[ProjectName, ProjectRecord] = {}

    def of(self, name: ProjectName) -> ProjectRecord:
        """The record of a project.  In the reactor thread."""
        return self._in_force.get(name, ACTIVE)

    def are_at(self, location: str) -> bool:
        """Is this absolute path where the records are, or in there?"""
        folder = f"{self._root.rstrip('/')}/{PROJECTS}"
        return location == folder or location.startswith(f"{folder}/")

    def reload(self) -> None:
        """Read the records that changed.  Blocking, in any thread; raises nothing.

        When this returns, the reactor thread learns of it before anything that
        the caller hands to it afterwards.
        """
        with self._lock:
            self._kept = self._read()
            records = {name: record for name, (_, record) in self._kept.items()}
            self._reactor.callFromThread(self._apply, records)

    def change(self, name: ProjectName, status: Status, reason: str | None) -> ProjectRecord:
        """Write down the status of a project, and return its record.  Blocking, not in the reactor thread.

        Raises ``NotAllowed``, ``NoSpace`` and ``Unreadable``.
        """
        record = change_record(self._root, name, status, reason)
        self.reload()
        return record

    def _apply(self, records: dict[ProjectName, ProjectRecord]) -> None:
        before, self._in_force = self._in_force, records
        self._publish(frozenset(name for name in before.keys() | records if before.get(name) != records.get(name)))

    def _read(self) -> _Kept:
        folder = f"{self._root}/{PROJECTS}"
        try:
            identity = Identity.of(os.stat(self._root))
            names = os.listdir(folder)
        except OSError as problem:
            # Behind a volume that is not mounted, nothing is known, and a quarantine stays in force.
            gone = isinstance(problem, FileNotFoundError | NotADirectoryError) and os.path.isdir(self._root)
            return {} if gone and self._seen_in in {None, identity} else self._kept
        self._seen_in = identity
        found: _Kept = {}
        for each in names:
            name = ProjectName(each)
            if is_project_name(each) and normalize(each) == each:
                record = self._one(f"{folder}/{each}/{PROJECT}", self._kept.get(name))
                if record is not None:
                    found[name] = record
        return found

    def _one(self, path: str, before: tuple[Sighting, ProjectRecord] | None) -> tuple[Sighting, ProjectRecord] | None:
        try:
            # A pipe of that name must not block.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            self.log.warn(
                "the record {path} cannot be read ({problem}); what it said before holds", path=path, problem=problem
            )
            return before
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if before is not None and before[0] == Sighting.of(found):
                return before
            record = None
            if stat.S_ISREG(found.st_mode):
                with suppress(OSError):
                    record = parse_record(file.read(LARGEST + 1))
        if record is None:
            self.log.warn(
                "the record {path} says nothing that can be understood; what it said before holds."
                " Expected a JSON object with a status, one of {those}",
                path=path, those=", ".join(Status),
            )  # fmt: skip
            # Not said again, nor read, until it changes.
            return Sighting.of(found), ACTIVE if before is None else before[1]
        return Sighting.of(found), record


def read_record(root: str, name: ProjectName) -> ProjectRecord:
    """The record of a project as it is on the disk.  Blocking.  Raises ``NotAllowed``, ``Unreadable``."""
    path = Path(root, PROJECTS, name, PROJECT)
    with storage_errors():
        try:
            record = parse_record(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return ACTIVE
    if record is None:
        raise Unreadable(f"{path} says nothing that can be understood; expected a JSON object with a status")
    return record


def change_record(root: str, name: ProjectName, status: Status, reason: str | None) -> ProjectRecord:
    """Write down the status of a project, in one step, and return its record.  Blocking.

    Raises ``NotAllowed``, ``NoSpace`` and ``Unreadable``.
    """
    record = replace(read_record(root, name), status=status, reason=reason)
    path = Path(root, PROJECTS, name, PROJECT)
    try:
        with storage_errors():
            for folder in (path.parent.parent, path.parent):
                if not folder.is_dir():
                    folder.mkdir(exist_ok=True)
                    # A command of root's makes them for a server that is not root.
                    owner = folder.parent.stat()
                    with suppress(PermissionError):
                        os.chown(folder, owner.st_uid, owner.st_gid)
            put_over(format_record(record), path)
    except FileNotFoundError as error:
        raise Unreadable("the folder of the index is not there at the moment; try again when it is mounted") from error
    return record
