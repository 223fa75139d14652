"""The walk through the folders: what is in each, and what of it is served."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from twisted_pypi.storage.tree import LOST_AND_FOUND, Tree


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder as it is now."""

    root: int
    """Which of the roots it is in, counted from 0."""
    below: str
    """The path below that root; empty for the root itself."""
    location: str
    """Its absolute path."""
    packages: list[str]
    """Names of files that the server takes for packages."""
    names: frozenset[str]
    """Everything that is in it, hidden names as well."""
    links: list[str]
    """Names that are symbolic links and not hidden."""

    def path(self, name: str) -> str:
        """The absolute path of something in it."""
        return f"{self.location.rstrip('/')}/{name}"

    def path_below(self, name: str) -> str:
        """The path below the root of something in it."""
        return f"{self.below}/{name}" if self.below else name


@dataclass(frozen=True, slots=True)
class Unread:
    """A folder that cannot be looked into."""

    location: str
    reason: str


def walk(tree: Tree) -> Iterator[Folder | Unread]:
    """Every folder that the server walks through, each root with its sub-folders in order."""
    for root in range(len(tree.roots)):
        waiting = [""]
        while waiting:
            below = waiting.pop()
            location = tree.location(root, below)
            try:
                listing = tree.listing(root, below)
                names, links = _names(location)
            except OSError as problem:
                yield Unread(location, problem.strerror or str(problem))
                continue
            inside = f"{below}/" if below else ""
            waiting += [inside + each for each in reversed(listing.folders)]
            yield Folder(root, below, location, sorted(listing.packages), names, links)


def _names(location: str) -> tuple[frozenset[str], list[str]]:
    with os.scandir(location) as entries:
        found = [(entry.name, entry.is_symlink()) for entry in entries]
    links = sorted(name for name, is_link in found if is_link and not name.startswith("."))
    return frozenset(name for name, _ in found if name != LOST_AND_FOUND), links
