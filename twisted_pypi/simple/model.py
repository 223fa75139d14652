"""What a simple index says, apart from how it is written down.

Absent is not false: ``None`` means that the index does not say.  Follows the
simple repository API 1.4 (PEP 503, 592, 629, 691, 700, 714, 740, 792).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from twisted_pypi.distributions import ProjectName

API_VERSION = "1.4"
"""The version of the simple repository API that is spoken here (PEP 629)."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of a project page."""

    filename: str
    """Its name, the last part of its URL."""
    url: str
    """Absolute, or relative to the page; already percent-encoded, without a fragment."""
    hashes: Mapping[str, str]
    """Hex digests by lower-case algorithm name; may be empty (PEP 691)."""
    size: int | None = None
    """Bytes (PEP 700)."""
    upload_time_ns: int | None = None
    """When it was uploaded, nanoseconds since the epoch (PEP 700)."""
    requires_python: str | None = None
    """A version specifier (PEP 503)."""
    core_metadata: Mapping[str, str] | bool | None = None
    """Hex digests of what is served at ``url`` + ``.metadata``, or that there is (not) such a thing (PEP 714)."""
    gpg_sig: bool | None = None
    """Is there a signature at ``url`` + ``.asc`` (PEP 503)?"""
    yanked: str | bool = False
    """Is it yanked, and with which reason (PEP 592)?"""
    provenance: str | None = None
    """The absolute https URL of its provenance (PEP 740)."""


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """One project and its files."""

    name: ProjectName
    files: tuple[File, ...]
    versions: tuple[str, ...] = ()
    """Every version that has a file, in order of version (PEP 700)."""
    status: str | None = None
    """Its status marker: active, archived, quarantined or deprecated (PEP 792)."""
    status_reason: str | None = None
    """Why (PEP 792)."""
    meta: Mapping[str, str] = field(default_factory=dict)
    """More keys of the page's ``meta``, each starting with an underscore."""


@dataclass(frozen=True, slots=True)
class ProjectList:
    """The names of all projects, sorted."""

    names: tuple[ProjectName, ...]
