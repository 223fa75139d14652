"""What the rules let through of an upstream index's files, and what they hold back, until when and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from twisted_pypi.distributions import ProjectName
from twisted_pypi.policy.moments import iso
from twisted_pypi.policy.names import NamePatterns
from twisted_pypi.policy.releases import Releases
from twisted_pypi.simple.model import File, ProjectPage


@dataclass(frozen=True, slots=True)
class HeldBackFile:
    """That a rule holds a file back."""

    rule: str
    """The rule as it is written in the rules file, such as ``min-age = 7d``."""
    sentence: str
    """Until when, by which rule and why; it follows the name of the file and "is"."""
    until_ns: int | None
    """Until when, nanoseconds since the epoch; ``None``: for good, or as long as the rule is there."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A time in a rule."""

    text: str
    """As it was written."""
    ns: int
    """A duration, or a moment since the epoch, in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Exemption:
    """Releases that may be younger than the rules ask."""

    releases: Releases
    until_ns: int | None = None
    """From then on it has no effect, nanoseconds since the epoch; ``None``: it always has."""
    because: str | None = None
    """Why."""

    def holds(self, project: ProjectName, filename: str, now_ns: int) -> bool:
        """Is this file exempt at the moment?"""
        return (self.until_ns is None or now_ns < self.until_ns) and self.releases.match(
            project, filename, in_doubt=False
        )


@dataclass(frozen=True, slots=True)
class Denial:
    """Releases that are never given out."""

    releases: Releases
    because: str | None = None
    """Why."""


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules; ``Rules()`` lets everything through.

    Where several hold a file back, the one that holds it longest is named.
    """

    min_age: Measure | None = None
    """How long ago a file has to be uploaded; one whose upload time is not known is too young."""
    not_after: Measure | None = None
    """The last moment at which a file may have been uploaded; one whose upload time is not known was later."""
    allow: tuple[Exemption, ...] = ()
    """Exceptions to ``min_age`` and ``not_after``."""
    deny: tuple[Denial, ...] = ()
    allow_only: tuple[Releases, ...] | None = None
    """Everything else is held back; ``None``: nothing is by this rule."""
    wheels_only: bool | NamePatterns = False
    """Of which projects only wheels are given out."""
    hide_removed: bool = False
    """Is a file hidden that the upstream removed?"""

    def judge(self, project: ProjectName, file: File, now_ns: int) -> HeldBackFile | None:
        """Return what holds a file back; ``None``: nothing does."""
        return self._refused(project, file) or self._too_young(project, file, now_ns)

    def exemption(self, project: ProjectName, file: File, now_ns: int) -> Exemption | None:
        """Return the exception without which a file would be held back."""
        found = self._exempt(project, file, now_ns)
        return None if found is None or self._late(file, now_ns) is None else found

    def next_change(self, page: ProjectPage, now_ns: int) -> int | None:
        """Return the first moment to come at which the verdict on a file of a page is another; ``None``: there is none."""
        if self.min_age is None and self.not_after is None:
            return None
        changes = (self._next_change(page.name, file, now_ns) for file in page.files)
        return min((each for each in changes if each is not None), default=None)

    def _refused(self, project: ProjectName, file: File) -> HeldBackFile | None:
        """What holds a file back whenever it was uploaded."""
        for denial in self.deny:
            if denial.releases.match(project, file.filename, in_doubt=True):
                return _held_back(f"deny = {denial.releases.text}", because=denial.because)
        if self.allow_only is not None and not any(
            each.match(project, file.filename, in_doubt=False) for each in self.allow_only
        ):
            return _held_back("allow-only", because="it is not in the list")
        pattern = self.wheels_only if isinstance(self.wheels_only, bool) else self.wheels_only.match(project)
        if pattern and not file.filename.endswith(".whl"):
            rule = "true" if pattern is True else pattern
            return _held_back(f"wheels-only = {rule}", because="it is not a wheel")
        return None

    def _too_young(self, project: ProjectName, file: File, now_ns: int) -> HeldBackFile | None:
        late = self._late(file, now_ns)
        return None if late is None or self._exempt(project, file, now_ns) is not None else late

    def _late(self, file: File, now_ns: int) -> HeldBackFile | None:
        """What holds a file back by the time of its upload, if nothing exempts it."""
        uploaded = file.upload_time_ns
        for measure, rule in ((self.not_after, "not-after"), (self.min_age, "min-age")):
            if measure is not None and uploaded is None:
                return _held_back(f"{rule} = {measure.text}", because="the index does not say when it was uploaded")
        if uploaded is None:
            return None
        if self.not_after is not None and uploaded > self.not_after.ns:
            return _held_back(f"not-after = {self.not_after.text}", because=f"it was uploaded at {iso(uploaded)}")
        if self.min_age is not None and now_ns < uploaded + self.min_age.ns:
            return _held_back(f"min-age = {self.min_age.text}", until_ns=uploaded + self.min_age.ns)
        return None

    def _exempt(self, project: ProjectName, file: File, now_ns: int) -> Exemption | None:
        return next((each for each in self.allow if each.holds(project, file.filename, now_ns)), None)

    def _next_change(self, project: ProjectName, file: File, now_ns: int) -> int | None:
        now = self.judge(project, file, now_ns)
        moments = (each for each in sorted(self._moments(project, file)) if each > now_ns)
        return next((each for each in moments if self.judge(project, file, each) != now), None)

    def _moments(self, project: ProjectName, file: File) -> Iterator[int]:
        """The moments at which the verdict on a file can be another."""
        if self.min_age is not None and file.upload_time_ns is not None:
            yield file.upload_time_ns + self.min_age.ns
        for each in self.allow:
            if each.until_ns is not None and each.releases.names.match(project) is not None:
                yield each.until_ns


def _held_back(rule: str, *, until_ns: int | None = None, because: str | None = None) -> HeldBackFile:
    until = "" if until_ns is None else f" until {iso(until_ns)}"
    reason = "" if because is None else f", because {because}"
    return HeldBackFile(rule, f"held back{until}, rule {rule}{reason}", until_ns)
