"""What older tools ask for: JSON about a project, and XML-RPC ``search``."""

from __future__ import annotations

from urllib.parse import urljoin

from twisted_pypi.boundaries import KnownFile, LocalFiles, RunInThread
from twisted_pypi.core_metadata import CoreMetadata
from twisted_pypi.distributions import (
    Kind,
    ProjectName,
    canonical_version,
    is_project_name,
    normalize,
    parse_filename,
)
from twisted_pypi.errors import NoSuchFile, NoSuchProject
from twisted_pypi.legacy_json import (
    ReleaseFile,
    Releases,
    group_by_version,
    most_telling,
    write_project,
    write_release,
)
from twisted_pypi.web.replies import Reply

LONGEST_CALL = 1 << 16
"""Bytes of an XML-RPC call."""

MOST_HITS = 100
"""Projects that one search finds at most, as on the public index."""

MOST_SUMMARIES = 1000
"""Projects whose summaries are read for one search; with more than that, names alone are searched."""

MOST_TRIES = 10
"""Files whose metadata is tried before a document goes without."""

_JSON_HEADERS = ((b"Content-Type", b"application/json"), (b"Cache-Control", b"private, no-cache"))
_XML_HEADERS = ((b"Content-Type", b"text/xml; charset=utf-8"), (b"Cache-Control", b"no-store"))
_TELLING = {Kind.WHEEL: 0, Kind.SDIST: 1}


class LegacyJson:
    """Answers ``/<project>/json``, ``/pypi/<project>/json`` and ``/pypi/<project>/<version>/json``."""

    def __init__(self, index: LocalFiles, run_in_thread: RunInThread) -> None:
        """Speak of the projects of ``index``; metadata is parsed by ``run_in_thread``."""
        self._index = index
        self._run_in_thread = run_in_thread

    async def project(self, name: str, version: str | None, base_url: str) -> Reply:
        """Return the document about a project, or about one version of it, both in any spelling.

        ``base_url`` is where the client finds this server, without a slash at
        its end.  Raises ``NoSuchProject``, ``NoSuchFile`` (no such version) and
        ``Unreadable``.
        """
        if not is_project_name(name):
            raise NoSuchProject(f"{name!r} is not the name of a project; expected letters, digits, '.', '-' and '_'")
        project = normalize(name)
        page_url = f"{base_url}/simple/{project}/"
        known = {each.filename: each for each in await self._index.files_of(project)}
        releases = await self._releases(project, known, page_url)
        if version is None:
            about, metadata = await self._telling(releases, most_telling(releases), known)
            document = await self._run_in_thread(write_project, project, about, releases, metadata, page_url)
        else:
            wanted = canonical_version(version)
            if wanted not in releases:
                raise NoSuchFile(f"{project} has no version {version} here; the index has {', '.join(releases)}")
            about, metadata = await self._telling(releases, [wanted], known)
            document = await self._run_in_thread(write_release, project, about, releases, metadata, page_url)
        return Reply(200, _JSON_HEADERS, document)

    async def _releases(self, project: ProjectName, known: dict[str, KnownFile], page_url: str) -> Releases:
        page = await self._index.project(project)
        files = []
        for file in page.files:
            found = known.get(file.filename)
            distribution = found.distribution if found else parse_filename(file.filename, project)
            files.append(ReleaseFile(distribution, replace(file, url=urljoin(page_url, file.url))))
        if not files:
            raise NoSuchProject(f"the project {project} has no files to speak of")
        return group_by_version(files)

    async def _telling(
        self, releases: Releases, versions: list[str], known: dict[str, KnownFile]
    ) -> tuple[str, CoreMetadata | None]:
        """Return the first version that has metadata, and that; if none has, the first, and None."""
        files = (
            (version, known[each.file.filename])
            for version in versions
            for each in releases[version]
            if each.file.filename in known
        )
        tries = ((version, each) for version, each in files if each.metadata_sha256 is not None)
        for _, (version, each) in zip(range(MOST_TRIES), tries, strict=False):
            metadata = await _metadata(self._index, self._run_in_thread, each)
            if metadata is not None:
                return version, metadata
        return versions[0], None
