"""Whether core metadata is of a version that is understood here, and keeps what it promises."""

from __future__ import annotations

import re
from collections.abc import Collection

from twisted_pypi.core_metadata import CoreMetadata
from twisted_pypi.errors import BadMetadata

NEWEST = "2.6"
"""The newest version of core metadata whose fields are known here."""

_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})\Z")
_MAJORS = frozenset({1, 2})
_WITH_LICENSE_FILES = (2, 4)


def check_metadata_version(text: str, where: str) -> tuple[int, int]:
    """Return a version of core metadata as two numbers.

    A minor version that is not known only adds fields, so it is taken; a
    major one changes their meaning, so it is not (core metadata
    specification, "Metadata-Version").  Raises ``BadMetadata``.
    """
    match = _VERSION.match(text)
    if match is None or int(match[1]) not in _MAJORS:
        raise BadMetadata(f"the metadata version {text[:50]!r} of {where} is not known; expected 1.0 to {NEWEST}")
    return int(match[1]), int(match[2])


def check_metadata(said: CoreMetadata, filename: str, licenses: Collection[str]) -> None:
    """See that core metadata is of a known version and that each of its licence files is there.

    ``licenses`` are the files of the archive that ``License-File`` may name,
    as it names them (PEP 639).  Raises ``BadMetadata``.
    """
    if said.metadata_version is None:
        raise BadMetadata(f"the metadata in {filename} has no Metadata-Version; expected 1.0 to {NEWEST}")
    if check_metadata_version(said.metadata_version, filename) < _WITH_LICENSE_FILES:
        # Builders wrote License-File before there was a rule for where the file goes.
        return
    for each in said.fields.get("license_file", ()):
        if each not in licenses:
            raise BadMetadata(f"the metadata in {filename} names the licence file {each!r}, which is not in it")
