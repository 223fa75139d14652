"""Writes to the catalog from any thread, and tells the reactor thread what changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from twisted.internet.interfaces import IReactorFromThreads

from twisted_pypi.catalog import Catalog, Committed, Gone, Writer
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import Unreadable
from twisted_pypi.storage.project_marks import ProjectMarks
from twisted_pypi.storage.remarks import Remark, Remarks
from twisted_pypi.storage.tree import Tree

if TYPE_CHECKING:
    from twisted_pypi.storage.following import Following

T = TypeVar("T")


class Ledger:
    """The catalog, for those who write into it."""

    def __init__(
        self,
        reactor: IReactorFromThreads,
        catalog: Catalog,
        *,
        tree: Tree,
        remarks: Remarks,
        publish: Callable[[frozenset[ProjectName]], None],
        unread: Callable[[], None],
        following: Following | None = None,
        marks: ProjectMarks | None = None,
    ) -> None:
        """``publish`` and ``unread`` (there are files to be read) are called in the reactor thread.

        With ``following``, so are they after what other processes write, and
        ``marks`` of projects that others changed are read again.
        """
        self.catalog = catalog
        self._reactor = reactor
        self._tree = tree
        self._remarks = remarks
        self._publish = publish
        self._unread = unread
        self._marks = marks
        self._following = following
        self.tell_of_gone: Callable[[Sequence[Gone]], None] | None = None
        """Is told, in the reactor thread, of files that this process found to be gone, or removed."""
        if following is not None:
            following.tell(self._apply, self._anew)

    def write(self, job: Callable[[Writer], T]) -> T:
        """Run ``job`` in a transaction and return what it returns.  Blocking.

        The reactor thread learns of it in the order of the transactions, and
        before anything that the caller hands to it afterwards.  Raises
        ``Unreadable`` when nothing can be written.
        """
        try:
            return self.catalog.write(job, self._committed)
        except sqlite3.Error as problem:
            raise Unreadable(f"the catalog cannot be written at the moment ({problem}); ask again") from problem

    def _committed(self, committed: Committed) -> None:
        for listed, other in committed.doubles:
            first, second = (self._tree.location(each.root, each.path) for each in (listed, other))
            self._remarks.once(
                Remark.DOUBLE,
                listed.filename,
                f"{listed.filename} is in two places: {first} is listed, {second} is not",
            )
        if committed.gone and self.tell_of_gone is not None:
            self._reactor.callFromThread(self.tell_of_gone, committed.gone)
        if self._marks is not None and self._following is None and (fewer := _fewer(committed)):
            # Whoever removed the last file of a project said before whose it is, perhaps unnoticed until now.
            self._marks.look_for(fewer)
        if committed and self._following is not None:
            # It comes back by the journal, in one order with what others write.
            self._following.count()
            self._reactor.callFromThread(self._following.catch_up)
        elif committed:
            self._reactor.callFromThread(self._apply, committed)

    def _apply(self, committed: Committed) -> None:
        self.catalog.apply(committed)
        self._publish(frozenset(committed.changed))
        if committed.unread:
            self._unread()
        names = committed.records if self._following is None else committed.records.union(_fewer(committed))
        if names and self._marks is not None:
            self._marks.look_now(names)

    def _anew(self, names: frozenset[ProjectName]) -> None:
        self._publish(names)
        self._unread()
        if self._marks is not None:
            self._marks.look_now(None)


def _fewer(committed: Committed) -> list[ProjectName]:
    """The projects of which there are fewer files now."""
    return [name for name, more in committed.rows.items() if more < 0]
