"""The records of projects on the disk, and what of them is held in memory."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger

from twisted_pypi.catalog import Identity, Sighting
from twisted_pypi.distributions import ProjectName, is_project_name, normalize
from twisted_pypi.errors import TwistedPyPIError
from twisted_pypi.project_records import (
    ACTIVE,
    LARGEST,
    PROJECT,
    PROJECTS,
    Origin,
    ProjectRecord,
    Status,
    Whose,
    parse_record,
)
from twisted_pypi.storage.record_doubt import RecordDoubt
from twisted_pypi.storage.record_writing import change_record, claim_origin, settle_origin

UNCLEAR = ProjectRecord(origin=Origin(Whose.OURS, "its record cannot be read", 0))
"""What holds for a project whose record was never understood: what is private may not go outside because of that."""

_Kept = dict[ProjectName, tuple[Sighting, ProjectRecord]]


class ProjectMarks:
    """The records of the projects below the first root.

    All are held in memory, since whose a project is is asked on the way of every
    request; ``reload`` and ``look`` find what changed.
    """

    log = Logger()

    def __init__(
        self, root: str, reactor: IReactorFromThreads, publish: Callable[[frozenset[ProjectName]], None]
    ) -> None:
        """``publish`` is told, in the reactor thread, which projects have another record."""
        self._root = root
        self._folder = f"{root.rstrip('/')}/{PROJECTS}"
        self._reactor = reactor
        self._publish = publish
        self._lock = threading.Lock()
        self._kept: _Kept = {}
        self._seen_in: Identity | None = None
        self._doubt = RecordDoubt(root)
        self._is_certain = False
        self.expect = self._doubt.expect
        """Is told which folder the root was when files were seen in it."""
        self._in_force: dict[ProjectName, ProjectRecord] = {}
        self._announce: Callable[[Collection[ProjectName]], object] | None = None

    def of(self, name: ProjectName) -> ProjectRecord:
        """The record of a project.  In the reactor thread."""
        return self._in_force.get(name, ACTIVE)

    def doubt(self) -> str | None:
        """Why there may be records that nobody knows of, in a sentence; ``None``: all are known.  In the reactor thread."""
        if not self._is_certain:
            self.look_now(None)
        return None if self._is_certain else self._doubt.trouble

    def troubles(self) -> list[str]:
        """The same for the operator."""
        return [] if self._doubt.trouble is None else [self._doubt.trouble]

    def are_at(self, location: str) -> bool:
        """Is this absolute path where the records are, or in there?"""
        return location == self._folder or location.startswith(f"{self._folder}/")

    def reload(self) -> None:
        """Read the records that changed.  Blocking, in any thread; raises nothing.

        The reactor thread learns of it before anything that the caller hands to it afterwards.
        """
        with self._lock:
            changed = self._reload()
        self._tell(changed)

    def look(self, locations: Iterable[str]) -> None:
        """Read the records at these absolute paths, as ``reload`` does; a folder stands for all that is in it."""
        start = len(self._folder) + 1
        names = {ProjectName(each[start:].partition("/")[0]) for each in locations if self.are_at(each)}
        if names:
            with self._lock:
                changed = self._look(names)
            self._tell(changed)

    def look_for(self, names: Iterable[ProjectName]) -> None:
        """Read the records of these projects, as ``reload`` does; other processes are not told."""
        with self._lock:
            changed = self._look(names)
        if changed:
            self._reactor.callFromThread(self._apply, changed)

    def look_now(self, names: Iterable[ProjectName] | None) -> None:
        """Read these records, or all, which another process changed.  In the reactor thread, where they hold at once."""
        with self._lock:
            changed = self._reload() if names is None else self._look(names)
        self._apply(changed)

    def tell_others(self, announce: Callable[[Collection[ProjectName]], object]) -> None:
        """Call ``announce`` in any thread with the projects that have another record; it may raise ``TwistedPyPIError``."""
        self._announce = announce

    def change(self, name: ProjectName, status: Status, reason: str | None) -> ProjectRecord:
        """Write down the status of a project, and return its record.  Blocking, not in the reactor thread.

        Raises ``NotAllowed``, ``NoSpace`` and ``Unreadable``.
        """
        return self._changed(name, change_record(self._root, name, status, reason))

    def claim_origin(self, name: ProjectName, origin: Origin) -> ProjectRecord:
        """Write down whose a project is that was just uploaded to.  As ``change``."""
        return self._changed(name, claim_origin(self._root, name, origin))

    def settle_origin(self, name: ProjectName, origin: Origin) -> ProjectRecord:
        """Write down whose a project was found to be, unless it is known to be ours by now.  As ``change``."""
        return self._changed(name, settle_origin(self._root, name, origin))

    def _changed(self, name: ProjectName, record: ProjectRecord) -> ProjectRecord:
        self.look([self._path(name)])
        return record

    def _path(self, name: ProjectName) -> str:
        return f"{self._folder}/{name}/{PROJECT}"

    def _record(self, name: ProjectName) -> ProjectRecord:
        one = self._kept.get(name)
        return ACTIVE if one is None else one[1]

    def _look(self, names: Iterable[ProjectName]) -> frozenset[ProjectName]:
        found: _Kept = {}
        for name in names:
            one = self._one(self._path(name), self._kept.get(name)) if _is_normalised(name) else None
            if one is not None:
                found[name] = one
            elif name in self._kept or not _is_normalised(name):
                # Gone, or out of sight: that shows from above.
                return self._reload()
        changed = frozenset(name for name, one in found.items() if one[1] != self._record(name))
        self._kept.update(found)
        return changed

    def _reload(self) -> frozenset[ProjectName]:
        found = self._read()
        # A record that did not change is the very same object.
        other = {name: one[1] for name, one in found.items() if one is not self._kept.get(name)}
        other |= dict.fromkeys(self._kept.keys() - found.keys(), ACTIVE)
        changed = frozenset(name for name, record in other.items() if record != self._record(name))
        self._kept = found
        return changed

    def _tell(self, changed: frozenset[ProjectName]) -> None:
        # In this order: what is announced is announced after it holds here.
        self._reactor.callFromThread(self._apply, changed)
        if changed and self._announce is not None:
            try:
                self._announce(changed)
            except TwistedPyPIError as problem:
                self.log.warn("that records changed cannot be told to other processes ({problem})", problem=problem)

    def _apply(self, changed: frozenset[ProjectName]) -> None:
        others: Collection[ProjectName] = ()
        if not self._is_certain and self._doubt.trouble is None:
            # Another thread may have read them just now, and be about to tell.
            self._is_certain, others = True, self._kept.keys()
        for name in (*changed, *others):
            # What is kept by now: a later change may have come in before this one.
            record = self._record(name)
            if record == ACTIVE:
                self._in_force.pop(name, None)
            else:
                self._in_force[name] = record
        self._publish(changed)

    def _read(self) -> _Kept:
        identity = None
        try:
            identity = Identity.of(os.stat(self._root))
            names = os.listdir(self._folder)
        except OSError as problem:
            if isinstance(problem, FileNotFoundError) and identity is not None and not os.path.islink(self._folder):
                return self._without_any(identity)
            self._doubt.because(f"the records of projects in {self._folder} cannot be read ({problem.strerror})")
            return self._kept
        self._seen_in = identity
        found: _Kept = {}
        for each in names:
            name = ProjectName(each)
            if _is_normalised(each):
                record = self._one(self._path(name), self._kept.get(name))
                if record is not None:
                    found[name] = record
        self._doubt.end()
        return found

    def _without_any(self, identity: Identity) -> _Kept:
        """There is no folder of records."""
        # Behind a volume that is not mounted, nothing is known, and a quarantine stays in force.
        if self._seen_in not in {None, identity} or self._doubt.is_unmounted(identity):
            return self._kept
        self._doubt.end()
        return {}

    def _one(self, path: str, before: tuple[Sighting, ProjectRecord] | None) -> tuple[Sighting, ProjectRecord] | None:
        try:
            if before is not None and before[0] == Sighting.of(os.stat(path)):
                return before
            # A pipe of that name must not block.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            self.log.warn(
                "the record {path} cannot be read ({problem}); what it said before holds", path=path, problem=problem
            )
            return before or (Sighting(0, 0, 0), UNCLEAR)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            record = None
            if stat.S_ISREG(found.st_mode):
                with suppress(OSError):
                    # Empty is what a loss of power may leave of one that was not waited for.
                    record = parse_record(file.read(LARGEST + 1)) if found.st_size else ACTIVE
        if record is None:
            self.log.warn(
                "the record {path} says nothing that can be understood; what it said before holds."
                " Expected a JSON object with a status, one of {those}",
                path=path, those=", ".join(Status),
            )  # fmt: skip
            # Not said again, nor read, until it changes.
            return Sighting.of(found), UNCLEAR if before is None else before[1]
        return Sighting.of(found), record


def _is_normalised(name: str) -> bool:
    return is_project_name(name) and normalize(name) == name
