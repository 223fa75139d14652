"""Whether the file name and the fields of an upload form can be right."""

from __future__ import annotations

from collections.abc import Callable

from packaging.version import InvalidVersion, Version

from twisted_pypi.distributions import Distribution, Kind
from twisted_pypi.errors import BadFilename, BadUpload
from twisted_pypi.upload_checks.metadata import check_metadata_version
from twisted_pypi.upload_checks.tags import check_wheel_name

_TAKEN = frozenset({Kind.WHEEL, Kind.SDIST})
_WITHOUT_READER = ".tar.Z"
_OF_SDISTS = frozenset({"source", "any"})


def check_fields(distribution: Distribution, value: Callable[[str], str | None]) -> None:
    """See that a file may be uploaded under this name, and with these fields.

    ``value`` gives the first value of a field, ``None`` when it says nothing.
    A field that is absent is no mistake: old clients and plain ``curl`` leave
    out most of them.  Raises ``BadFilename`` and ``BadUpload``.
    """
    filename, kind = distribution.filename, distribution.kind
    if kind not in _TAKEN or filename.endswith(_WITHOUT_READER):
        raise BadFilename(
            f"the file {filename} is neither a wheel nor a source distribution that can be opened; "
            "expected one of these, or a server with --upload-checks names"
        )
    if kind is Kind.WHEEL:
        check_wheel_name(distribution)
    _check_protocol(value("protocol_version"))
    _check_filetype(distribution, value("filetype"))
    _check_pyversion(distribution, value("pyversion"))
    said = value("metadata_version")
    if said is not None:
        check_metadata_version(said, "the form")


def check_version(distribution: Distribution) -> None:
    """See that a version can be compared (PEP 440): installers pass over files of others.  Raises ``BadFilename``."""
    try:
        Version(distribution.version)
    except InvalidVersion:
        raise BadFilename(
            f"the version {distribution.version!r} of {distribution.filename} is not valid; expected one such as 1.0.post1"
        ) from None


def _check_protocol(said: str | None) -> None:
    if said not in {None, "1"}:
        raise BadUpload(f"the field protocol_version is {said!r}; expected 1")


def _check_filetype(distribution: Distribution, said: str | None) -> None:
    if said not in {None, distribution.kind.value}:
        raise BadUpload(
            f"the field filetype is {said!r}, but the file {distribution.filename} is a {distribution.kind.value}; "
            "they must agree"
        )


def _check_pyversion(distribution: Distribution, said: str | None) -> None:
    """Clients say "source" of a source distribution, some say nothing, old ones "any"."""
    if said is None:
        return
    if distribution.kind is Kind.SDIST and said not in _OF_SDISTS:
        raise BadUpload(f"the field pyversion is {said!r}; expected 'source' for the source distribution")
    if distribution.kind is Kind.WHEEL and said == "source":
        raise BadUpload("the field pyversion is 'source', but the file is a wheel; expected its Python tag")
