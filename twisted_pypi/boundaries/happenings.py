"""What somebody did here, or what became of what is kept here: one value, from those who do it to those who tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from twisted_pypi.distributions import ProjectName

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class HappeningKind(StrEnum):
    """What can happen; the words are part of the format of audit logs and of messages to webhooks."""

    UPLOAD = "upload"
    """A file was published."""
    REMOVAL = "removal"
    """A file is not here any more: by a request, or found to be gone."""
    RESTORE = "restore"
    """A file that was removed is back."""
    YANK = "yank"
    UNYANK = "unyank"
    STATUS = "status"
    """A project has another status (PEP 792), which is the ``detail``."""
    LOGIN = "login"
    """A password was checked and found right."""
    LOGIN_FAILED = "login-failed"
    USER_ADDED = "user-added"
    """Somebody may log in, or has another password."""
    USER_REMOVED = "user-removed"
    UPDATE = "update"
    """An update pass fetched a release, or (without a project) came to its end."""
    RECALL = "recall"
    """An upstream index took a file back that is kept here."""
    RECALL_ENDED = "recall-ended"
    """It is as good as before there."""


class HappenedTo(NamedTuple):
    """A file to which something happened."""

    filename: str
    sha256: str | None = None
    """Hex digest of its bytes; ``None`` where nobody knows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened."""

    kind: HappeningKind
    moment: float
    """When, in seconds since the epoch."""
    project: ProjectName | None = None
    version: str | None = None
    """As the names of the files say it."""
    files: tuple[HappenedTo, ...] = ()
    user: str | None = None
    """Whose login it was, or was said to be; ``None``: there was none."""
    address: str | None = None
    """The address of the client itself, as far as trusted proxies report it; ``None``: no client did it."""
    client: str | None = None
    """What the client says it is (``User-Agent``), or the command."""
    reason: str | None = None
    """What somebody gave for a reason."""
    detail: str | None = None
    """What else there is to say: the new status, how something was found, what went wrong."""
    times: int = 1
    """How many like this it stands for."""


class TellOfHappenings(Protocol):
    """Is told of what happened; in the reactor thread, and never raises."""

    def __call__(self, happening: Happening, /) -> None:
        """Take note, at once and without waiting for anything."""


def write_happening(happening: Happening) -> Mapping[str, object]:
    """Return what is written of a happening, ready for JSON: always the same keys, ``None`` where there is nothing."""
    return {
        "time": rfc3339(happening.moment),
        "kind": happening.kind,
        "project": happening.project,
        "version": happening.version,
        "files": [{"filename": each.filename, "sha256": each.sha256} for each in happening.files],
        "user": happening.user,
        "address": happening.address,
        "client": happening.client,
        "reason": happening.reason,
        "detail": happening.detail,
        "times": happening.times,
    }


def rfc3339(seconds: float) -> str:
    """Return a moment (seconds since the epoch) in UTC, to the millisecond, as RFC 3339 has it."""
    moment = _EPOCH + timedelta(milliseconds=int(seconds * 1000))
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
