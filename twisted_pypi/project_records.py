"""What is kept of a project besides its files: its status (PEP 792), and why.

For the project ``acme``, the file ``.projects/acme/.project.json`` in the first
root is a JSON object with a ``status`` and perhaps a ``reason``; every other key
stays as it is.  Without that file, a project is active.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

PROJECTS = ".projects"
"""The folder in the first root; in it, there is one for each project, by its normalised name."""

PROJECT = ".project.json"
"""The name of a record in the folder of its project."""

LARGEST = 1024 * 1024
"""Bytes that a record may have; a larger file is none."""


class Status(StrEnum):
    """The status markers of PEP 792."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    """Takes no uploads."""
    QUARANTINED = "quarantined"
    """Takes no uploads, and offers no files."""
    DEPRECATED = "deprecated"

    @property
    def takes_uploads(self) -> bool:
        """May files be uploaded to a project with this status?"""
        return self not in {Status.ARCHIVED, Status.QUARANTINED}


class Whose(StrEnum):
    """Whom a project belongs to."""

    OURS = "ours"
    """It is never asked for outside, nor merged with anything, nor updated."""
    UPSTREAM = "upstream"
    """Its files are an upstream index's."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose a project was found to be; decided once, and kept."""

    whose: Whose
    because: str
    """The reason, as it follows "because"."""
    decided_ns: int
    """When, nanoseconds since the epoch; written down to the second."""
    matched: Mapping[str, str] = field(default_factory=dict)
    """The files that decided it: hex sha256 digests by file name."""


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """What is kept of one project."""

    status: Status = Status.ACTIVE
    reason: str | None = None
    """Why it has this status."""
    more: Mapping[str, object] = field(default_factory=dict)
    """Every other key, kept as it is."""
    _: KW_ONLY
    origin: Origin | None = None
    """Whose it is, where that was decided."""

    @property
    def sentence(self) -> str:
        """Status and reason, as they follow the name of the project in a sentence."""
        return f"is {self.status}" + (f": {self.reason}" if self.reason else "")


ACTIVE = ProjectRecord()
"""What holds for a project without a record."""


def parse_record(data: bytes) -> ProjectRecord | None:
    """Return what a record says; ``None`` when it is not one."""
    if len(data) > LARGEST:
        return None
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    status, reason, origin = found.pop("status", Status.ACTIVE), found.pop("reason", None), found.pop("origin", None)
    if status not in list(Status):
        return None
    # JSON may hold half of a pair of surrogates, which no page can.
    text = reason.encode("utf-8", "replace").decode() if isinstance(reason, str) else None
    return ProjectRecord(Status(status), text or None, found, origin=_origin(origin))


def format_record(record: ProjectRecord) -> bytes:
    """Return the bytes of a record: JSON, one line, keys in order."""
    said: dict[str, object] = {**record.more, "status": record.status}
    if record.reason:
        said["reason"] = record.reason
    if record.origin is not None:
        said["origin"] = _said(record.origin)
    return json.dumps(said, sort_keys=True).encode() + b"\n"


def _origin(found: object) -> Origin | None:
    """What a record says of whose the project is; what cannot be understood is ours, to be safe."""
    if found is None:
        return None
    if not isinstance(found, dict) or found.get("whose") not in list(Whose):
        return Origin(Whose.OURS, "its record says what cannot be understood", 0)
    because, decided, matched = (found.get(key) for key in ("because", "decided", "matched"))
    return Origin(
        Whose(found["whose"]),
        because.encode("utf-8", "replace").decode() if isinstance(because, str) else "its record says so",
        _nanoseconds(decided) if isinstance(decided, str) else 0,
        {str(name): digest for name, digest in matched.items() if isinstance(digest, str)}
        if isinstance(matched, dict)
        else {},
    )


def _said(origin: Origin) -> dict[str, object]:
    decided = datetime.fromtimestamp(origin.decided_ns // 1_000_000_000, UTC)
    said: dict[str, object] = {
        "whose": origin.whose,
        "because": origin.because,
        "decided": decided.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if origin.matched:
        said["matched"] = dict(origin.matched)
    return said


def _nanoseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1_000_000_000
    except (ValueError, OverflowError):
        return 0
