"""What an upload says of its file, and whether that can be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from twisted_pypi.boundaries import Staged
from twisted_pypi.distributions import Distribution, is_project_name, normalize, parse_filename, same_version
from twisted_pypi.errors import BadFilename, BadUpload
from twisted_pypi.sidecars import sidecar_name

_ABSENT = frozenset({"", "UNKNOWN", "None"})
_HIDDEN = re.compile(r"\.[^/\\]*\Z")
_HEX = re.compile(r"[0-9A-Fa-f]+\Z")
_DIGESTS = (
    ("md5_digest", {32: "md5"}),
    ("sha256_digest", {64: "sha256"}),
    # Old clients send the long digest under the name of the short one.
    ("blake2_256_digest", {64: "blake2_256", 128: "blake2_512"}),
)
"""Fields with digests, and which digest it is by the number of its digits."""


@dataclass(frozen=True, slots=True)
class UploadForm:
    """An upload without its file (the legacy upload API)."""

    fields: Mapping[str, tuple[str, ...]] = field(repr=False)
    """Every field's values, in the order they came."""
    filename: str
    """What the client calls the file; not checked yet."""
    signature: bytes | None = field(default=None, repr=False)
    """A detached OpenPGP signature of the file."""

    def value(self, name: str) -> str | None:
        """The first value of a field that says something; ``UNKNOWN`` and ``None`` do not."""
        return next(iter(self.values(name)), None)

    def values(self, name: str) -> list[str]:
        """Every value of a field that says something."""
        return [each.strip() for each in self.fields.get(name, ()) if each.strip() not in _ABSENT]


def check_name(form: UploadForm) -> Distribution:
    """Return what the file name says, which agrees with the fields.

    Raises ``BadFilename`` and ``BadUpload``.
    """
    if _HIDDEN.match(form.filename):
        raise BadFilename(f"the file name {form.filename[:200]!r} starts with a dot; expected one that is not hidden")
    sidecar_name(form.filename)
    name, version = form.value("name"), form.value("version")
    if name is not None and not is_project_name(name):
        raise BadUpload(
            f"the project name {name!r} is not valid; "
            "it must be letters, digits, '.', '-' and '_', and start and end with a letter or digit"
        )
    distribution = parse_filename(form.filename, name)
    if name is not None and distribution.project != normalize(name):
        raise BadUpload(
            f"the file {form.filename} is of project {distribution.project}, but the form says {name}; they must agree"
        )
    if version is not None and not same_version(version, distribution.version):
        raise BadUpload(
            f"the file {form.filename} is of version {distribution.version}, but the form says {version}; they must agree"
        )
    return distribution


def check_digests(form: UploadForm, staged: Staged) -> None:
    """See that every digest in the form is the file's.  Blocking.  Raises ``BadUpload``."""
    for name, kinds in _DIGESTS:
        for sent in form.values(name):
            if len(sent) not in kinds or not _HEX.match(sent):
                digits = " or ".join(map(str, kinds))
                raise BadUpload(f"the field {name} is {sent[:130]!r}; expected {digits} hexadecimal digits")
            found = staged.digest(kinds[len(sent)])
            if found != sent.lower():
                raise BadUpload(
                    f"the {name} of the file that came is {found}, but the form says {sent.lower()}; upload it again"
                )
