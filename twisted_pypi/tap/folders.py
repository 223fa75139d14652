"""The folders of packages and all that is known of them, for whoever serves or updates them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twisted_pypi.catalog import Catalog
from twisted_pypi.config import Config
from twisted_pypi.distributions import ProjectName
from twisted_pypi.events import Changes
from twisted_pypi.indexes.local import LocalIndex
from twisted_pypi.indexes.marked import Marked
from twisted_pypi.storage.project_marks import ProjectMarks
from twisted_pypi.storage.publishing import DirectoryStore
from twisted_pypi.storage.scanner import Scanner

if TYPE_CHECKING:
    from twisted_pypi.boundaries.happenings import TellOfHappenings
    from twisted_pypi.storage.follower import Follower
    from twisted_pypi.storage.following import Following
    from twisted_pypi.tap.together import Together


@dataclass(frozen=True, slots=True)
class Folders:
    """What keeps the folders of packages, writes to them and knows what is in them."""

    changes: Changes
    marks: ProjectMarks
    scanner: Scanner | Follower
    """The service that keeps the catalog in step with the files, or with the process that does."""
    local: LocalIndex
    """What is in the folders."""
    index: Marked
    """The same, under the status of each project."""
    store: DirectoryStore
    catalog: Catalog
    following: Following | None = None
    """What keeps this process in step with others that serve; ``None``: there are none."""
    tell: TellOfHappenings | None = None
    """Is told of what happens; ``None``: nobody wants to know."""

    @property
    def keeps(self) -> bool:
        """Is this the process that looks after the folders, and not only shows them?"""
        return isinstance(self.scanner, Scanner)

    def doubt(self) -> str | None:
        """Return why there may be projects of ours that nobody knows of, in a sentence; ``None``: all are known."""
        return self.marks.doubt() or self.scanner.never_read()

    def publish(self, names: frozenset[ProjectName]) -> None:
        """Tell all listeners, in every process, that the pages of these projects are others now."""
        self.changes.publish(names)
        if self.following is not None:
            told = Deferred.fromCoroutine(self.scanner.enquiries.touched(names))
            told.addErrback(lambda failure: Logger().failure("other processes could not be told of a change", failure))

    def state_folder(self) -> str | None:
        """Return where state is kept, once the catalog is open; ``None``: in memory."""
        return None if self.catalog.location is None else os.path.dirname(self.catalog.location)  # noqa: PTH120  # a text, as all of the catalog's paths


def make_folders(config: Config, reactor: Any, environ: Mapping[str, str], together: Together | None = None) -> Folders:
    """Return what belongs to the folders of these settings.  Nothing is opened before the scanner is started."""
    changes = Changes()
    marks = ProjectMarks(config.roots[0], reactor, changes.publish)
    catalog = Catalog(
        config.roots,
        state_dir=config.state_dir,
        cache_dir=cache_dir(environ),
        journal=None if together is None else together.journal,
        location=None if together is None else together.location,
    )
    following = None if together is None else together.following(catalog, reactor)
    scanner: Scanner | Follower
    if together is not None and following is not None and not together.keeps:
        from twisted_pypi.storage.follower import Follower  # noqa: PLC0415  # one process alone needs none of it

        scanner = Follower(
            reactor,
            reactor,
            catalog,
            changes.publish,
            journal=together.journal,
            following=following,
            marks=marks,
            follow_links=config.follow_links,
            readers=os.cpu_count() or 1,
        )
    else:
        scanner = Scanner(
            reactor,
            reactor,
            catalog,
            changes.publish,
            follow_links=config.follow_links,
            watch=config.watch,
            rescan=config.rescan,
            readers=os.cpu_count() or 1,
            marks=marks,
            following=following,
        )
    local = LocalIndex(catalog, scanner.enquiries)
    shown, store = Marked(local, marks.of), DirectoryStore(config.roots)
    return Folders(changes, marks, scanner, local, shown, store, catalog, following)


def cache_dir(environ: Mapping[str, str]) -> str:
    """Return where this user keeps what can be made again (XDG base directory specification)."""
    return os.path.join(environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "twisted-pypi")  # noqa: PTH118, PTH111  # a text, no path yet
