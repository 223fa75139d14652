"""What an upstream index took back of the files that are kept here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from twisted_pypi.simple.model import File, ProjectPage

REMOVED = "removed"
QUARANTINED = "quarantined"
YANKED = "yanked"

CONFIRMED_AFTER_NS = 3600 * 1_000_000_000
"""Nanoseconds after which what is still so is no glitch of a page."""


@dataclass(frozen=True, slots=True)
class Recall:
    """That an upstream index took a file back."""

    how: str
    """``removed``, ``quarantined`` or ``yanked``."""
    since_ns: int
    """When that was first seen."""
    confirmed: bool
    """Was it seen again, an hour later or more?"""
    hidden: bool
    """Is the file kept from clients?"""
    reason: str | None = None
    """What the upstream says of it."""


def recalls_of(
    held: Iterable[tuple[str, str, Recall | None]], page: ProjectPage, now_ns: int, *, hide_removed: bool
) -> Mapping[str, Recall | None]:
    """Return what changes, by file name; ``None``: the file is no longer recalled.

    ``held`` are names, hex sha256 digests and what was known so far of the
    files of a project.  ``page`` has to be a good one, of a serial that is not
    below the last one; that of a project that is gone has no files.

    A quarantine (PEP 792) hides at once, and goes on hiding a file that is
    removed then.  A removal hides, with ``hide_removed``, when it is seen
    again an hour later.  A yank (PEP 592) hides nothing.
    """
    published: dict[str, list[File]] = {}
    for file in page.files:
        published.setdefault(file.filename, []).append(file)
    changes: dict[str, Recall | None] = {}
    for filename, sha256, known in held:
        found = _found(sha256, published.get(filename, ()), page, known)
        recall = None if found is None else _recall(*found, known, now_ns, hide_removed=hide_removed)
        if recall != known:
            changes[filename] = recall
    return changes


def is_glitch(recalled: int, held: int) -> bool:
    """Are more files gone in one pass than an upstream removes, so that it is to be reported only?

    That is more than 5 % of the files held, rounded up to whole files.  A
    quarantine is not counted: a page says it, and need not be believed to
    have forgotten something.
    """
    return recalled > -(-held * 5 // 100)


def _found(
    sha256: str, published: Iterable[File], page: ProjectPage, known: Recall | None
) -> tuple[str, str | None] | None:
    """How a file is recalled by a page, and the reason that it gives."""
    if page.status == QUARANTINED:
        return QUARANTINED, page.status_reason
    files = list(published)
    same = [each for each in files if each.hashes.get("sha256", sha256).lower() == sha256.lower()]
    if not same:
        if known is not None and known.how == QUARANTINED:
            return QUARANTINED, known.reason
        return REMOVED, "another file of that name is published" if files else None
    if all(each.yanked is not False for each in same):
        yanked = same[0].yanked
        return YANKED, yanked if isinstance(yanked, str) and yanked else None
    return None


def _recall(how: str, reason: str | None, known: Recall | None, now_ns: int, *, hide_removed: bool) -> Recall:
    since = known.since_ns if known is not None and known.how == how else now_ns
    confirmed = (known is not None and known.how == how and known.confirmed) or now_ns - since >= CONFIRMED_AFTER_NS
    hidden = how == QUARANTINED or (how == REMOVED and confirmed and hide_removed)
    return Recall(how, since, confirmed, hidden, reason)
