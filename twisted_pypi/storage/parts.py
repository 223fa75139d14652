"""What looks at the files, put together once for whoever scans them and whoever only follows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IReactorFromThreads, IReactorTime

from twisted_pypi.catalog import Catalog
from twisted_pypi.distributions import ProjectName
from twisted_pypi.storage.enquiries import Enquiries
from twisted_pypi.storage.examining import Examiner
from twisted_pypi.storage.ledger import Ledger
from twisted_pypi.storage.project_marks import ProjectMarks
from twisted_pypi.storage.readers import Readers
from twisted_pypi.storage.reading import FileReader
from twisted_pypi.storage.recording import Recorder
from twisted_pypi.storage.remarks import Remarks
from twisted_pypi.storage.threads import Threads
from twisted_pypi.storage.tools import Tools
from twisted_pypi.storage.tree import Tree

if TYPE_CHECKING:
    from twisted_pypi.storage.following import Following

_OTHER_THREADS = 5


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one service; none of them has begun."""

    threads: Threads
    tools: Tools
    readers: Readers
    examiner: Examiner
    enquiries: Enquiries


def make_parts(
    reactor: IReactorFromThreads,
    clock: IReactorTime,
    catalog: Catalog,
    publish: Callable[[frozenset[ProjectName]], None],
    unread: Callable[[], None],
    *,
    follow_links: bool,
    readers: int,
    marks: ProjectMarks | None,
    following: Following | None,
) -> Parts:
    """Return the parts; ``publish`` and ``unread`` (there are files to be read) are called in the reactor thread."""
    threads = Threads(reactor, readers + _OTHER_THREADS)
    remarks = Remarks()
    tree = Tree(catalog.roots, follow_links=follow_links, remarks=remarks)
    ledger = Ledger(
        reactor,
        catalog,
        tree=tree,
        remarks=remarks,
        publish=publish,
        unread=unread,
        following=following,
        marks=marks,
    )
    tools = Tools(tree, ledger, remarks, threading.Event())
    recorder = Recorder(tools, FileReader(tree, clock.seconds, tools.stopping))
    examiner = Examiner(tools)
    reading = Readers(catalog, threads, recorder, clock, readers)
    enquiries = Enquiries(catalog, tree=tree, ledger=ledger, examiner=examiner, readers=reading, threads=threads)
    return Parts(threads, tools, reading, examiner, enquiries)
