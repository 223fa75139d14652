"""Where each kind of distribution keeps its core metadata."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from twisted_pypi.core_metadata import tars, zips
from twisted_pypi.distributions import Distribution, Kind, normalize, same_version
from twisted_pypi.errors import BadMetadata

LARGEST_METADATA = 16 * 1024 * 1024
"""Bytes that core metadata may have, unpacked."""
LARGEST_SDIST = 512 * 1024 * 1024
"""Bytes that are unpacked in search of the PKG-INFO of a source distribution."""
LARGEST_ARCHIVE = 16 * 1024 * 1024 * 1024
"""Bytes that are unpacked to see whether an archive is whole."""

_WITHOUT_READER = (".tar.Z", ".msi")
_ALWAYS_ZIP = frozenset({Kind.WHEEL, Kind.EGG, Kind.WININST})
_WHEEL_SUFFIX = b".dist-info/METADATA"
_INSTALLER_SUFFIXES = (b".egg-info/PKG-INFO", b".egg-info", b"EGG-INFO/PKG-INFO")


def has_readable_format(distribution: Distribution) -> bool:
    """Can the archive of a distribution be opened here at all?

    Not those of ``.msi`` and ``.tar.Z``, which no reader is at hand for.
    """
    return not distribution.filename.endswith(_WITHOUT_READER)


def extract(file: BinaryIO, distribution: Distribution) -> bytes:
    """Return the core metadata of a distribution, byte for byte.

    ``file`` is open for reading and can seek; it is read within limits and
    left open.  Raises ``BadMetadata`` with the reason when the archive is
    malformed, too large to search or has no core metadata, and ``OSError``
    only when the file itself cannot be read.
    """
    if not has_readable_format(distribution):
        raise BadMetadata(f"{distribution.filename} is of a format that no metadata can be read from")
    try:
        if _is_zip(file, distribution):
            return zips.read_member(file, _chooser(distribution), LARGEST_METADATA)
        return tars.read_pkg_info(file, largest=LARGEST_METADATA, unpacked=LARGEST_SDIST)
    except BadMetadata as error:
        raise BadMetadata(f"{distribution.filename}: {error}") from None


def reads_to_the_end(file: BinaryIO, distribution: Distribution) -> bool:
    """Is this archive whole?

    A zip archive is when its directory at the end is; a tar archive is
    unpacked from start to end, in memory that does not grow.  Raises
    ``OSError`` only when the file itself cannot be read.
    """
    if not has_readable_format(distribution):
        return False
    try:
        if _is_zip(file, distribution):
            zips.check(file)
        else:
            tars.check(file, unpacked=LARGEST_ARCHIVE)
    except BadMetadata:
        return False
    return True


def _is_zip(file: BinaryIO, distribution: Distribution) -> bool:
    if distribution.kind in _ALWAYS_ZIP:
        return True
    file.seek(0)
    return file.read(2) == b"PK"


def _chooser(distribution: Distribution) -> Callable[[list[bytes]], bytes | None]:
    match distribution.kind:
        case Kind.WHEEL:
            return lambda names: _of_wheel(names, distribution)
        case Kind.EGG:
            return lambda names: b"EGG-INFO/PKG-INFO" if b"EGG-INFO/PKG-INFO" in names else None
        case Kind.WININST:
            return lambda names: min((n for n in names if n.endswith(_INSTALLER_SUFFIXES)), key=len, default=None)
        case _:
            return lambda names: _of_sdist(names, distribution)


def _of_wheel(names: list[bytes], distribution: Distribution) -> bytes | None:
    found = [name for name in names if name.endswith(_WHEEL_SUFFIX) and name.count(b"/") == 1]
    return _only(found, distribution, len(_WHEEL_SUFFIX))


def _of_sdist(names: list[bytes], distribution: Distribution) -> bytes | None:
    found = [name for name in names if name.endswith(b"/PKG-INFO") and name.count(b"/") == 1]
    return _only(found, distribution, len(b"/PKG-INFO"))


def _only(found: list[bytes], distribution: Distribution, suffix: int) -> bytes | None:
    if len(found) <= 1:
        return found[0] if found else None
    for each in found:
        name, _, version = each[:-suffix].decode("utf-8", "replace").rpartition("-")
        if normalize(name) == distribution.project and same_version(version, distribution.version):
            return each
    raise BadMetadata(f"there are {len(found)} folders with metadata, none of them named like the file")
