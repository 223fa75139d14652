"""Whether the file of an upload is what its name says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from twisted_pypi.core_metadata import CoreMetadata, extract, parse
from twisted_pypi.distributions import Distribution, Kind, normalize, parse_filename, same_version
from twisted_pypi.errors import BadFilename, BadMetadata, BadUpload
from twisted_pypi.upload_checks import check_archive, check_metadata, check_version

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9.]+")


@dataclass(frozen=True, slots=True)
class Contents:
    """What the file of an upload holds."""

    distribution: Distribution
    """What its name says, now that the name of the project is known."""
    metadata: bytes | None = field(default=None, repr=False)
    """Its core metadata, byte for byte."""
    metadata_sha256: str | None = None
    """Hex digest of that."""
    requires_python: str | None = None
    """``Requires-Python`` in it."""


def check_contents(path: str, distribution: Distribution, *, name_is_known: bool) -> Contents:
    """Return what a file holds, if it is a good wheel or source distribution.  Blocking.

    Its metadata has to agree with its name.  With ``name_is_known`` unset,
    the metadata settles where an old file name splits.  Raises
    ``BadFilename``, ``BadMetadata`` and ``BadUpload``.
    """
    with Path(path).open("rb") as file:
        inspected = check_archive(file, distribution)
    try:
        said = parse(inspected.metadata)
    except BadMetadata as error:
        raise BadMetadata(f"{distribution.filename}: {error}") from None
    if not name_is_known and distribution.kind is not Kind.WHEEL:
        distribution = _split_by(said, distribution)
    _check_agreement(said, distribution)
    check_version(distribution)
    check_metadata(said, distribution.filename, inspected.licenses)
    digest = sha256(inspected.metadata).hexdigest()
    return Contents(distribution, inspected.metadata, digest, said.requires_python)


def look_into(path: str, distribution: Distribution, *, name_is_known: bool) -> Contents:
    """Return what a file holds, as far as it can be read at all.  Blocking."""
    try:
        with Path(path).open("rb") as file:
            raw = extract(file, distribution)
    except BadMetadata:
        return Contents(distribution)
    digest = sha256(raw).hexdigest()
    try:
        said = parse(raw)
    except BadMetadata:
        return Contents(distribution, raw, digest)
    if not name_is_known and distribution.kind is not Kind.WHEEL:
        distribution = _split_by(said, distribution)
    return Contents(distribution, raw, digest, said.requires_python)


def _split_by(said: CoreMetadata, distribution: Distribution) -> Distribution:
    try:
        return parse_filename(distribution.filename, said.name)
    except BadFilename:
        return distribution


def _check_agreement(said: CoreMetadata, distribution: Distribution) -> None:
    # Old tools wrote names into file names that are not valid ones: "My App" became My-App.
    if normalize(_NOT_IN_NAMES.sub("-", said.name)) != distribution.project:
        raise BadUpload(
            f"the metadata in {distribution.filename} is of project {said.name}, "
            f"but its file name says {distribution.project}; they must agree"
        )
    if not same_version(said.version, distribution.version):
        raise BadUpload(
            f"the metadata in {distribution.filename} is of version {said.version}, "
            f"but its file name says {distribution.version}; they must agree"
        )
