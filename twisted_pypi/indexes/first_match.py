"""An index of our own files and an upstream's, in which no project is both unless it is said to be."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from twisted_pypi.boundaries import Index, LocatedFile, Offered, Ownership
from twisted_pypi.distributions import ProjectName, is_project_name, parse_filename
from twisted_pypi.errors import BadFilename, NoSuchFile, NoSuchProject, NotAllowed, UpstreamFailed
from twisted_pypi.indexes.mirrored import Mirrored
from twisted_pypi.indexes.standing import QUARANTINED
from twisted_pypi.project_records import ProjectRecord, Status
from twisted_pypi.simple.model import File, ProjectList, ProjectPage
from twisted_pypi.simple.versions import spelled_versions, version_key


class FirstMatch:
    """What is in the folders, and behind it what an upstream has of projects that are not ours.

    A project of ours, and one of which that is not decided, is in the folders
    or nowhere: its name never goes outside, and nothing of an upstream's is
    shown or offered under it.  The upstream's projects have what the upstream
    lists and what of it is held in the folders.
    """

    def __init__(
        self,
        local: Index,
        mirrored: Mirrored,
        owners: Ownership,
        record_of: Callable[[ProjectName], ProjectRecord],
        *,
        merge: Collection[ProjectName] = frozenset(),
    ) -> None:
        """Show both of the projects in ``merge``, whosever they are; ``record_of`` is what is kept of a project."""
        self._local = local
        self._mirrored = mirrored
        self._owners = owners
        self._record_of = record_of
        self._merge = frozenset(merge)

    async def projects(self) -> ProjectList:
        """All projects of the folders, and those of which a file of an upstream's is kept."""
        local, mirrored = await self._local.projects(), await self._mirrored.projects()
        if not mirrored.names:
            return local
        return ProjectList(tuple(sorted({*local.names, *mirrored.names})))

    async def project(self, name: ProjectName) -> ProjectPage:
        """One project's files.  Raises ``NoSuchProject``, ``Unreadable`` and ``UpstreamFailed``."""
        record = self._record_of(name)
        if record.status is Status.QUARANTINED or not await self._may_go_outside(name):
            return await self._ours(name, record)
        try:
            # Before anybody is asked: what cannot be read here is not to be found elsewhere.
            held: ProjectPage | None = await self._local.project(name)
        except NoSuchProject:
            held = None
        try:
            page = await self._mirrored.project(name)
        except (NoSuchProject, UpstreamFailed):
            if held is None:
                raise
            return held
        # Asking took a while, and it may have become ours meanwhile.
        if not await self._may_go_outside(name):
            return await self._ours(name, record)
        if held is not None and page.status == QUARANTINED:
            # What is merged is ours as well, and no upstream says what becomes of that.
            page = held if name in self._merge else page
        elif held is not None:
            page = _united(page, held)
        if record.status is Status.ACTIVE and record.reason is None:
            return page
        return replace(page, status=record.status.value, status_reason=record.reason)

    async def file(self, project: ProjectName, filename: str) -> LocatedFile:
        """One file of the folders.  Raises ``NoSuchFile``, ``NotAllowed`` and ``Unreadable``."""
        return await self._local.file(project, filename)

    async def offered(self, project: ProjectName, filename: str) -> Offered:
        """A file of an upstream's that may be given out, by its name alone.

        Raises ``NoSuchProject``, ``NoSuchFile``, ``HeldBack``, ``Recalled``,
        ``NotAllowed``, ``Unreadable`` and ``UpstreamFailed``.
        """
        held = await self.held(project, filename)
        offered = await self._mirrored.offered(project, filename)
        if held is not None and held.known.sha256 != offered.file.hashes.get("sha256"):
            raise NoSuchFile(f"the file {filename} of {project} lies in the folders here; its page says where")
        # Asking took a while, and it may have become ours meanwhile.
        await self._check_upstreams(project, filename)
        return offered

    async def held(self, project: ProjectName, filename: str) -> LocatedFile | None:
        """The file of the folders that has the name of a file of an upstream's project, if there is one.

        Raises ``NoSuchProject`` for what is no project of an upstream's, and
        ``HeldBack``, ``NotAllowed`` and ``Unreadable``.
        """
        await self._check_upstreams(project, filename)
        try:
            return await self._local.file(project, filename)
        except NoSuchFile:
            return None

    async def _check_upstreams(self, project: ProjectName, filename: str) -> None:
        record = self._record_of(project)
        if record.status is Status.QUARANTINED:
            raise NotAllowed(f"{filename} is not given out: the project {project} {record.sentence}")
        if not await self._may_go_outside(project):
            raise NoSuchProject(f"there is no project {project} of an upstream index here")

    async def _may_go_outside(self, name: ProjectName) -> bool:
        if not is_project_name(name):
            return False
        return name in self._merge or (await self._owners.owner(name)).may_go_outside

    async def _ours(self, name: ProjectName, record: ProjectRecord) -> ProjectPage:
        """What is in the folders, and nothing else."""
        try:
            return await self._local.project(name)
        except NoSuchProject:
            if record.status is not Status.QUARANTINED:
                raise
            return ProjectPage(name, (), status=QUARANTINED, status_reason=record.reason)


def _united(page: ProjectPage, held: ProjectPage) -> ProjectPage:
    """Return an upstream's page with what is held in the folders, which wins where both have a name."""
    files = {file.filename: file for file in page.files}
    for file in held.files:
        listed = files.get(file.filename)
        same = listed is not None and listed.hashes.get("sha256") == file.hashes.get("sha256")
        files[file.filename] = _with_facts_of(file, listed) if listed is not None and same else file
    in_order = sorted((*version_key(_version(file.filename, page.name)), name) for name, file in files.items())
    spelled = spelled_versions(_version(name, page.name) for *_, name in in_order)
    return replace(page, files=tuple(files[name] for *_, name in in_order), versions=spelled)


def _with_facts_of(file: File, listed: File) -> File:
    """A file of the folders, with what the upstream says of the same bytes."""
    yanked = listed.yanked if file.yanked is False else file.yanked
    return replace(file, yanked=yanked, provenance=file.provenance or listed.provenance)


def _version(filename: str, project: ProjectName) -> str:
    try:
        return parse_filename(filename, project).version
    except BadFilename:
        return ""
