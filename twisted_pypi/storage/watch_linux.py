"""The watcher on Linux: one thread, which asks the kernel for all that happened a moment ago."""

from __future__ import annotations

import errno
import os
import select
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from twisted.logger import Logger

from twisted_pypi.catalog import Identity
from twisted_pypi.storage.hint_rules import counts, is_entered
from twisted_pypi.storage.inotify import CLOSE_WRITE, FOLDER, IGNORED, MOVED_TO, OVERFLOW, Inotify, News
from twisted_pypi.storage.inotify import CREATE as CREATED
from twisted_pypi.storage.watch import Hint

GATHERING = 0.01
"""Seconds that news are let come together: woken for each, the thread would cost as much as the upload that it sees."""

_OUT_OF_REACH = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ELOOP})


class Watcher:
    """Watches the roots, as ``storage.watch`` says."""

    log = Logger()

    def __init__(self, roots: Sequence[str], hint: Hint, lost: Callable[[], None]) -> None:
        self._roots = tuple(roots)
        self._hint = hint
        self._lost = lost
        self._watched: dict[str, _WatchedRoot] = {}
        self._replaced: list[_WatchedRoot] = []
        self._woken = -1
        self._stopping = threading.Event()
        self._refreshing = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch.  Blocking; raises ``OSError`` when the system's limits do not allow it."""
        self._woken = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.refresh()

    def refresh(self) -> None:
        """Watch the roots that are there now, and anew those of which something was lost.

        Blocking; raises ``OSError`` when the system's limits do not allow it.
        """
        with self._refreshing:
            if self._stopping.is_set():
                return
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
                self._thread.start()
            for root in self._roots:
                try:
                    identity = Identity.of(os.stat(root))
                except OSError:
                    continue
                watched = self._watched.get(root)
                if watched is not None and watched.whole and watched.identity == identity:
                    continue
                self._watched[root] = _WatchedRoot(root, identity)
                if watched is not None:
                    self._replaced.append(watched)
                self._wake()

    def stop(self) -> None:
        """Watch no more.  Blocking."""
        self._stopping.set()
        with self._refreshing:
            if self._thread is not None:
                self._wake()
                self._thread.join()
                self._thread = None
            for each in (*self._watched.values(), *self._replaced):
                each.close()
            self._watched, self._replaced = {}, []
            if self._woken >= 0:
                os.close(self._woken)
                self._woken = -1

    def _wake(self) -> None:
        os.eventfd_write(self._woken, 1)

    def _run(self) -> None:
        polled: dict[int, _WatchedRoot] = {}
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        while not self._stopping.is_set():
            for each in list(self._watched.values()):
                if each.fileno() not in polled:
                    polled[each.fileno()] = each
                    poll.register(each.fileno(), select.POLLIN)
            ready = {fd for fd, _ in poll.poll()}
            if self._woken in ready:
                with suppress(BlockingIOError):
                    os.eventfd_read(self._woken)
            elif self._stopping.wait(GATHERING):
                break
            for fd in ready & polled.keys():
                self._take(polled[fd])
            while self._replaced:
                each = self._replaced.pop()
                if polled.pop(each.fileno(), None) is not None:
                    poll.unregister(each.fileno())
                each.close()

    def _take(self, root: _WatchedRoot) -> None:
        try:
            for path, whole in root.hints():
                self._hint(path, whole)
        except OSError as problem:
            self.log.warn("{root} cannot be watched whole: {problem}", root=root.path, problem=problem)
            root.whole = False
        except Exception:  # noqa: BLE001  # whatever it is: the other roots are watched on, and this one anew
            self.log.failure("{root} is watched anew, something went wrong", root=root.path)
            root.whole = False
        if not (root.whole or root.told):
            root.told = True
            self._lost()


class _WatchedRoot:
    """The folders below one root, and the queue of their news.

    Made in any thread; from then on for the thread of the watcher alone.
    """

    def __init__(self, path: str, identity: Identity) -> None:
        """Watch all there is.  Blocking.  Raises ``OSError``."""
        self.path = path
        self.identity = identity
        self.whole = True
        """Is every folder watched, and was nothing lost?"""
        self.told = False
        """Was it said that it is not?"""
        self._start = len(path.rstrip("/")) + 1
        self._queue = Inotify()
        self._folders: dict[int, str] = {}
        try:
            self._enter(path)
            if not self._folders:
                # Gone since it was looked at, or out of reach: perhaps it is there the next time.
                self.whole = False
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """What can be polled."""
        return self._queue.fileno()

    def close(self) -> None:
        """Watch no more."""
        self._queue.close()

    def hints(self) -> Iterator[tuple[str, bool]]:
        """Take the news; yield paths with whether what is there is whole.  ``whole`` of this root may change by it."""
        for news in self._queue.read():
            if news.mask & OVERFLOW:
                self.whole = False
                continue
            folder = self._folders.get(news.watch)
            if folder is None:
                continue
            if news.mask & IGNORED:
                del self._folders[news.watch]
                self.whole = self.whole and folder != self.path
            elif news.name:
                yield from self._hints(folder, news)

    def _hints(self, folder: str, news: News) -> Iterator[tuple[str, bool]]:
        below = self._below(folder)
        path = f"{folder.rstrip('/')}/{news.name}"
        is_folder = bool(news.mask & FOLDER)
        if is_folder and is_entered(below, news.name):
            if news.mask & (CREATED | MOVED_TO):
                # Before it is looked at, so that nothing comes between.
                self._enter(path)
            else:
                self._leave(path)
        if counts(below, news.name, is_folder=is_folder):
            yield path, bool(news.mask & (CLOSE_WRITE | MOVED_TO))

    def _below(self, folder: str) -> str:
        return f"{folder.rstrip('/')}/"[self._start :]

    def _enter(self, top: str) -> None:
        """Watch a folder and those below it.  Raises ``OSError`` when there are more than may be watched."""
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            below = self._below(folder)
            try:
                self._folders[self._queue.add(folder)] = folder
                with os.scandir(folder) as entries:
                    waiting += [
                        entry.path
                        for entry in entries
                        if is_entered(below, entry.name) and entry.is_dir(follow_symlinks=False)
                    ]
            except OSError as problem:
                if problem.errno not in _OUT_OF_REACH:
                    raise

    def _leave(self, top: str) -> None:
        """Watch a folder and those below it no more: what moved away goes on to tell, of paths where it is not."""
        for watch, folder in list(self._folders.items()):
            if folder == top or folder.startswith(f"{top}/"):
                del self._folders[watch]
                with suppress(OSError):
                    self._queue.remove(watch)
