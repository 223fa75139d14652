"""Which files of an upstream's page an update fetches."""

from __future__ import annotations

from dataclasses import dataclass

from twisted_pypi.simple.model import File


@dataclass(frozen=True, slots=True)
class Fetch:
    """A file that is to be fetched."""

    file: File
    """What the page says of it; it has a sha256."""
    version: str
    """Its version in canonical form (PEP 440)."""
    because: str
    """Why, as it follows "because"."""


@dataclass(frozen=True, slots=True)
class Left:
    """A file of the page that would have been fetched, or that is held, and is left as it is."""

    filename: str
    because: str
    """Why, as it follows "because"."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an update does to one project."""

    fetch: tuple[Fetch, ...] = ()
    """Newest release first."""
    left: tuple[Left, ...] = ()
    """Newest release first."""
    newest_held: str | None = None
    """The newest version of which a file is held, in canonical form; as written, where none follows PEP 440."""
    newest_offered: str | None = None
    """The newest version on the page that follows PEP 440, in canonical form; without ``unstable``, the newest
    stable one."""
