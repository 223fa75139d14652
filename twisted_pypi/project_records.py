"""What is kept of a project besides its files: its status (PEP 792), and why.

For the project ``acme``, the file ``.projects/acme/.project.json`` in the first
root is a JSON object with a ``status`` and perhaps a ``reason``; every other key
stays as it is.  Without that file, a project is active.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """What is kept of one project."""

    status: Status = Status.ACTIVE
    reason: str | None = None
    """Why it has this status."""
    more: Mapping[str, object] = field(default_factory=dict)
    """Every other key, kept as it is."""

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
    status, reason = found.pop("status", Status.ACTIVE), found.pop("reason", None)
    if status not in list(Status):
        return None
    # JSON may hold half of a pair of surrogates, which no page can.
    text = reason.encode("utf-8", "replace").decode() if isinstance(reason, str) else None
    return ProjectRecord(Status(status), text or None, found)


def format_record(record: ProjectRecord) -> bytes:
    """Return the bytes of a record: JSON, one line, keys in order."""
    said: dict[str, object] = {**record.more, "status": record.status}
    if record.reason:
        said["reason"] = record.reason
    return json.dumps(said, sort_keys=True).encode() + b"\n"
