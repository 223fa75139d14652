"""An index whose pages say where the provenance of each file is (PEP 740)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from twisted_pypi.boundaries import KnownFile, LocalFiles, LocatedFile
from twisted_pypi.distributions import ProjectName
from twisted_pypi.simple.model import File, ProjectList, ProjectPage


class WithProvenance:
    """What is in another index, and the addresses of what is attested of its files."""

    def __init__(self, index: LocalFiles, public_url: str) -> None:
        """Serve what ``index`` has under ``public_url``, which is absolute and has no slash at its end.

        Pages are kept for everybody, so nothing that a request says of the
        address may get into them.
        """
        self._index = index
        self._public_url = public_url

    async def projects(self) -> ProjectList:
        """All projects, once all names are known."""
        return await self._index.projects()

    async def project(self, name: ProjectName) -> ProjectPage:
        """One project's files.  Raises ``NoSuchProject`` and ``Unreadable``."""
        page = await self._index.project(name)
        attested = {known.filename: known for known in await self._index.files_of(name) if known.attested}
        if not attested:
            return page
        return replace(page, files=tuple(self._with_provenance(file, attested) for file in page.files))

    async def file(self, project: ProjectName, filename: str) -> LocatedFile:
        """One file of a project.  Raises ``NoSuchFile`` and ``Unreadable``."""
        return await self._index.file(project, filename)

    def _with_provenance(self, file: File, attested: Mapping[str, KnownFile]) -> File:
        known = attested.get(file.filename)
        if known is None:
            return file
        path = "/".join(quote(each, safe="") for each in (known.project, known.distribution.version, known.filename))
        return replace(file, provenance=f"{self._public_url}/integrity/{path}/provenance")
