"""The watcher where the system is not Linux: a library knows how each of them tells of changes."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from twisted_pypi.catalog import Identity
from twisted_pypi.storage.hint_rules import counts
from twisted_pypi.storage.watch import Hint

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver, ObservedWatch

# Opening and reading a file must not count: the server itself does that all the time.
_EVENTS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
]


class Watcher:
    """Watches the roots, as ``storage.watch`` says."""

    def __init__(self, roots: Sequence[str], hint: Hint, lost: Callable[[], None]) -> None:
        self._roots = tuple(roots)
        self._hint = hint
        self._lost = _Lost(lost)
        self._observer: BaseObserver | None = None
        self._watches: dict[str, tuple[Identity, ObservedWatch]] = {}

    def start(self) -> None:
        """Begin to watch.  Blocking; raises ``OSError`` when the system's limits do not allow it."""
        logging.getLogger("watchdog").addHandler(self._lost)
        self._begin()
        self.refresh()

    def refresh(self) -> None:
        """Watch the roots that are there now: one that was mounted, or replaced, is another folder.

        A thread of the library that ended by an error is begun anew.  Blocking;
        raises ``OSError`` when the system's limits do not allow it.
        """
        if self._observer is not None and not all(
            thread.is_alive() for thread in (self._observer, *self._observer.emitters)
        ):
            self._end()
            self._begin()
        for root in self._roots:
            try:
                identity = Identity.of(os.stat(root))
            except OSError:
                continue
            watched = self._watches.get(root)
            if self._observer is None or (watched is not None and watched[0] == identity):
                continue
            if watched is not None:
                self._observer.unschedule(watched[1])
            handler = _Handler(root, self._hint)
            self._watches[root] = identity, self._observer.schedule(handler, root, recursive=True, event_filter=_EVENTS)

    def stop(self) -> None:
        """Watch no more.  Blocking."""
        self._end()
        logging.getLogger("watchdog").removeHandler(self._lost)

    def _begin(self) -> None:
        observer = Observer()
        observer.start()
        self._observer = observer

    def _end(self) -> None:
        observer, self._observer, self._watches = self._observer, None, {}
        if observer is not None:
            observer.stop()
            observer.join()


class _Handler(FileSystemEventHandler):
    def __init__(self, root: str, hint: Hint) -> None:
        self._start = len(root.rstrip("/")) + 1
        self._hint = hint

    def dispatch(self, event: FileSystemEvent) -> None:
        source, target = os.fsdecode(event.src_path), os.fsdecode(event.dest_path)
        if self._counts(source, is_folder=event.is_directory):
            self._hint(source, isinstance(event, FileClosedEvent))
        if isinstance(event, FileMovedEvent | DirMovedEvent) and self._counts(target, is_folder=event.is_directory):
            self._hint(target, True)  # noqa: FBT003  # a callback has no names for what it is given

    def _counts(self, path: str, *, is_folder: bool) -> bool:
        folder, _, name = path.rpartition("/")
        below = f"{folder}/"[self._start :]
        return bool(path) and counts(below, name, is_folder=is_folder)


class _Lost(logging.Handler):
    """The only place where the library says that the queue of the system was full is its log."""

    def __init__(self, lost: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._call = lost

    def emit(self, record: logging.LogRecord) -> None:
        del record
        self._call()
