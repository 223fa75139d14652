"""The page at ``/packages/``: every file, for people and for ``pip --find-links``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from twisted_pypi.boundaries import KnownFile, LocalFiles
from twisted_pypi.simple.json import upload_time
from twisted_pypi.web.people.templates import HTML, Templates
from twisted_pypi.web.replies import Reply


@dataclass(frozen=True, slots=True)
class Row:
    """One file of the list."""

    filename: str
    href: str
    """Relative to the list, with the hash (PEP 503)."""
    requires_python: str | None
    size: int
    """Bytes."""
    date: str | None
    """The day it came here, UTC."""


class Listing:
    """The list of all files, made while it is sent."""

    def __init__(self, templates: Templates, index: LocalFiles) -> None:
        self._templates = templates
        self._index = index

    async def page(self) -> Reply:
        """Return the list, in pieces of some 16 KiB."""
        files = await self._index.all_files()
        pieces = self._templates.pieces("packages", rows=_rows(files), count=self._index.counts()[1])
        return Reply(200, (HTML, *self._templates.headers), pieces)


def _rows(files: Iterable[KnownFile]) -> Iterator[Row]:
    for known in files:
        date = upload_time(known.uploaded_ns)
        yield Row(
            known.filename,
            f"{quote(known.path)}#sha256={known.sha256}",
            known.requires_python,
            known.size,
            date and date[:10],
        )
