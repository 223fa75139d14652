"""What commands do to the folders, told to the audit log of their server."""

from __future__ import annotations

import os
import pwd
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.boundaries.happenings import HappenedTo, Happening, HappeningKind
from twisted_pypi.distributions import ProjectName


def who() -> str:
    """Who runs this command, by the name that the system has for them; behind ``sudo``, who called that."""
    behind = os.environ.get("SUDO_USER")
    if behind:
        return behind
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def tell(
    audit_log: str | None,
    kind: HappeningKind,
    verb: str,
    by: str,
    *,
    project: ProjectName | None = None,
    version: str | None = None,
    files: Iterable[HappenedTo] = (),
    user: str | None = None,
    reason: str | None = None,
    detail: str | None = None,
) -> None:
    """Append a line to the audit log, if one is named; what was done stays done when that fails, which is said.

    ``by`` is ``who`` was before root became the owner of the folders.
    """
    if audit_log is None:
        return
    from twisted_pypi.auditing import append  # noqa: PLC0415  # only where there is such a log

    happening = Happening(
        kind=kind,
        moment=time.time(),
        project=project,
        version=version,
        files=tuple(files),
        user=user,
        client=f"twisted-pypi {verb}, as {by}",
        reason=reason or None,
        detail=detail,
    )
    new = not Path(audit_log).exists()
    try:
        append(audit_log, happening)
    except OSError as problem:
        sys.stderr.write(
            f"it is done, but could not be written to the audit log {audit_log} ({problem.strerror}):"
            " its folder has to be writable for whoever runs this command\n"
        )
        return
    if new and os.geteuid() == 0:
        # The server, which is not root, appends to it, too.
        folder = Path(audit_log).resolve().parent.stat()
        with suppress(OSError):
            os.chown(audit_log, folder.st_uid, folder.st_gid)


def grouped(files: Iterable[tuple[str, HappenedTo]]) -> Iterable[tuple[str, list[HappenedTo]]]:
    """Return files by their version, in the order in which each comes first."""
    found: dict[str, list[HappenedTo]] = {}
    for version, each in files:
        found.setdefault(version, []).append(each)
    return found.items()


def by_version(files: Iterable[KnownFile]) -> Iterable[tuple[str, list[HappenedTo]]]:
    """Return known files by their version."""
    return grouped((known.distribution.version, HappenedTo(known.filename, known.sha256)) for known in files)
