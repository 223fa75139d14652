"""How the record of a project is read from the disk, and changed in one step."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import Unreadable
from twisted_pypi.project_records import (
    ACTIVE,
    PROJECT,
    PROJECTS,
    Origin,
    ProjectRecord,
    Status,
    Whose,
    format_record,
    parse_record,
)
from twisted_pypi.storage.final_names import put_over
from twisted_pypi.storage.staging import storage_errors


def read_record(root: str, name: ProjectName) -> ProjectRecord:
    """The record of a project as it is on the disk.  Blocking.  Raises ``NotAllowed``, ``Unreadable``."""
    path = Path(root, PROJECTS, name, PROJECT)
    with storage_errors():
        try:
            data = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return ACTIVE
    # Empty is what a loss of power may leave of one that was not waited for.
    record = parse_record(data) if data else ACTIVE
    if record is None:
        raise Unreadable(f"{path} says nothing that can be understood; expected a JSON object with a status")
    return record


def change_record(root: str, name: ProjectName, status: Status, reason: str | None) -> ProjectRecord:
    """Write down the status of a project, in one step, and return its record.  Blocking.

    Raises ``NotAllowed``, ``NoSpace`` and ``Unreadable``.
    """
    return _change(root, name, lambda record: replace(record, status=status, reason=reason))


def change_origin(root: str, name: ProjectName, origin: Origin | None) -> ProjectRecord:
    """Write down whose a project is, or with ``None`` that nobody knows, and return its record.

    Blocking.  Raises what ``change_record`` does.
    """
    return _change(root, name, lambda record: replace(record, origin=origin))


def claim_origin(root: str, name: ProjectName, origin: Origin) -> ProjectRecord:
    """The same for a project that was just uploaded to.

    A first record is not waited for until it is on the disk: the sidecar of
    the file that was uploaded is there, and has it written again at the next start.
    """
    return _change(root, name, lambda record: replace(record, origin=origin), wait=False)


def settle_origin(root: str, name: ProjectName, origin: Origin) -> ProjectRecord:
    """Write down whose a project was found to be, unless it is known to be ours by now, and return its record.

    Blocking.  Raises what ``change_record`` does.
    """

    def settled(record: ProjectRecord) -> ProjectRecord:
        ours = record.origin is not None and record.origin.whose is Whose.OURS
        return record if ours else replace(record, origin=origin)

    return _change(root, name, settled)


def _change(
    root: str, name: ProjectName, change: Callable[[ProjectRecord], ProjectRecord], *, wait: bool = True
) -> ProjectRecord:
    """Replace a record by what ``change`` makes of it; whoever else changes it at the same time does so after that."""
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
            with _alone_in(path.parent):
                before = read_record(root, name)
                record = change(before)
                if record == before:
                    pass
                elif wait or path.exists():
                    put_over(format_record(record), path)
                else:
                    path.write_bytes(format_record(record))
    except FileNotFoundError as error:
        raise Unreadable("the folder of the index is not there at the moment; try again when it is mounted") from error
    return record


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Be the only one of this program, in all processes, who changes what is in a folder."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Where folders cannot be locked, being quick has to do.
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
