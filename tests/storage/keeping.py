"""What a scanner does in its threads, done at once in the thread of the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.storage.running import LONG_AGO, OneThread
from twisted_pypi.catalog import Catalog, Place, State
from twisted_pypi.distributions import ProjectName
from twisted_pypi.storage.examining import Examiner
from twisted_pypi.storage.ledger import Ledger
from twisted_pypi.storage.names import NamesPass
from twisted_pypi.storage.reading import FileReader, Job
from twisted_pypi.storage.recording import Recorder
from twisted_pypi.storage.remarks import Remarks
from twisted_pypi.storage.scan import Scan
from twisted_pypi.storage.tools import Tools
from twisted_pypi.storage.tree import Tree


class Keeper:
    """Keeps the catalog of one root; every file there was changed long ago."""

    def __init__(self, root: Path, catalog: Catalog) -> None:
        catalog.projects, catalog.files = catalog.open()
        self.catalog, remarks = catalog, Remarks()
        self.told: list[frozenset[ProjectName]] = []
        tree = Tree([str(root)], follow_links=False, remarks=remarks)
        ledger = Ledger(OneThread(), catalog, tree=tree, remarks=remarks, publish=self.told.append, unread=lambda: None)
        self.tools = Tools(tree, ledger, remarks, threading.Event())
        self.reader = FileReader(tree, lambda: LONG_AGO + 1e6, self.tools.stopping)
        self.recorder = Recorder(self.tools, self.reader)
        self.examiner = Examiner(self.tools)

    def names(self) -> None:
        NamesPass(self.tools).run()

    def scan(self) -> None:
        Scan(self.tools).run(0)
        self.read_all()

    def look(self, paths: list[Path]) -> None:
        self.read(self.examiner.examine({str(path): True for path in paths}))
        self.read_all()

    def read_all(self) -> None:
        self.read([Job(place) for state in (State.UNKNOWN, State.RECHECK) for place in self.to_read(state)])

    def read(self, jobs: list[Job]) -> None:
        while jobs:
            _, jobs = self.recorder.record(jobs)

    def to_read(self, state: State) -> list[Place]:
        return self.catalog.read.to_read(state, None, 1000)


@contextmanager
def keeping(root: Path, state: Path) -> Iterator[Keeper]:
    """A keeper whose catalog is closed at the end."""
    catalog = Catalog([str(root)], state_dir=str(state), cache_dir=str(state))
    try:
        yield Keeper(root, catalog)
    finally:
        catalog.close()
