"""Whose a project is: ours, or an upstream index's.

The decision is taken once, kept with the project's record, and asked wherever
a name could go outside.  Whatever is in doubt is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from twisted_pypi.project_records import Origin, Whose
from twisted_pypi.sidecars import Source


@dataclass(frozen=True, slots=True)
class Decision:
    """Whose a project is, and why."""

    whose: Whose | None
    """``None``: it was put here by hand, and only a comparison with the upstream can tell.  Until then it is ours."""
    because: str
    """The reason, as it follows "because"."""
    matched: Mapping[str, str] = field(default_factory=dict)
    """The files that decided it: hex sha256 digests by file name."""

    @property
    def may_go_outside(self) -> bool:
        """May an upstream be asked for this name when somebody wants its page?"""
        return self.whose is Whose.UPSTREAM


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file of a project that lies in our folders."""

    filename: str
    sha256: str
    """Hex digest of its bytes."""
    source: Source | None
    """How it came here; ``None``: by hand."""


def decide_without_asking(private: str | None, origin: Origin | None, held: Iterable[HeldFile]) -> Decision:
    """Decide by what is known here.

    ``private`` is the pattern of ``--private`` that matches the name,
    ``origin`` what was decided before, and ``held`` is every file of the
    project.  A file that came by hand after a decision for the upstream, so
    that it was not among those compared, makes the project undecided again.
    """
    files = tuple(held)
    ours = _ours(private, origin, files)
    if ours is not None:
        return ours
    known = origin.matched if origin is not None else {}
    by_hand = [each for each in files if each.source is None and not _same(known.get(each.filename), each.sha256)]
    if by_hand:
        return Decision(
            None, f"{_names(by_hand)} put here by hand, and not compared with what an upstream index publishes"
        )
    if origin is not None:
        return Decision(Whose.UPSTREAM, origin.because, origin.matched)
    if files:
        return Decision(Whose.UPSTREAM, f"{_names(files)} fetched from an upstream index")
    return Decision(Whose.UPSTREAM, "no file of it is here")


def decide_by_comparing(
    held: Iterable[HeldFile], published: Mapping[str, frozenset[str]], index: str, *, origin: Origin | None = None
) -> Decision:
    """Decide by what the upstream index ``index`` publishes: sets of hex sha256 digests by file name.

    It is the upstream's only if each file is byte for byte one that is
    published under its name.  A file that matched before (``origin``), or was
    fetched, need not be published any more: an upstream that drops a file
    recalls it, and does not change the owner.
    """
    files = tuple(held)
    ours = _ours(None, origin, files)
    if ours is not None:
        return ours
    known = origin.matched if origin is not None else {}
    matched: dict[str, str] = {}
    for file in files:
        digests = published.get(file.filename)
        if digests is not None and any(_same(digest, file.sha256) for digest in digests):
            matched[file.filename] = file.sha256.lower()
        elif digests is not None:
            return Decision(
                Whose.OURS, f"{file.filename} is another file here (sha256 {file.sha256}) than the one of {index}"
            )
        elif file.source is None and not _same(known.get(file.filename), file.sha256):
            return Decision(Whose.OURS, f"{file.filename} was put here by hand and is not published by {index}")
    if not matched:
        return Decision(None, f"no file that is here could be compared with what {index} publishes")
    return Decision(
        Whose.UPSTREAM,
        f"{_count(len(matched), 'file')} here {'is' if len(matched) == 1 else 'are'} byte for byte those of {index}",
        {**known, **matched},
    )


def _ours(private: str | None, origin: Origin | None, files: Iterable[HeldFile]) -> Decision | None:
    """What makes a project ours, whatever an upstream publishes."""
    if private is not None:
        return Decision(Whose.OURS, f"its name matches --private {private}")
    if origin is not None and origin.whose is Whose.OURS:
        return Decision(Whose.OURS, origin.because, origin.matched)
    uploaded = next((each for each in files if each.source is Source.UPLOAD), None)
    if uploaded is not None:
        return Decision(
            Whose.OURS, f"{uploaded.filename} was uploaded here", {uploaded.filename: uploaded.sha256.lower()}
        )
    return None


def _same(one: str | None, other: str) -> bool:
    """Are these one digest?  An empty one is none."""
    return bool(one) and one is not None and one.lower() == other.lower()


def _names(files: Iterable[HeldFile]) -> str:
    first, *others = sorted({each.filename for each in files})
    if not others:
        return f"{first} was"
    return f"{first} and {_count(len(others), 'other')} were"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
