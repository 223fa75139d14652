"""What the name of a file says: which project, which version, which kind of distribution.

Modern names follow the packaging specifications (binary distribution format,
PEP 427; source distribution file name, PEP 625).  Old names do not say where
the project ends and the version begins, so for them the most likely reading is
taken, and a caller who knows the project's name may say so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, NewType

from packaging.version import InvalidVersion, Version

from twisted_pypi.errors import BadFilename

ProjectName = NewType("ProjectName", str)
"""The name of a project, already normalised (PEP 503)."""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
_SEPARATORS = re.compile(r"[-_.]+")
_BUILD_TAG = re.compile(r"\d")
_PYTHON_TAG = re.compile(r"-(?:py|cp)\d[\d.]*\Z")
_PLATFORM = re.compile(
    r"[.-](?:linux|manylinux|musllinux|macosx|win32|win-amd64|win-arm64|win-arm32|win-ia64|mingw|cygwin|sunos|solaris|aix|irix|freebsd)[A-Za-z0-9_.-]*\Z"
)
_LOOSE_VERSION = re.compile(r"-(?=\d+[A-Za-z_.!+])|-(?=[vV]?\d+\Z)")
_NOT_IN_FILENAMES = re.compile(r"[^A-Za-z0-9.!+]+")
_LONGEST_FILENAME = 255

SUFFIXES = (
    ".whl", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz", ".tlz", ".tar.lz",
    ".tar.lzma", ".tar.Z", ".tar", ".zip", ".egg", ".exe", ".msi",
)  # fmt: skip
"""Every ending that makes a file a package."""


class Kind(StrEnum):
    """The kind of a distribution, in the words of the upload form's ``filetype``."""

    WHEEL = "bdist_wheel"
    SDIST = "sdist"
    EGG = "bdist_egg"
    WININST = "bdist_wininst"
    MSI = "bdist_msi"
    DUMB = "bdist_dumb"


@dataclass(frozen=True, slots=True)
class Distribution:
    """What a file name says."""

    filename: str
    project: ProjectName
    version: str
    """As written in the file name; ``canonical_version`` compares spellings."""
    kind: Kind


class WheelTags(NamedTuple):
    """What a wheel's name says behind the version, in lower case; parts that are sets have no order."""

    build: str
    pythons: frozenset[str]
    abis: frozenset[str]
    platforms: frozenset[str]
    label: str
    """Its variant (PEP 817, a draft)."""


def normalize(name: str) -> ProjectName:
    """Return the normalised form of a project name (PEP 503)."""
    return ProjectName(_SEPARATORS.sub("-", name).lower())


def is_project_name(text: str) -> bool:
    """Is this a valid project name (PEP 508), normalised or not?"""
    return _NAME.match(text) is not None


def is_package_name(filename: str) -> bool:
    """Does a file of this name look like a package, and may it be shown?

    Hidden files, signatures, sidecars and anything without a package's ending do not.
    """
    return filename.endswith(SUFFIXES) and not filename.startswith(".")


@lru_cache(maxsize=4096)
def canonical_version(version: str) -> str:
    """Return the one spelling of a version (PEP 440); of one that breaks PEP 440, its lower-case text."""
    try:
        return str(Version(version))
    except InvalidVersion:
        return version.lower()


def same_version(one: str, other: str) -> bool:
    """Do two texts mean one version (PEP 440), be they written freely or as a file name has to?"""
    return _comparable(one) == _comparable(other) or _comparable(_escaped(one)) == _comparable(_escaped(other))


@lru_cache(maxsize=4096)
def _comparable(version: str) -> Version | str:
    try:
        return Version(version)
    except InvalidVersion:
        return version.strip().lower()


def _escaped(version: str) -> str:
    """A version as old tools put it into a file name: a hyphen for everything that is not allowed there."""
    return _NOT_IN_FILENAMES.sub("-", version.strip().replace(" ", "."))


def parse_filename(filename: str, project: str | None = None) -> Distribution:
    """Return what a file name says.

    ``project`` is the project's name, in any spelling, where it is known from
    elsewhere (an upload's form, the metadata inside): it settles where the
    name ends.  Raises ``BadFilename`` with the reason.
    """
    if len(filename) > _LONGEST_FILENAME:
        raise BadFilename(f"the file name is {len(filename)} characters long; at most {_LONGEST_FILENAME} are possible")
    if not filename.isprintable() or "/" in filename or "\\" in filename:
        raise BadFilename(f"the file name {filename!r} has a slash or a control character; it must be one plain name")
    suffix = next((each for each in SUFFIXES if filename.endswith(each)), None)
    if suffix is None or filename.startswith("."):
        raise BadFilename(
            f"the file name {filename!r} does not end like a package; expected one of {' '.join(SUFFIXES)}"
        )
    stem = filename[: -len(suffix)]
    if suffix == ".whl":
        return _wheel(filename, stem)
    kind = Kind.SDIST
    if suffix in {".egg", ".exe", ".msi"}:
        kind = {".egg": Kind.EGG, ".exe": Kind.WININST, ".msi": Kind.MSI}[suffix]
        stem = _PYTHON_TAG.sub("", _PLATFORM.sub("", stem)) if kind is Kind.EGG else _without_platform(stem)
    elif (bare := _without_platform(stem)) != stem and _splits(bare):
        kind, stem = Kind.DUMB, bare
    name, version = _split(filename, stem, project)
    return Distribution(filename, _checked(filename, name), version, kind)


def _wheel(filename: str, stem: str) -> Distribution:
    parts = stem.split("-")
    # Six and seven parts: a build tag, and the variant label of PEP 817.
    if not 5 <= len(parts) <= 7 or not all(parts):
        raise BadFilename(
            f"the wheel name {filename!r} has {len(parts)} parts; expected name-version(-build)-python-abi-platform.whl"
        )
    if len(parts) == 7 and not _BUILD_TAG.match(parts[2]):
        raise BadFilename(f"the build tag {parts[2]!r} of the wheel {filename!r} does not start with a digit")
    return Distribution(filename, _checked(filename, parts[0]), parts[1], Kind.WHEEL)


def wheel_tags(filename: str) -> WheelTags:
    """Return the tags in the name of a wheel, which ``parse_filename`` took."""
    parts = filename.removesuffix(".whl").lower().split("-")[2:]
    build = parts.pop(0) if len(parts) > 3 and parts[0][0].isdigit() else ""
    pythons, abis, platforms, label = (*parts, "")[:4]
    return WheelTags(build, _set(pythons), _set(abis), _set(platforms), label)


def _set(part: str) -> frozenset[str]:
    return frozenset(part.split("."))


def _checked(filename: str, name: str) -> ProjectName:
    if not is_project_name(name):
        raise BadFilename(
            f"the project name {name!r} in {filename!r} is not valid; "
            "it must be letters, digits, '.', '-' and '_', and start and end with a letter or digit"
        )
    return normalize(name)


def _without_platform(stem: str) -> str:
    """Cut off the platform (and Python) tag of a wininst, msi or dumb distribution."""
    return _PLATFORM.sub("", _PYTHON_TAG.sub("", stem))


def _splits(stem: str) -> bool:
    return any(_is_version(stem[at + 1 :]) for at, each in enumerate(stem) if each == "-")


@lru_cache(maxsize=4096)
def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _split(filename: str, stem: str, project: str | None) -> tuple[str, str]:
    hyphens = [at for at, each in enumerate(stem) if each == "-" and 0 < at < len(stem) - 1]
    if not hyphens:
        raise BadFilename(f"the file name {filename!r} has no version; expected name-version")
    if project is not None:
        wanted = normalize(project)
        known = [at for at in hyphens if normalize(stem[:at]) == wanted]
        if not known:
            raise BadFilename(f"the file name {filename!r} does not start with the project name {project!r}")
        hyphens = known
    at = _best(stem, hyphens)
    return stem[:at], stem[at + 1 :]


def _best(stem: str, hyphens: list[int]) -> int:
    if len(hyphens) == 1:
        return hyphens[0]
    valid = [at for at in hyphens if _is_version(stem[at + 1 :])]
    # "x-2-1": without a dot the first number belongs to the name; "x-1.0-1" is the post release 1.0.post1.
    dotted = [at for at in valid if "-" not in stem[at + 1 :] or "." in stem[at + 1 :].split("-", maxsplit=1)[0]]
    if dotted:
        return dotted[0]
    loose = _LOOSE_VERSION.search(stem)
    if loose is not None and loose.start() in hyphens:
        return loose.start()
    return hyphens[-1]
