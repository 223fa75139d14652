"""Releases as a rule names them: ``foo==1.2.3``, ``foo<2``, ``acme-*``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from twisted_pypi.distributions import ProjectName, parse_filename
from twisted_pypi.errors import BadFilename, BadSetting
from twisted_pypi.policy.names import NamePatterns

_PARTS = re.compile(r"\s*((?:[\w.*?-]|\[[^\]]*\])+)\s*(.*?)\s*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Releases:
    """Some releases of some projects."""

    text: str
    """As it was written."""
    names: NamePatterns
    """One pattern for the names of the projects."""
    versions: SpecifierSet | None
    """Which versions of them (PEP 440); ``None``: all."""

    def match(self, project: ProjectName, filename: str, *, in_doubt: bool) -> bool:
        """Is a file of a project one of these?  Pre-releases are versions like others.

        ``in_doubt`` is the answer for a file whose version cannot be told,
        or is none that follows PEP 440, where versions matter.
        """
        if self.names.match(project) is None:
            return False
        if self.versions is None:
            return True
        try:
            version = parse_filename(filename, project).version
        except BadFilename:
            return in_doubt
        try:
            return self.versions.contains(Version(version), prereleases=True)
        except InvalidVersion:
            # "===" compares texts, so it can tell of any.
            return in_doubt or self.versions.contains(version, prereleases=True)


def parse_releases(text: str) -> Releases:
    """Return what a text such as ``foo==1.*`` names.  Raises ``BadSetting``."""
    found = _PARTS.match(text)
    if found is None:
        raise BadSetting(
            f"{text!r} names no release; expected a name or pattern, and versions, such as 'foo<2' or 'acme-*'"
        )
    name, versions = found.groups()
    names = NamePatterns([name])
    try:
        return Releases(text, names, SpecifierSet(versions) if versions else None)
    except InvalidSpecifier:
        raise BadSetting(
            f"{versions!r} in {text!r} says no versions; expected a specifier such as '==1.2.3', '<2' or '>=1,<2' (PEP 440)"
        ) from None
