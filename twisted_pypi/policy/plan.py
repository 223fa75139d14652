"""Which files of an upstream's page an update fetches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from packaging.version import Version

from twisted_pypi.distributions import ProjectName
from twisted_pypi.policy.ordering import Release, held_releases, offered_releases
from twisted_pypi.policy.ownership import HeldFile
from twisted_pypi.policy.rules import Rules
from twisted_pypi.policy.selection import source_of, successors
from twisted_pypi.sidecars import Source
from twisted_pypi.simple.model import File, ProjectPage

_SHA256 = re.compile(r"[0-9a-fA-F]{64}\Z")


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
    """Oldest release first: what is held next decides where an update that was broken off goes on."""
    left: tuple[Left, ...] = ()
    """Newest release first.  Of pre-releases only the newest is named, of releases without a file that fits one file."""
    newest_held: str | None = None
    """The newest version of which a file is held, in canonical form; as written, where none follows PEP 440."""
    newest_offered: str | None = None
    """The newest version on the page that follows PEP 440, in canonical form; without ``unstable``, the newest
    stable one."""


def plan_update(
    project: ProjectName,
    held: Sequence[HeldFile],
    page: ProjectPage,
    rules: Rules,
    now_ns: int,
    *,
    take_all: bool,
    keep: int,
    unstable: bool,
) -> Plan:
    """Plan the update of a project of which files are held.

    It takes the ``keep`` newest releases that are newer than what is held,
    of each the files of the kinds that are held of the last one (with
    ``take_all``: all files), or its source distribution if it has none of
    them.  Pre-releases count only with ``unstable``.  A release of which
    nothing can be taken is passed over for the next older one.

    A release that was fetched, and lacks files that would be taken by the
    same measure, is completed: the last update was broken off, a file was
    held back, or came later.
    """
    ours = held_releases(project, held)
    if not ours:
        return Plan()
    newest, newest_files = ours[0]
    judge = _Judge(project, {each.filename: each.sha256 for each in held}, page, rules, now_ns)
    kinds = _kinds(ours)
    left: list[Left] = []
    unstable_left: list[Left] = []
    fetch: list[list[Fetch]] = []
    offered = offered_releases(project, page)
    for release in offered:
        if len(fetch) == keep or (isinstance(newest, Version) and release.version <= newest):
            break
        if release.version.is_prerelease and not unstable:
            if not unstable_left:
                wanted = _wanted(release, kinds, take_all=take_all)
                unstable_left = [Left(each, "it is a pre-release, and only stable ones are taken") for each in wanted]
                left += unstable_left
            continue
        found, others = judge.divide(release, kinds, f"{release.version} is newer than {newest}", take_all=take_all)
        fetch += [found] if found else []
        left += others
    if _was_fetched(newest_files):
        for release in (each for each in offered if each.version == newest):
            found, others = judge.divide(release, kinds, f"{newest} was fetched without it", take_all=take_all)
            fetch.append(found)
            left += others
    conflicts = (Left(file.filename, because) for file in page.files if (because := judge.conflict(file)))
    stable = (str(each.version) for each in offered if unstable or not each.version.is_prerelease)
    oldest_first = tuple(chain.from_iterable(reversed(fetch)))
    return Plan(oldest_first, tuple(dict.fromkeys((*left, *conflicts))), str(newest), next(stable, None))


class _Judge:
    """What can be taken of a page."""

    def __init__(
        self, project: ProjectName, held: Mapping[str, str], page: ProjectPage, rules: Rules, now_ns: int
    ) -> None:
        self._project = project
        self._held = held
        self._page = page
        self._rules = rules
        self._now_ns = now_ns

    def divide(
        self, release: Release, kinds: Sequence[str], why: str, *, take_all: bool
    ) -> tuple[list[Fetch], list[Left]]:
        """What is fetched of a release, and what would have been and is not."""
        wanted = _wanted(release, kinds, take_all=take_all)
        if not wanted:
            reason = f"no file of {release.version} is of a kind that is held, and it has no source distribution"
            return [], [Left(each, reason) for each in islice(release.files, 1)]
        obstacles = {name: self._obstacle(file) for name, file in release.files.items() if name not in self._held}
        left = [Left(name, because) for name in wanted if (because := obstacles.get(name))]
        free = Release(release.version, {name: release.files[name] for name, each in obstacles.items() if each is None})
        if not wanted.keys() <= self._held.keys() | free.files.keys() and _SOURCE not in wanted.values():
            # What stands in the way of one file may leave another of its kind.
            wanted = {**wanted, **_wanted(free, kinds, take_all=take_all, source=False)}
        version = str(release.version)
        return [
            Fetch(free.files[name], version, f"{why}, and {of_kind}")
            for name, of_kind in wanted.items()
            if name in free.files
        ], left

    def conflict(self, file: File) -> str | None:
        """How a file that is held differs from that of the page with its name."""
        here, there = self._held.get(file.filename), file.hashes.get("sha256")
        if here is None or there is None or here.lower() == there.lower():
            return None
        return f"another file of that name is held (sha256 {here}) than the one that is published (sha256 {there})"

    def _obstacle(self, file: File) -> str | None:
        """Why a file is not to be fetched, as it follows "because"."""
        if not _SHA256.match(file.hashes.get("sha256", "")):
            return "the index gives no sha256 of it"
        if self._page.status == "quarantined":
            return "the project is quarantined" + (f": {self._page.status_reason}" if self._page.status_reason else "")
        if file.yanked is not False:
            return "it is yanked" + (f": {file.yanked}" if isinstance(file.yanked, str) and file.yanked else "")
        verdict = self._rules.judge(self._project, file, self._now_ns)
        return None if verdict is None else f"it is {verdict.sentence}"


_SOURCE = "it is the source, where no file is of a kind that is held"


def _wanted(release: Release, kinds: Sequence[str], *, take_all: bool, source: bool = True) -> Mapping[str, str]:
    """The files of a release that are to be fetched, each with the reason."""
    if take_all:
        return dict.fromkeys(release.files, "all files are taken")
    alike = successors(kinds, release.files)
    if alike:
        return {name: f"it is of the kind of {alike[name]}" for name in release.files if name in alike}
    found = source_of(release.files) if source else None
    return {} if found is None else {found: _SOURCE}


def _kinds(ours: Sequence[tuple[Version | str, Sequence[HeldFile]]]) -> list[str]:
    """The files whose kinds are wanted: those of the newest release.

    If that was fetched, it may be one that lacks some, so those of the one
    before count too.
    """
    found: list[str] = []
    for _, files in ours:
        found += [each.filename for each in files]
        if not _was_fetched(files):
            break
    return found


def _was_fetched(files: Iterable[HeldFile]) -> bool:
    return any(each.source is Source.UPSTREAM for each in files)
