"""An index whose pages have one more hash of each file than sha256."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

from twisted_pypi.boundaries import Index, LocatedFile, RunInThread
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import NoSuchFile, Unreadable
from twisted_pypi.simple.model import File, ProjectList, ProjectPage

REMEMBERED = 200_000
"""Digests that are kept; each takes some 300 bytes."""


class MoreHashes:
    """What is in another index, with a hash by a further algorithm.

    A file is read for it when its page is asked for first, in a thread.
    """

    def __init__(self, index: Index, algorithm: str, run_in_thread: RunInThread) -> None:
        """Add the hash by ``algorithm``, one of those that hashlib has on every platform (PEP 691)."""
        self._index = index
        self._algorithm = algorithm
        self._run_in_thread = run_in_thread
        self._known: OrderedDict[str, str] = OrderedDict()

    async def projects(self) -> ProjectList:
        """All projects, once all names are known."""
        return await self._index.projects()

    async def project(self, name: ProjectName) -> ProjectPage:
        """One project's files.  Raises ``NoSuchProject`` and ``Unreadable``."""
        page = await self._index.project(name)
        return replace(page, files=tuple([await self._with_hash(name, file) for file in page.files]))

    async def file(self, project: ProjectName, filename: str) -> LocatedFile:
        """One file of a project.  Raises ``NoSuchFile`` and ``Unreadable``."""
        return await self._index.file(project, filename)

    async def _with_hash(self, project: ProjectName, file: File) -> File:
        sha256 = file.hashes.get("sha256", "")
        digest = self._known.get(sha256)
        if digest is None:
            try:
                located = await self._index.file(project, file.filename)
                digest = await self._run_in_thread(_digest, located.location, self._algorithm)
            except (NoSuchFile, Unreadable, OSError):
                return file
            if located.known.sha256 != sha256:
                return file
            self._known[sha256] = digest
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return replace(file, hashes={**file.hashes, self._algorithm: digest})


def _digest(location: str, algorithm: str) -> str:
    with Path(location).open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
