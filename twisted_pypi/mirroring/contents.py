"""Whether a fetched file belongs to the project whose page it was on."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from twisted_pypi.core_metadata import extract, parse
from twisted_pypi.distributions import Distribution, Kind, ProjectName, parse_filename
from twisted_pypi.errors import BadFilename, BadMetadata, UpstreamFailed


@dataclass(frozen=True, slots=True)
class Contents:
    """What a fetched file holds."""

    distribution: Distribution
    metadata: bytes | None = field(default=None, repr=False)
    """Its core metadata, byte for byte; ``None`` when it has none that can be read."""
    requires_python: str | None = None
    """``Requires-Python`` in it."""

    @property
    def metadata_sha256(self) -> str | None:
        """Hex digest of the metadata."""
        return None if self.metadata is None else sha256(self.metadata).hexdigest()


def named_for(filename: str, project: ProjectName) -> Distribution:
    """Return what a file name says.

    Raises ``UpstreamFailed`` when it is, or could be, that of another project's
    file: on a page of its own, a stranger may publish whatever name there is.
    """
    try:
        distribution = parse_filename(filename)
    except BadFilename as problem:
        raise UpstreamFailed(str(problem)) from problem
    if distribution.project != project:
        raise UpstreamFailed(f"the file name {filename} is one of the project {distribution.project}, not of {project}")
    return distribution


def look_into(path: str, distribution: Distribution) -> Contents:
    """Return what a fetched file holds, as far as it can be read.  Blocking.

    The metadata of old kinds of files settles where their names split, so it
    has to leave the file with its project.  Raises ``UpstreamFailed``.
    """
    try:
        with Path(path).open("rb") as file:
            raw = extract(file, distribution)
    except BadMetadata:
        return Contents(distribution)
    try:
        said = parse(raw)
    except BadMetadata:
        return Contents(distribution, raw)
    split = distribution
    if distribution.kind is not Kind.WHEEL:
        try:
            split = parse_filename(distribution.filename, said.name)
        except BadFilename:
            # The name inside is another one; installers go by the name of the file.
            split = distribution
    if split.project != distribution.project:
        raise UpstreamFailed(
            f"the metadata in {distribution.filename} is of the project {split.project}, not of {distribution.project}"
        )
    return Contents(split, raw, said.requires_python)
