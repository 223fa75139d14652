"""What a stranger's page may say of a file, and in which form: nothing of it may lead outside its project's folder.

Every function here answers for one field, for the JSON form (PEP 691) and the
HTML form (PEP 503) alike.  ``BadField`` is raised for what makes a file unusable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, urljoin

from packaging.version import Version

from twisted_pypi.distributions import ProjectName, parse_filename
from twisted_pypi.errors import BadFilename
from twisted_pypi.simple.model import File, ProjectPage
from twisted_pypi.simple.versions import spelled_versions, version_key

STATUSES = frozenset({"active", "archived", "quarantined", "deprecated"})
"""The status markers of projects (PEP 792)."""

_LENGTHS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128, "blake2b": 128}
_HEX = re.compile(r"[0-9a-f]+\Z")
_ADDRESS = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:[/?][!-~]*)?\Z")
_URL_CHARACTERS = "%/?:@&=+$,;!*'()~[]#"
_LONGEST_FILENAME = 240  # bytes; leaves room for what lies beside the file under a longer name
_REASONS = 20


class BadField(Exception):
    """Why a file of a page is left out, in words that follow its name."""


class Gathered:
    """The files of one page, and why others were left out."""

    def __init__(self, project: ProjectName) -> None:
        """Have none."""
        self.project = project
        self.reasons: list[str] = []
        """The first few, each a sentence."""
        self.left_out = 0
        """How many were left out."""
        self._files: dict[str, File] = {}
        self._versions: set[str] = set()

    def add(self, file: File) -> None:
        """Take a file whose fields are checked but for its name.  Raises ``BadField``."""
        filename = file.filename
        try:
            found = parse_filename(filename, self.project)
        except BadFilename as error:
            raise BadField(str(error)) from error
        if found.project != self.project:
            raise BadField(f"it is a file of the project {found.project!r}")
        if len(filename.encode()) > _LONGEST_FILENAME:
            raise BadField(f"its name has more than {_LONGEST_FILENAME} bytes")
        if filename in self._files:
            raise BadField("the page has it twice")
        self._files[filename] = file
        self._versions.add(found.version)

    def leave_out(self, name: object, why: BadField) -> None:
        """Note why a file is not taken."""
        self.left_out += 1
        if len(self.reasons) < _REASONS:
            self.reasons.append(f"{shown(name)} is left out: {why}")

    def page(self, page: ProjectPage) -> ProjectPage:
        """The page with these files; with the versions that they have, unless it says itself which there are."""
        page = replace(page, files=tuple(self._files.values()))
        return (
            page if page.versions else replace(page, versions=spelled_versions(sorted(self._versions, key=_in_order)))
        )


def _in_order(version: str) -> tuple[int, Version | str, str]:
    return (*version_key(version), version)  # "1.9" and "1.9.0" are equal, and a set has no order of its own


def shown(found: object) -> str:
    """Return what a page has somewhere, short enough for a message; of what is no text, its type."""
    return repr(found[:100]) if isinstance(found, str) else f"a thing of type {type(found).__name__}"


def address(url: str, base: str) -> str:
    """Return an absolute address without a fragment, percent-encoded.  Raises ``BadField``."""
    if not url.startswith(("https://", "http://")):
        try:
            url = urljoin(base, url)
        except ValueError as error:
            raise BadField(f"its address cannot be read ({error})") from error
    if "#" in url:
        url = url.partition("#")[0]
    if not url.isascii() or " " in url:
        if not url.isprintable():
            raise BadField("its address has control characters")
        url = quote(url, safe=_URL_CHARACTERS)
    if _ADDRESS.match(url) is None:
        raise BadField("its address is not one of http or https without a login")
    return url


def digests(found: Mapping[object, object]) -> dict[str, str]:
    """Return the hashes that can be a digest of their algorithm, in lower case."""
    kept = {}
    for name, digest in found.items():
        if not isinstance(name, str) or not isinstance(digest, str):
            continue
        lower, algorithm = digest.lower(), name.lower()
        if len(lower) == _LENGTHS.get(algorithm) and _HEX.match(lower):
            kept[algorithm] = lower
    return kept


def text(found: str) -> str:
    """Return a text for one line: control characters, halves of surrogate pairs and the like become spaces."""
    if found.isprintable():
        return found
    return "".join(each if each.isprintable() else " " for each in found)


def provenance(found: str) -> str | None:
    """Return the address of a provenance, which has to be an absolute one of https (PEP 740)."""
    return found if found.startswith("https://") and _ADDRESS.match(found) else None


def status(found: object) -> str | None:
    """Return a status marker that is known (PEP 792)."""
    return found if isinstance(found, str) and found in STATUSES else None
