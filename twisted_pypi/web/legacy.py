"""What older tools ask for: JSON about a project, and XML-RPC ``search``."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from urllib.parse import urljoin

from twisted.internet.defer import DeferredLock

from twisted_pypi import core_metadata
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
from twisted_pypi.errors import BadMetadata, NoSuchFile, NoSuchProject, TooLarge, Unreadable
from twisted_pypi.legacy_json import (
    ReleaseFile,
    Releases,
    find_version,
    group_by_version,
    most_telling,
    newest,
    write_project,
    write_release,
)
from twisted_pypi.legacy_xmlrpc import (
    INVALID_PARAMETERS,
    Fault,
    Hit,
    Query,
    read_call,
    read_query,
    write_fault,
    write_hits,
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

_LONGEST_SUMMARY = 500
_MOST_LEARNT = 4096
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
            wanted = find_version(releases, version)
            if wanted is None:
                raise NoSuchFile(f"{project} has no version {version} here; the newest is {most_telling(releases)[0]}")
            about, metadata = await self._telling(releases, [wanted], known)
            document = await self._run_in_thread(write_release, project, about, releases, metadata, page_url)
        etag = f'"{sha256(document).hexdigest()[:32]}"'
        return Reply(200, (*_JSON_HEADERS, (b"ETag", etag.encode())), document)

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
            for each in sorted(releases[version], key=lambda each: _TELLING.get(each.distribution.kind, 2))
            if each.file.filename in known
        )
        tries = ((version, each) for version, each in files if each.metadata_sha256 is not None)
        for _, (version, each) in zip(range(MOST_TRIES), tries, strict=False):
            metadata = await _metadata(self._index, self._run_in_thread, each)
            if metadata is not None:
                return version, metadata
        return versions[0], None


class Search:
    """Answers ``search`` at ``/RPC2``.

    One search at a time, so that a crowd of them slows nothing else.
    """

    def __init__(self, index: LocalFiles, run_in_thread: RunInThread) -> None:
        """Search the projects of ``index``; names are compared and metadata parsed by ``run_in_thread``."""
        self._index = index
        self._run_in_thread = run_in_thread
        self._one_at_a_time = DeferredLock()
        self._learnt: OrderedDict[str, tuple[str, str]] = OrderedDict()

    async def call(self, body: bytes) -> Reply:
        """Return the answer to a call.  Raises ``BadForm`` for what is none, and ``TooLarge``."""
        if len(body) > LONGEST_CALL:
            raise TooLarge(f"an XML-RPC call of {len(body)} bytes is too long; at most {LONGEST_CALL} are taken")
        query = read_query(read_call(body))
        if isinstance(query, Fault):
            return Reply(200, _XML_HEADERS, write_fault(query))
        async with self._one_at_a_time:
            found = await self._find(query)
        return Reply(200, _XML_HEADERS, write_fault(found) if isinstance(found, Fault) else write_hits(found))

    async def _find(self, query: Query) -> list[Hit] | Fault:
        names = (await self._index.projects()).names
        named = await self._run_in_thread(_matching, names, query)
        certain = named if not (query.every and query.summaries) else []
        to_read: Sequence[ProjectName] = ()
        if query.summaries:
            seen = set(named)
            alternatives = names if not query.names else [name for name in names if name not in seen]
            to_read = named if query.every and query.names else alternatives
        if len(to_read) > MOST_SUMMARIES:
            if not query.names:
                return Fault(
                    INVALID_PARAMETERS,
                    f"an index of more than {MOST_SUMMARIES} projects is searched by name; give the search a name",
                )
            to_read = to_read[:MOST_SUMMARIES] if query.every else ()
        hits = [hit for name in certain[:MOST_HITS] if (hit := await self._hit(name)) is not None]
        for name in to_read:
            if len(hits) >= MOST_HITS:
                break
            hit = await self._hit(name)
            if hit is not None and query.by_summary(hit.summary):
                hits.append(hit)
        return hits

    async def _hit(self, name: ProjectName) -> Hit | None:
        """Return what there is to say of a project; ``None`` when it is gone meanwhile, or cannot be read."""
        try:
            version, files = await self._run_in_thread(_newest_files, await self._index.files_of(name))
            for known in files:
                if known.metadata_sha256 is not None:
                    shown, summary = await self._name_and_summary(known, known.metadata_sha256)
                    return Hit(shown, version, summary)
        except (NoSuchProject, Unreadable):
            return None
        return Hit(name, version, "")

    async def _name_and_summary(self, known: KnownFile, digest: str) -> tuple[str, str]:
        learnt = self._learnt.get(digest)
        if learnt is None:
            metadata = await _metadata(self._index, self._run_in_thread, known)
            told = (known.project, "") if metadata is None else (metadata.name, metadata.summary or "")
            learnt = (told[0], told[1][:_LONGEST_SUMMARY])
            self._learnt[digest] = learnt
            if len(self._learnt) > _MOST_LEARNT:
                self._learnt.popitem(last=False)
        else:
            self._learnt.move_to_end(digest)
        return learnt


async def _metadata(index: LocalFiles, run_in_thread: RunInThread, known: KnownFile) -> CoreMetadata | None:
    raw = await index.metadata(known)
    if raw is None:
        return None
    try:
        return await run_in_thread(core_metadata.parse, raw)
    except BadMetadata:
        return None


def _matching(names: Sequence[ProjectName], query: Query) -> list[ProjectName]:
    """Return the names that a query means, those first that are or start with a term."""

    def place(name: ProjectName) -> tuple[bool, bool, str]:
        return name not in query.names, not name.startswith(query.names), name

    return sorted((name for name in names if query.by_name(name)), key=place)


def _newest_files(files: Sequence[KnownFile]) -> tuple[str, list[KnownFile]]:
    """Return the newest stable version (or the newest), and its files, the most telling first."""
    if not files:
        raise NoSuchProject("there are no files to speak of")
    version = newest({canonical_version(each.distribution.version) for each in files})
    of_version = [each for each in files if canonical_version(each.distribution.version) == version]
    return version, sorted(of_version, key=lambda each: _TELLING.get(each.distribution.kind, 2))
