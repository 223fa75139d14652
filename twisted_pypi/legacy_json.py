"""The JSON document about a project that older tools read: ``/pypi/<project>/json``.

It is no standard: the keys are those of the public index, as far as they can
be said truthfully of files.  What is not known is ``null``; what is not kept
here at all (vulnerabilities, owners) is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_version
from packaging.version import InvalidVersion, Version

from twisted_pypi.core_metadata import CoreMetadata
from twisted_pypi.distributions import Distribution, Kind, ProjectName, canonical_version
from twisted_pypi.simple.json import upload_time
from twisted_pypi.simple.model import File

_TEXTS = (
    "author", "author_email", "description_content_type", "download_url", "home_page", "keywords", "license",
    "license_expression", "maintainer", "maintainer_email", "requires_python", "summary",
)  # fmt: skip
_LISTS = {"dynamic": "dynamic", "license_files": "license_file", "provides_extra": "provides_extra"}
_EGG_PYTHON = re.compile(r"-py(\d[\d.]*)(?:-|\.egg\Z)")


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """One file of a release."""

    distribution: Distribution
    file: File
    """What the simple index says of it; its URL is absolute."""


Releases = Mapping[str, Sequence[ReleaseFile]]
"""The files of each version (canonical, PEP 440), oldest version first."""


def group_by_version(files: Iterable[ReleaseFile]) -> Releases:
    """Return the files by version, and by name within each."""
    found: dict[str, list[ReleaseFile]] = {}
    for each in sorted(files, key=lambda each: each.file.filename):
        found.setdefault(canonical_version(each.distribution.version), []).append(each)
    return dict(sorted(found.items(), key=lambda item: _age(item[0])))


def find_version(releases: Releases, version: str) -> str | None:
    """Return the version among them that equals this one in any spelling (``1`` is ``1.0``); ``None`` if there is none."""
    if (written := canonical_version(version)) in releases:
        return written
    wanted = canonicalize_version(version)
    return next((each for each in releases if canonicalize_version(each) == wanted), None)


def most_telling(releases: Releases) -> list[str]:
    """Return the versions, the one that speaks for the project first.

    That is the newest stable one (post releases, epochs and local versions are
    stable); then come pre-releases, and yanked versions last.
    """

    def weight(version: str) -> tuple[bool, bool, tuple[bool, Version, str]]:
        return not is_yanked(releases[version]), is_stable(version), _age(version)

    return sorted(releases, key=weight, reverse=True)


def is_yanked(files: Sequence[ReleaseFile]) -> bool:
    """Is every file of a release yanked (PEP 592)?"""
    return all(each.file.yanked is not False for each in files)


def is_stable(version: str) -> bool:
    """Is this a valid version (PEP 440), and neither a pre-release nor a development release?"""
    try:
        return not Version(version).is_prerelease
    except InvalidVersion:
        return False


def newest(versions: Iterable[str]) -> str:
    """Return the newest stable version, or where there is none the newest; at least one must be given."""
    return max(versions, key=lambda version: (is_stable(version), _age(version)))


def _age(version: str) -> tuple[bool, Version, str]:
    try:
        return True, Version(version), version
    except InvalidVersion:
        return False, Version("0"), version


def write_project(
    name: ProjectName, version: str, releases: Releases, metadata: CoreMetadata | None, page_url: str
) -> bytes:
    """Return the document about a project; ``metadata`` is that of ``version``, if any can be read.

    ``page_url`` is the absolute URL of the project's simple page.
    """
    document = _release(name, version, releases, metadata, page_url)
    document["releases"] = {each: [_file(file) for file in files] for each, files in releases.items()}
    return _written(document)


def write_release(
    name: ProjectName, version: str, releases: Releases, metadata: CoreMetadata | None, page_url: str
) -> bytes:
    """Return the document about one version: the same, without the other releases."""
    return _written(_release(name, version, releases, metadata, page_url))


def _release(
    name: ProjectName, version: str, releases: Releases, metadata: CoreMetadata | None, page_url: str
) -> dict[str, Any]:
    files = releases[version]
    reasons = [each.file.yanked for each in files if isinstance(each.file.yanked, str) and each.file.yanked]
    yanked = is_yanked(files)
    info = _info(metadata) | {
        "name": name if metadata is None else metadata.name,
        "version": version,
        "package_url": page_url,
        "yanked": yanked,
        "yanked_reason": reasons[0] if yanked and reasons else None,
    }
    # Tools that mirror insist on a serial; nothing is counted here, and 0 is older than anything they have seen.
    return {"info": dict(sorted(info.items())), "last_serial": 0, "urls": [_file(each) for each in files]}


def _info(metadata: CoreMetadata | None) -> dict[str, Any]:
    fields: Mapping[str, Sequence[str]] = {} if metadata is None else metadata.fields
    info: dict[str, Any] = {name: next(iter(fields.get(name, ())), None) for name in _TEXTS}
    info |= {key: list(fields.get(field, ())) or None for key, field in _LISTS.items()}
    info["classifiers"] = list(fields.get("classifiers", ()))
    info["description"] = None if metadata is None else metadata.description or None
    info["platform"] = ", ".join(fields.get("platform", ())) or None
    info["project_urls"] = _project_urls(fields) or None
    info["requires_dist"] = list(fields.get("requires_dist", ())) or None
    return info


def _project_urls(fields: Mapping[str, Sequence[str]]) -> dict[str, str]:
    urls: dict[str, str] = {}
    for each in fields.get("project_urls", ()):
        label, comma, url = each.partition(",")
        if comma:
            urls.setdefault(label.strip(), url.strip())
    for label, field in (("Homepage", "home_page"), ("Download", "download_url")):
        for url in fields.get(field, ())[:1]:
            urls.setdefault(label, url)
    return urls


def _file(each: ReleaseFile) -> dict[str, Any]:
    file = each.file
    moment = None if file.upload_time_ns is None else upload_time(file.upload_time_ns)
    return {
        "comment_text": None,
        "digests": dict(sorted(file.hashes.items())),
        "filename": file.filename,
        "has_sig": file.gpg_sig is True,
        "md5_digest": file.hashes.get("md5"),
        "packagetype": str(each.distribution.kind),
        "python_version": _python_version(each.distribution),
        "requires_python": file.requires_python,
        "size": file.size,
        "upload_time": moment and moment[:19],
        "upload_time_iso_8601": moment,
        "url": file.url,
        "yanked": file.yanked is not False,
        "yanked_reason": file.yanked if isinstance(file.yanked, str) and file.yanked else None,
    }


def _python_version(distribution: Distribution) -> str:
    match distribution.kind:
        case Kind.SDIST:
            return "source"
        case Kind.WHEEL:
            return distribution.filename.removesuffix(".whl").split("-")[-3]
        case Kind.EGG:
            found = _EGG_PYTHON.search(distribution.filename)
            return found[1] if found else "any"
        case _:
            return "any"


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
