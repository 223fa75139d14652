"""Where files of upstream indexes lie, and what is known of the one at a place.

``<root>/.upstream/<project>/<filename>``, with its sidecar beside it; and
``<root>/.upstream/.locked/<project>/<filename>`` for those that an index took
back, where nobody but the server's own user may look.
"""

from __future__ import annotations

import os
import stat
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from twisted_pypi.boundaries import CachedFile
from twisted_pypi.distributions import ProjectName, is_package_name, is_project_name, normalize
from twisted_pypi.errors import BadFilename
from twisted_pypi.sidecars import sidecar_name
from twisted_pypi.storage.beside import changed_at, look_beside
from twisted_pypi.storage.final_names import sync_folder
from twisted_pypi.upstream_facts import from_upstream, recall_in

UPSTREAM = ".upstream"
"""The folder in a root."""

LOCKED = ".locked"
"""The folder in that one for files that are hidden."""

METADATA = ".metadata"
"""How the name of the metadata beside a wheel ends (PEP 658)."""

SIZE = "size"
"""The key of a sidecar under which the size of the file is kept."""

_REMEMBERED = 4096


def is_place(project: ProjectName, filename: str) -> bool:
    """May a file of that name be kept for that project?"""
    if not is_project_name(project) or normalize(project) != project or "/" in filename or "\0" in filename:
        return False
    try:
        sidecar_name(filename)
    except BadFilename:
        return False
    return may_be_kept(filename)


def may_be_kept(filename: str) -> bool:
    """Is this the name of a package, or of the metadata beside one?"""
    return is_package_name(filename.removesuffix(METADATA))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was found at a place, and when it has to be looked at again."""

    size: int
    mtime_ns: int
    beside_ns: int | None
    cached: CachedFile | None


class Places:
    """The files below one folder; what was found is remembered while sizes and times are the same.

    Any thread may ask.
    """

    def __init__(self, folder: Path) -> None:
        """Look in ``folder``, by project."""
        self.folder = folder
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        self._lock = threading.Lock()

    def path(self, project: ProjectName, filename: str) -> Path:
        """Where a file is, if it is there."""
        return self.folder / project / filename

    def look(self, project: ProjectName, filename: str) -> CachedFile | None:
        """The file that is there; one without a sidecar, or of another size than that says, is none."""
        location = f"{self.folder}/{project}/{filename}"
        try:
            now = os.stat(location)
            beside_ns = changed_at(location)
            with self._lock:
                seen = self._seen.get(location)
            if seen is None or (seen.size, seen.mtime_ns, seen.beside_ns) != (now.st_size, now.st_mtime_ns, beside_ns):
                cached = _read(location, project, filename, now) if stat.S_ISREG(now.st_mode) else None
                seen = _Seen(now.st_size, now.st_mtime_ns, beside_ns, cached)
                with self._lock:
                    self._seen[location] = seen
                    if len(self._seen) > _REMEMBERED:
                        self._seen.popitem(last=False)
        except OSError:
            return None
        return seen.cached

    def projects(self) -> list[ProjectName]:
        """The projects that have a folder; where a link leads to is no folder of theirs."""
        try:
            with os.scandir(self.folder) as entries:
                found = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
            return [ProjectName(name) for name in found if not name.startswith(".")]
        except OSError:
            return []

    def names(self, project: ProjectName) -> list[str]:
        """The names of the files of a project, without what is hidden."""
        try:
            return [name for name in os.listdir(self.folder / project) if not name.startswith(".")]
        except OSError:
            return []


def _read(location: str, project: ProjectName, filename: str, now: os.stat_result) -> CachedFile | None:
    sidecar = look_beside(location).sidecar
    said = None if sidecar is None else from_upstream(sidecar, filename.removesuffix(METADATA))
    if sidecar is None or said is None or sidecar.more.get(SIZE) != now.st_size:
        return None
    return CachedFile(
        project,
        filename,
        location,
        now.st_size,
        now.st_mtime_ns,
        sidecar.sha256,
        said.fetched_ns,
        said.file,
        said.index,
        recall_in(sidecar),
    )


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder that may be there already, and write that down on the disk."""
    try:
        folder.mkdir(mode)
    except FileExistsError:
        return
    sync_folder(folder.parent)


def remove_folder(folder: Path) -> None:
    """Remove a folder, unless something is in it."""
    with suppress(OSError):
        folder.rmdir()


def file_stat(path: Path) -> os.stat_result | None:
    """What the system says of a file; ``None`` when there is none, or nothing can be said."""
    try:
        now = path.stat()
    except OSError:
        return None
    return now if stat.S_ISREG(now.st_mode) else None
