"""``twisted-pypi verify``: every byte that is kept, read again and compared with what was written down of it."""

from __future__ import annotations

import os
import sqlite3
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.catalog import Place, Sighting
from twisted_pypi.catalog.location import FILENAME, state_folders
from twisted_pypi.catalog.looking import CatalogView, looking_into
from twisted_pypi.command.checking.finding import Finding, Level, Matter
from twisted_pypi.command.checking.progress import Progress
from twisted_pypi.command.checking.reporting import Report
from twisted_pypi.command.checking.rot import Subject, has_facts, missing, rotten
from twisted_pypi.command.checking.survey import Unread, walk
from twisted_pypi.command.pypi_server import settings_of
from twisted_pypi.command.update_progress import size_of
from twisted_pypi.config import Config
from twisted_pypi.errors import BadSetting, Unreadable
from twisted_pypi.storage.remarks import Remarks
from twisted_pypi.storage.tree import Tree
from twisted_pypi.storage.upstream_places import UPSTREAM
from twisted_pypi.tap.folders import cache_dir


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Read everything, say what is not as it was, and return 1 when something is not.  Raises ``BadSetting``."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--json", action="store_true")
    said, rest = parser.parse_known_args(argv)
    config = settings_of(rest, environ, "twisted-pypi verify", serving=False)
    gone = [root for root in config.roots if not Path(root).is_dir()]
    if gone:
        raise BadSetting(f"{gone[0]} is not there: expected a folder of packages.")
    with ExitStack() as stack:
        volume = Volume(config)
        report = Report(sys.stdout, as_json=said.json, repair=False, room=volume.clear)
        try:
            volume.view = stack.enter_context(looking_into(_state_folder(config, environ), config.roots))
        except Unreadable as problem:
            report.take(_no_catalog(str(problem)))
        try:
            for finding in volume.rotten():
                report.take(finding)
        except sqlite3.Error as problem:
            report.take(_no_catalog(f"it cannot be read on ({problem})", Level.BAD))
        report.end(*volume.outcome())
    return int(report.needs_a_hand)


def _state_folder(config: Config, environ: Mapping[str, str]) -> str:
    folders = list(state_folders(config.state_dir, config.roots[0], cache_dir(environ)))
    return next((each for each in folders if Path(each, FILENAME).exists()), folders[0])


def _no_catalog(why: str, level: Level = Level.NOTE) -> Finding:
    return Finding(
        f"There is no catalog to compare with: {why}.",
        level,
        Matter.START,
        "Only files with sidecars are compared; a server on these folders makes one.",
    )


class Volume:
    """The roots, and what was written down of the files in them."""

    def __init__(self, config: Config) -> None:
        """Look at nothing yet."""
        self.view: CatalogView | None = None
        """The catalog, where there is one."""
        self._roots = config.roots
        self._tree = Tree(config.roots, follow_links=config.follow_links, remarks=Remarks())
        self._progress: Progress | None = None
        self._files, self._size, self._bare, self._bad = 0, 0, 0, 0

    def rotten(self) -> Iterator[Finding]:
        """What is not as it was written down.  Raises ``sqlite3.Error``."""
        unread = [each for each in walk(self._tree) if isinstance(each, Unread)]
        for each in unread:
            yield Finding(f"{each.location} cannot be looked into ({each.reason}).", Level.BAD, Matter.RIGHTS)
        files, size = 0, 0
        for subject, _ in self._subjects():
            files += 1
            size += subject.sighting.size
        progress = self._progress = Progress(sys.stderr, files, size, verb="read")
        for finding in rotten(self._compared(progress), self._facts, progress.more, progress.file_done):
            self._bad += 1
            yield finding
        progress.clear()
        yield from self._missing()

    def clear(self) -> None:
        """Make room for a line on a terminal that shows how far it is."""
        if self._progress is not None:
            self._progress.clear()

    def outcome(self) -> tuple[str, dict[str, object]]:
        """How it ended, as a sentence and for programs."""
        sentence = (
            f"{self._files} files ({size_of(self._size)}) were read and compared: {self._bad} are not what they were."
        )
        if self._bare:
            sentence += f" Of {self._bare} more nothing is written down yet."
        said = {"files": self._files, "bytes": self._size, "nothing_to_compare_with": self._bare}
        return sentence, {**said, "changed": self._bad}

    def _facts(self, place: Place) -> KnownFile | None:
        return None if self.view is None else self.view.known(place)

    def _missing(self) -> Iterator[Finding]:
        for root in range(len(self._roots)) if self.view is not None else ():
            for known in self.view.listed(root) if self.view is not None else ():
                finding = missing(known, self._tree.location(root, known.path))
                if finding is not None:
                    yield finding

    def _compared(self, progress: Progress) -> Iterator[Subject]:
        """The files of which something is written down; the others are counted, and are done."""
        for subject, with_sidecar in self._subjects():
            if has_facts(subject, self._facts, with_sidecar=with_sidecar):
                self._files += 1
                self._size += subject.sighting.size
                yield subject
            else:
                self._bare += 1
                progress.more(subject.sighting.size)
                progress.file_done()

    def _subjects(self) -> Iterator[tuple[Subject, bool]]:
        """Each file, and whether a sidecar lies beside it."""
        for folder in walk(self._tree):
            if isinstance(folder, Unread):
                continue
            for filename in folder.packages:
                place = Place(folder.root, folder.below, filename)
                subject = _subject(folder.path(filename), place)
                if subject is not None:
                    yield subject, f".{filename}.json" in folder.names
        for location in _kept_of_upstreams(self._roots[0]):
            subject = _subject(location, None)
            if subject is not None:
                yield subject, True


def _subject(location: str, place: Place | None) -> Subject | None:
    try:
        return Subject(location, Sighting.of(os.stat(location)), place)  # noqa: PTH116  # as everywhere where there are many
    except OSError:
        return None


def _kept_of_upstreams(root: str) -> Iterator[str]:
    """Where files of upstream indexes are kept that have a sidecar."""
    for folder, _, names in os.walk(Path(root, UPSTREAM)):
        inside = set(names)
        yield from (f"{folder}/{name}" for name in sorted(names) if f".{name}.json" in inside)
