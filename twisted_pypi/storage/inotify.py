"""What the kernel of Linux tells of folders (inotify(7)): the few calls that a watcher needs."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

CLOSE_WRITE, MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x08, 0x40, 0x80, 0x100, 0x200
"""What may have happened to a name in a folder; bits of ``News.mask``."""
OVERFLOW = 0x4000
"""The queue was full: news were lost."""
IGNORED = 0x8000
"""The folder is not watched any more: it is gone, or its mount is."""
FOLDER = 0x40000000
"""The name is that of a folder."""

_ONLY_FOLDERS = 0x01000000
# What happens to a file that has lost its name, or never had one, is no news of the folder.  An upload has none until
# it is whole, and when it is closed the kernel would tell of a file "#<inode>".
_ONLY_NAMES = 0x04000000
_MASK = CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE | _ONLY_FOLDERS | _ONLY_NAMES
_HEAD = struct.Struct("iIII")
_MOST = 64 * 1024


class News(NamedTuple):
    """One thing that happened."""

    watch: int
    """The number of the watched folder; -1 with ``OVERFLOW``."""
    mask: int
    name: str
    """The name in the folder; empty when it is about the folder itself."""


class Inotify:
    """A queue of the kernel with news of the folders that were added to it."""

    def __init__(self) -> None:
        """Make a queue.  Raises ``OSError`` where the system has none to give."""
        self._library = ctypes.CDLL(None, use_errno=True)
        self._fd: int = self._called(self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def fileno(self) -> int:
        """What can be polled until there is something to read."""
        return self._fd

    def add(self, folder: str) -> int:
        """Watch a folder, and return its number.  Raises ``OSError``; ``ENOSPC`` when the limit of watches is reached."""
        return self._called(self._library.inotify_add_watch(self._fd, os.fsencode(folder), ctypes.c_uint32(_MASK)))

    def remove(self, watch: int) -> None:
        """Watch a folder no more; ``IGNORED`` comes of it.  Raises ``OSError`` when it is not watched."""
        self._called(self._library.inotify_rm_watch(self._fd, watch))

    def read(self) -> Iterator[News]:
        """Take what is in the queue, some hundreds at a time at the most; nothing when it is empty.  Does not block."""
        try:
            data = os.read(self._fd, _MOST)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            watch, mask, _cookie, length = _HEAD.unpack_from(data, at)
            at += _HEAD.size
            yield News(watch, mask, os.fsdecode(data[at : at + length].rstrip(b"\0")))
            at += length

    def close(self) -> None:
        """Give the queue back."""
        os.close(self._fd)

    def _called(self, result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            meaning = _LIMITS.get(number, os.strerror(number))
            raise OSError(number, meaning)
        return result


_LIMITS = {
    errno.ENOSPC: "the limit of watched folders is reached; raise fs.inotify.max_user_watches",
    errno.EMFILE: "the limit of watchers is reached; raise fs.inotify.max_user_instances",
}
