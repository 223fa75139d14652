"""File names: those that the old server understood otherwise, and those that are there twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from twisted_pypi.catalog import Place, preference
from twisted_pypi.command.checking.finding import Finding, Level, Matter
from twisted_pypi.command.checking.old_names import old_reading
from twisted_pypi.command.checking.survey import Folder
from twisted_pypi.distributions import ProjectName, is_package_name, is_project_name, normalize, parse_filename
from twisted_pypi.errors import BadFilename
from twisted_pypi.storage.tree import Tree

ProjectOf = Callable[[Place], ProjectName | None]
"""Which project the file at a place belongs to, by what is in it; ``None`` when it is not there any more."""


def names(folder: Folder, project_of: ProjectOf) -> Iterator[Finding]:
    """What the names in a folder mean now, where that is not what they meant to the old server."""
    for filename in sorted(folder.names):
        old = old_reading(filename)
        if is_package_name(filename):
            if filename in folder.packages:
                yield from _one(folder, filename, old, project_of)
        elif old is not None and Path(folder.path(filename)).is_file():
            yield Finding(
                f"{folder.path(filename)!a} was listed by the old server, and is not: its ending is not that of a package.",
                Level.BAD,
                Matter.NAME,
                f"Rename it; endings are written in lower case, as in {_lower_ending(filename)!a}.",
                folder.path(filename),
            )


def _one(folder: Folder, filename: str, old: tuple[str, str] | None, project_of: ProjectOf) -> Iterator[Finding]:
    location = folder.path(filename)
    try:
        parse_filename(filename)
    except BadFilename as problem:
        yield Finding(
            f"{location!a} is left out: {problem}.",
            Level.NOTE if old is None else Level.BAD,
            Matter.NAME,
            "Rename it to name-version and its ending, or build it again."
            + ("" if old is None else " The old server listed it."),
            location,
        )
        return
    if old is None:
        return
    before = normalize(old[0])
    if parse_filename(filename).project == before:
        return
    now = project_of(Place(folder.root, folder.below, filename))
    if now is not None and now != before:
        could = is_project_name(old[0])
        yield Finding(
            f"{location!a} belongs to the project {now}; the old server listed it under {before}.",
            Level.BAD if could else Level.NOTE,
            Matter.NAME,
            f"Whoever installs {before} finds it no longer: install {now}, or rename the file."
            if could
            else "Nothing: no installer could ask for that name.",
            location,
        )


def _lower_ending(filename: str) -> str:
    stem = filename.lower()
    lengths = (length for length in range(len(filename)) if is_package_name(filename[:length] + stem[length:]))
    at = max(lengths, default=0)
    return filename[:at] + stem[at:]


class Doubles:
    """The file names that were met, and which of them twice."""

    def __init__(self, tree: Tree) -> None:
        """Nothing was met yet."""
        self._tree = tree
        self._first: dict[str, Place] = {}
        self._others: dict[str, list[Place]] = {}

    def met(self, folder: Folder) -> None:
        """Remember what is in a folder."""
        for filename in folder.packages:
            place = Place(folder.root, folder.below, filename)
            if self._first.setdefault(filename, place) is not place:
                self._others.setdefault(filename, []).append(place)

    def findings(self, *, read: bool) -> Iterator[Finding]:
        """One for each name that is there more than once; ``read``: files of one size are compared."""
        for filename, others in sorted(self._others.items()):
            listed, *rest = sorted([self._first[filename], *others], key=preference)
            locations = [self._tree.location(each.root, each.path) for each in (listed, *rest)]
            try:
                same = _same(locations, read=read)
            except OSError:
                same = False
            shown = " and ".join(locations[1:])
            if same:
                sentence = (
                    f"{filename} is there more than once, with the same bytes: {locations[0]} is listed, {shown} not."
                )
                advice = "Nothing is missing; remove those that are not listed when nobody has their address."
            else:
                sentence = (
                    f"{filename} is there with different bytes: {locations[0]} is listed, and {shown} only by address."
                )
                advice = "The old server listed both: keep the right one, and move the other out of the folders."
            yield Finding(sentence, Level.NOTE if same else Level.BAD, Matter.TWICE, advice, locations[0])


def _same(locations: list[str], *, read: bool) -> bool:
    if len({Path(each).stat().st_size for each in locations}) > 1:
        return False
    return not read or len({_digest(each) for each in locations}) == 1


def _digest(location: str) -> bytes:
    with Path(location).open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
