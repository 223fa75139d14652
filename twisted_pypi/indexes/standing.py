"""How each file of an upstream index stands here: given out, or kept from clients, and why.

Pages, downloads and explanations all go by this, so that they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from twisted_pypi.boundaries import CachedFile, Recall, UpstreamPage
from twisted_pypi.distributions import ProjectName, is_package_name, parse_filename
from twisted_pypi.errors import BadFilename, HeldBack, NoSuchFile, Recalled, TwistedPyPIError
from twisted_pypi.policy.moments import iso
from twisted_pypi.policy.rules import Rules
from twisted_pypi.simple.model import File
from twisted_pypi.simple.versions import version_key

QUARANTINED = "quarantined"
"""The status of a project whose files nobody is to install (PEP 792), and how such a file was recalled."""


class Bar(StrEnum):
    """What keeps a file from clients."""

    HELD_BACK = "held back"
    """A rule does."""
    RECALLED = "recalled"
    """The index that it comes from does."""
    UNUSABLE = "unusable"
    """It cannot be verified, or its name is not that of a file of its project."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file is kept from clients."""

    bar: Bar
    sentence: str
    """The reason, as it follows the name of the file."""
    rule: str | None = None
    until_ns: int | None = None
    """Until when, nanoseconds since the epoch, where that is known."""

    def error(self, filename: str) -> TwistedPyPIError:
        """What is raised when somebody asks for the file."""
        kinds: Mapping[Bar, type[TwistedPyPIError]] = {Bar.HELD_BACK: HeldBack, Bar.RECALLED: Recalled}
        return kinds.get(self.bar, NoSuchFile)(f"{filename} {self.sentence}")


@dataclass(frozen=True, slots=True)
class Standing:
    """One file of an upstream index, and what becomes of it here."""

    file: File
    """What is said of it; its URL is the upstream's, or was when it was stored."""
    index: str
    """The address of the index that it comes from."""
    version: str
    """As written in its name; empty when that cannot be understood."""
    cached: CachedFile | None
    """The file, where it is kept here."""
    refusal: Refusal | None
    """Why it is kept from clients; ``None``: it is given out."""


def stand(
    name: ProjectName, seen: UpstreamPage | None, cached: Iterable[CachedFile], rules: Rules, now_ns: int
) -> list[Standing]:
    """Return how each file stands that the upstream has of a project, or that is kept of it, by version.

    ``seen`` is the upstream's page; ``None``: it has none, or cannot be asked.
    """
    # Metadata is kept beside its wheel, and is no file of the page.
    kept = {each.filename: each for each in cached if is_package_name(each.filename)}
    one = partial(stand_one, rules=rules, now_ns=now_ns, verdict=quarantine(seen))
    found = []
    if seen is not None:
        # The first of two entries of one name counts, for downloads as for pages.
        listed = {file.filename: file for file in reversed(seen.page.files)}
        found = [one(name, file, seen.index, kept.pop(file.filename, None)) for file in listed.values()]
    found += [one(name, None, each.index, each) for each in kept.values()]
    return sorted(found, key=lambda each: (*version_key(each.version), each.file.filename))


def stand_one(
    name: ProjectName,
    listed: File | None,
    index: str,
    cached: CachedFile | None,
    *,
    rules: Rules,
    now_ns: int,
    verdict: Refusal | None,
) -> Standing:
    """Return how one file stands; one of ``listed``, what the upstream's page says of it, and ``cached`` is there.

    ``verdict`` is what holds for the whole project.
    """
    file, recall = _facts(listed, cached), None if cached is None else cached.recall
    if cached is not None and cached.sha256 != (listed.hashes.get("sha256") if listed else None):
        index = cached.index
    try:
        distribution = parse_filename(file.filename, name)
    except BadFilename as problem:
        return Standing(file, index, "", cached, Refusal(Bar.UNUSABLE, f"cannot be offered: {problem}"))
    version = distribution.version
    if distribution.project != name:
        wrong = Refusal(Bar.UNUSABLE, f"cannot be offered: it is a file of {distribution.project}, not of {name}")
        return Standing(file, index, version, cached, wrong)
    if "sha256" not in file.hashes:
        unverifiable = Refusal(Bar.UNUSABLE, "cannot be verified: the upstream index names no sha256 of it")
        return Standing(file, index, version, cached, unverifiable)
    refusal = recalled(recall) or verdict
    if refusal is None and (held := rules.judge(name, file, now_ns)) is not None:
        refusal = Refusal(Bar.HELD_BACK, f"is {held.sentence}", held.rule, held.until_ns)
    return Standing(file, index, version, cached, refusal)


def quarantine(seen: UpstreamPage | None) -> Refusal | None:
    """Return what keeps all of a project from clients, if the upstream does (PEP 792)."""
    if seen is None or seen.page.status != QUARANTINED:
        return None
    reason = f": {seen.page.status_reason}" if seen.page.status_reason else ""
    return Refusal(Bar.RECALLED, f"is recalled: {seen.index} has quarantined the project{reason}")


def recalled(recall: Recall | None) -> Refusal | None:
    """Return what keeps a file from clients, if what its index did to it does."""
    if recall is None or not recall.hidden:
        return None
    reason = f": {recall.reason}" if recall.reason else ""
    since = iso(recall.since_ns)
    return Refusal(Bar.RECALLED, f"is recalled: its index has {recall.how} it, as was first seen at {since}{reason}")


def _facts(listed: File | None, cached: CachedFile | None) -> File:
    """What is said of a file.  The bytes that are kept stand, whatever the upstream's page says meanwhile."""
    if cached is None:
        if listed is None:
            raise ValueError("a file has to be listed or kept")
        return listed
    if listed is not None and listed.hashes.get("sha256") == cached.sha256:
        # Files that are kept are given out by what was written down of them, so pages promise no other metadata.
        return replace(listed, core_metadata=cached.facts.core_metadata)
    facts = replace(cached.facts, hashes={"sha256": cached.sha256}, size=cached.size)
    yanked: str | bool = listed.yanked if listed is not None else facts.yanked
    if yanked is False and cached.recall is not None and cached.recall.how == "yanked":
        yanked = cached.recall.reason or True
    return replace(facts, yanked=yanked)
