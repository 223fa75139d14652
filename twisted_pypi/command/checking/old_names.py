"""How the old server, pypiserver, understood the name of a file.

It is the behaviour of version 2.4.2 that is described here; a test compares both.
"""

from __future__ import annotations

import re

_ARCHIVE = re.compile(
    r"(?:\.(?:zip|tgz|egg|tar\.(?:gz|bz2|xz))|-py[23]\.\d-.*|\.win(?:32|-amd64)-py[23]\.\d\..*)$", re.IGNORECASE
)
_NUMBER_THEN_MORE = re.compile(r"-\d+[a-z_.!+]", re.IGNORECASE)
_PLATFORM = re.compile(r"[.-](?=(?:cp|py)\d|macosx|linux|sunos|solaris|irix|aix|cygwin|win)", re.IGNORECASE)
_TAGS = 3


def old_reading(filename: str) -> tuple[str, str] | None:
    """Return the project, as it is written in the name, and the version; ``None``: the file was not listed."""
    if filename.startswith(".") or filename.endswith(".asc"):
        return None
    if filename.endswith(".whl"):
        return _wheel(filename.removesuffix(".whl"))
    if not _ARCHIVE.search(filename):
        return None
    stem = _ARCHIVE.sub("", filename)
    if "-" not in stem:
        return (stem, "") if stem else None
    if stem.count("-") == 1:
        name, version = stem.split("-")
    elif "." not in stem:
        name, _, version = stem.rpartition("-")
    else:
        name = _NUMBER_THEN_MORE.split(stem, maxsplit=1)[0]
        version = _PLATFORM.split(stem[len(name) + 1 :], maxsplit=1)[0]
    return (name, version) if name else None


def _wheel(stem: str) -> tuple[str, str] | None:
    """The version begins at the first number behind a hyphen that leaves enough parts for the tags."""
    parts = stem.split("-")
    for at in range(1, len(parts) - _TAGS):
        name, version, rest = "-".join(parts[:at]), parts[at], parts[at + 1 :]
        if name and version[:1].isdigit():
            has_build = len(rest) > _TAGS and rest[0][:1].isdigit()
            return name, f"{version}-{rest[0]}" if has_build else version
    return None
