"""``twisted-pypi check``: what a server with these settings would serve, what differs from the old one, what is wrong."""

from __future__ import annotations

import sys
import threading
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from twisted_pypi.catalog import Place
from twisted_pypi.command.checking import links, names, rights, strays
from twisted_pypi.command.checking.contents import File, contents
from twisted_pypi.command.checking.environment import read_settings
from twisted_pypi.command.checking.finding import Finding
from twisted_pypi.command.checking.progress import Progress
from twisted_pypi.command.checking.reporting import Report
from twisted_pypi.command.checking.starting import settings, starting
from twisted_pypi.command.checking.survey import Folder, Unread, walk
from twisted_pypi.command.checking.users import users
from twisted_pypi.config import Config
from twisted_pypi.distributions import ProjectName
from twisted_pypi.sidecars import sidecar_of
from twisted_pypi.storage.reading import Facts, FileReader, Job
from twisted_pypi.storage.remarks import Remarks
from twisted_pypi.storage.tree import Tree


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print what was found, and return 1 when something needs a hand.  Raises ``BadSetting``."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in ("--json", "--repair", "--quick"):
        parser.add_argument(flag, action="store_true")
    said, rest = parser.parse_known_args(argv)
    config, problems = read_settings(rest, environ)
    checked = Checked(config)
    report = Report(sys.stdout, as_json=said.json, repair=said.repair, room=checked.clear)
    for finding in (*problems, *checked.start()):
        report.take(finding)
    for finding in checked.folders():
        report.take(finding)
    if not said.quick:
        for finding in checked.contents():
            report.take(finding)
    for finding in checked.twice(read=not said.quick):
        report.take(finding)
    report.end()
    return int(report.needs_a_hand)


def check(config: Config) -> Iterator[Finding]:
    """Everything that there is to say, in the order in which a start comes upon it; nothing is changed.

    A process that is root becomes who would serve, as the server does.
    """
    checked = Checked(config)
    yield from checked.start()
    yield from checked.folders()
    yield from checked.contents()
    yield from checked.twice(read=True)


class Checked:
    """One volume under one set of settings; its methods are called in their order."""

    def __init__(self, config: Config) -> None:
        """Look at nothing yet."""
        self._config = config
        self._roots = [root for root in config.roots if Path(root).is_dir()]
        self._tree = Tree(self._roots, follow_links=config.follow_links, remarks=Remarks())
        self._reader = FileReader(self._tree, time.time, threading.Event())
        self._doubles = names.Doubles(self._tree)
        self._files, self._size = 0, 0
        self._progress: Progress | None = None

    def start(self) -> Iterator[Finding]:
        """What the settings alone say."""
        yield from starting(self._config, self._roots)
        yield from users(self._config)
        yield from settings(self._config, self._roots)

    def folders(self) -> Iterator[Finding]:
        """What names, links and rights say, without a file being opened (but for the names that are in doubt)."""
        now = time.time()
        for folder in walk(self._tree):
            if isinstance(folder, Unread):
                yield rights.unread(folder)
                continue
            self._doubles.met(folder)
            yield from self._one(folder, now)
        yield from strays.own_leftovers(self._roots, now)

    def contents(self) -> Iterator[Finding]:
        """What can only be said of a file that was read: this takes a while."""
        for file in self._all_files():
            self._files += 1
            self._size += file.size
        progress = self._progress = Progress(sys.stderr, self._files, self._size, verb="read")
        yield from contents(self._all_files(), progress.more, progress.file_done)
        progress.clear()

    def twice(self, *, read: bool) -> Iterator[Finding]:
        """The file names that were met twice."""
        return self._doubles.findings(read=read)

    def clear(self) -> None:
        """Make room for a line on a terminal that shows how far it is."""
        if self._progress is not None:
            self._progress.clear()

    def _one(self, folder: Folder, now: float) -> Iterator[Finding]:
        yield from names.names(folder, self._project_of)
        yield from rights.files(folder)
        if (unwritable := rights.writing(folder)) is not None:
            yield unwritable
        if not self._config.follow_links:
            yield from links.links(folder, self._roots)
        yield from strays.signatures(folder)
        yield from strays.interrupted(folder, now)

    def _project_of(self, place: Place) -> ProjectName | None:
        match self._reader.read(Job(place, closed=True)):
            case Facts(known):
                return known.project
            case _:
                return None

    def _all_files(self) -> Iterator[File]:
        for folder in walk(self._tree):
            if isinstance(folder, Unread):
                continue
            with_sidecar = {sidecar_of(name) for name in folder.names}
            for filename in folder.packages:
                try:
                    size = Path(folder.path(filename)).stat().st_size
                except OSError:
                    continue
                yield File(
                    self._roots[folder.root], folder.path_below(filename), size, with_sidecar=filename in with_sidecar
                )
