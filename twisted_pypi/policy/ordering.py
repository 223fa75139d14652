"""The releases of a project in the order of their versions (PEP 440)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from twisted_pypi.distributions import ProjectName, parse_filename
from twisted_pypi.errors import BadFilename
from twisted_pypi.policy.ownership import HeldFile
from twisted_pypi.simple.model import File, ProjectPage


@dataclass(frozen=True, slots=True)
class Release:
    """The files of one version on a page."""

    version: Version
    files: Mapping[str, File]
    """By file name."""


def held_releases(project: ProjectName, held: Iterable[HeldFile]) -> list[tuple[Version | str, list[HeldFile]]]:
    """Return what is held, newest first; versions that do not follow PEP 440 are one release, older than all others."""
    releases: dict[Version, list[HeldFile]] = {}
    unordered: dict[str, HeldFile] = {}
    for file in held:
        text = _version_text(project, file.filename)
        version = None if text is None else _version(text)
        if version is not None:
            releases.setdefault(version, []).append(file)
        else:
            unordered[file.filename] = file
    found: list[tuple[Version | str, list[HeldFile]]] = [
        (each, releases[each]) for each in sorted(releases, reverse=True)
    ]
    if unordered:
        last = max(unordered)
        found.append((_version_text(project, last) or last, list(unordered.values())))
    return found


def offered_releases(project: ProjectName, page: ProjectPage) -> list[Release]:
    """Return the releases of a page, newest first; files whose version does not follow PEP 440 are not among them."""
    versions: dict[str, Version | None] = {}
    releases: dict[Version, dict[str, File]] = {}
    for file, text in _texts(project, page):
        if text not in versions:
            versions[text] = _version(text)
        version = versions[text]
        if version is not None:
            releases.setdefault(version, {})[file.filename] = file
    return [Release(each, releases[each]) for each in sorted(releases, reverse=True)]


def _texts(project: ProjectName, page: ProjectPage) -> Iterator[tuple[File, str]]:
    for file in page.files:
        text = _version_text(project, file.filename)
        if text is not None:
            yield file, text


def _version_text(project: ProjectName, filename: str) -> str | None:
    try:
        return parse_filename(filename, project).version
    except BadFilename:
        return None


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
