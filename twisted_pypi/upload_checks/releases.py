"""Whether a file fits to those that its release has already."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from packaging.utils import canonicalize_version

from twisted_pypi.distributions import Distribution, Kind, wheel_tags
from twisted_pypi.errors import BadUpload


@lru_cache(maxsize=4096)
def release_of(version: str) -> str:
    """Return what is the same for all spellings of a version: 1.0 and 1.0.0 are one release (PEP 440)."""
    return canonicalize_version(version)


def check_release(distribution: Distribution, present: Iterable[Distribution]) -> None:
    """See that a file is no other spelling of one that is there, and that a release keeps one source distribution.

    ``present`` are files of the same project; those of other versions and the
    very same file name do not count.  Raises ``BadUpload``.
    """
    kind, version = distribution.kind, release_of(distribution.version)
    for other in present:
        if other.kind is not kind or other.filename == distribution.filename or release_of(other.version) != version:
            continue
        if kind is Kind.SDIST:
            raise BadUpload(
                f"the release {distribution.project} {distribution.version} has a source distribution already, "
                f"{other.filename}; expected one a release"
            )
        if kind is Kind.WHEEL and wheel_tags(other.filename) == wheel_tags(distribution.filename):
            raise BadUpload(
                f"the wheel {distribution.filename} is here already as {other.filename}; "
                "give the new one the same name, or another version"
            )
