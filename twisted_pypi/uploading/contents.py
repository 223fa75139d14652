"""Whether the file of an upload is what its name says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from twisted_pypi.core_metadata import CoreMetadata, extract, has_readable_format, parse, reads_to_the_end
from twisted_pypi.distributions import Distribution, Kind, normalize, parse_filename, same_version
from twisted_pypi.errors import BadFilename, BadMetadata, BadUpload

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
    """Return what a file holds.  Blocking.

    A wheel must have metadata that agrees with its name.  So must another
    archive if there is any in it, but old ones may be without.  With
    ``name_is_known`` unset, the metadata settles where an old file name
    splits.  Raises ``BadMetadata`` and ``BadUpload``.
    """
    with Path(path).open("rb") as file:
        raw = _metadata(file, distribution)
    if raw is None:
        return Contents(distribution)
    digest = sha256(raw).hexdigest()
    try:
        said = parse(raw)
    except BadMetadata as error:
        if distribution.kind is Kind.WHEEL:
            raise BadMetadata(f"{distribution.filename}: {error}") from None
        return Contents(distribution, raw, digest)
    if not name_is_known and distribution.kind is not Kind.WHEEL:
        distribution = _split_by(said, distribution)
    _check_agreement(said, distribution)
    return Contents(distribution, raw, digest, said.requires_python)


def _metadata(file: BinaryIO, distribution: Distribution) -> bytes | None:
    if not file.read(1):
        raise BadUpload(f"the file {distribution.filename} is empty")
    if not has_readable_format(distribution):
        return None
    try:
        return extract(file, distribution)
    except BadMetadata:
        if distribution.kind is Kind.WHEEL:
            raise
        if distribution.kind is not Kind.WININST and not reads_to_the_end(file, distribution):
            raise
        return None


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
