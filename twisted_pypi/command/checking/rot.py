"""Bytes on the disk against what was written down of them: by the catalog, and by the sidecars."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.catalog import Place, Sighting
from twisted_pypi.command.checking.contents import digest_of
from twisted_pypi.command.checking.finding import Finding, Level, Matter
from twisted_pypi.command.checking.side_by_side import side_by_side
from twisted_pypi.storage.beside import Beside, look_beside

Facts = Callable[[Place], KnownFile | None]
"""What the catalog says of the file at a place."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A file that is to be read."""

    location: str
    sighting: Sighting
    """How it looked when it was met."""
    place: Place | None
    """Where the catalog has it; ``None``: it is a kept file of an upstream index, of which only the sidecar speaks."""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a file."""

    subject: Subject
    sighting: Sighting | None = None
    digest: str = ""
    beside: Beside | None = None
    problem: str | None = None
    """Why it could not be read."""


def rotten(
    subjects: Iterable[Subject], facts: Facts, read: Callable[[int], None], done: Callable[[], None]
) -> Iterator[Finding]:
    """Read the files, as many at a time as there are cores, and yield what is not as it was written down.

    ``read`` is told of bytes, in any thread, and ``done`` of each file.
    """
    for each in side_by_side(partial(_read, read=read), subjects):
        finding = _judge(each, facts)
        if finding is not None and each.problem is None:
            # Somebody may have replaced it, or its sidecar, in this moment: what is wrong stays wrong.
            finding = _judge(_read(each.subject, lambda _: None), facts)
        done()
        if finding is not None:
            yield finding


def has_facts(subject: Subject, facts: Facts, *, with_sidecar: bool) -> bool:
    """Is there anything that the bytes of this file can be compared with?"""
    known = None if subject.place is None else facts(subject.place)
    return with_sidecar or (known is not None and subject.sighting.same_bytes_as(_sighting(known)))


def _sighting(known: KnownFile) -> Sighting:
    return Sighting(known.size, known.mtime_ns, known.inode)


def missing(known: KnownFile, location: str) -> Finding | None:
    """The finding about a file that the catalog lists, when it is not there."""
    try:
        os.stat(location)  # noqa: PTH116  # as everywhere where there are many
    except (FileNotFoundError, NotADirectoryError):
        return Finding(
            f"{location} is not there, and was when it was looked at last (sha256 {known.sha256}).",
            Level.BAD,
            Matter.MISSING,
            "Bring it back from a copy; if somebody removed it, the server forgets it when it runs.",
            location,
        )
    except OSError as problem:
        return _unreadable(location, problem.strerror or str(problem))
    return None


def _read(subject: Subject, read: Callable[[int], None]) -> Read:
    try:
        descriptor = os.open(subject.location, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return Read(subject)
            if hasattr(os, "posix_fadvise"):
                # It is the disk that is asked, not what memory holds of it.
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            digest = digest_of(file, read)
            after = os.fstat(descriptor)
        if Sighting.of(status).same_bytes_as(Sighting.of(after)):
            return Read(subject, Sighting.of(status), digest, look_beside(subject.location))
    except (FileNotFoundError, NotADirectoryError):
        return Read(subject)  # which the catalog is asked about later
    except OSError as problem:
        return Read(subject, problem=problem.strerror or str(problem))
    return Read(subject)  # it is being written


def _judge(each: Read, facts: Facts) -> Finding | None:
    location = each.subject.location
    if each.problem is not None:
        return _unreadable(location, each.problem)
    if each.sighting is None or each.beside is None:
        return None
    known = None if each.subject.place is None else facts(each.subject.place)
    said = None if each.beside.sidecar is None else each.beside.sidecar.sha256
    if known is not None and each.sighting.same_bytes_as(_sighting(known)):
        if known.sha256 != each.digest:
            return _changed(each, known.sha256, "the catalog" if said != known.sha256 else "catalog and sidecar")
    elif each.subject.place is None and said is not None and said != each.digest:
        return replace(
            _changed(each, said, "its sidecar"),
            advice="Remove it with its sidecar: it is fetched again when somebody asks for it.",
        )
    if said is not None and said != each.digest:
        return Finding(
            f"{location} has the sha256 {each.digest}, and the sidecar beside it is of {said}.",
            Level.BAD,
            Matter.SIDECAR,
            "Compare it with a copy; `twisted-pypi check` says whether the sidecar is only older than the file.",
            location,
        )
    return None


def _changed(each: Read, expected: str, by: str) -> Finding:
    return Finding(
        f"{each.subject.location} is not what it was, though size and time are: it has the sha256 {each.digest},"
        f" and {by} had {expected}.",
        Level.BAD,
        Matter.ROT,
        "Bring it back from a copy, and look after the disk.",
        each.subject.location,
    )


def _unreadable(location: str, reason: str) -> Finding:
    return Finding(
        f"{location} cannot be read ({reason}).",
        Level.BAD,
        Matter.CONTENTS,
        "Look after the disk and the rights, and bring it back from a copy if need be.",
        location,
    )
