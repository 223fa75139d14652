"""A little memory that the processes of one server share: counters of changes, figures, and a notice of the keeper's.

Each process writes into its own part only, so nobody needs a lock, and a
process that hangs or dies holds nobody up.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import cached_property, partial
from mmap import mmap
from zlib import crc32

_COUNTER = 8
_COUNTERS = 4096
"""Bytes for all counters."""
_FIGURES = 1 << 16
"""Bytes for the figures of one process."""
_NOTICE = 1 << 20
"""Bytes for the notice; none are taken before they are written."""
_HEAD = 8
_TRIES = 5

MOST = _COUNTERS // _COUNTER
"""Processes that there may be."""


class SharedMemory:
    """The memory of so many processes; it is there from its first use on."""

    def __init__(self, processes: int, number: int = 0, descriptor: int | None = None) -> None:
        """Be process ``number``, counted from 0; ``descriptor`` is the open memory if another process made it."""
        self.processes = processes
        self.number = number
        self._given = descriptor
        self._at = number * _COUNTER
        self._end = processes * _COUNTER

    @cached_property
    def descriptor(self) -> int:
        """The open memory, to be inherited by the other processes."""
        if self._given is not None:
            return self._given
        made = _nameless()
        os.ftruncate(made, self._size)
        return made

    @cached_property
    def _map(self) -> mmap:
        return mmap(self.descriptor, self._size)

    def open(self) -> None:
        """Make the memory, if it is not there yet.  Raises ``OSError``."""
        self._map  # noqa: B018  # asking makes it

    @cached_property
    def counts(self) -> Callable[[], bytes]:
        """Returns all counters: other bytes than before when any process changed something since."""
        # It is called on every request, and so without a step of Python's own.
        read: Callable[[slice], bytes] = self._map.__getitem__
        return partial(read, slice(0, self._end))

    def count(self) -> None:
        """Count one change.  One thread of this process at a time."""
        at = self._at
        now = int.from_bytes(self._map[at : at + _COUNTER], "little") + 1
        self._map[at : at + _COUNTER] = now.to_bytes(_COUNTER, "little")

    def write_figures(self, data: bytes) -> bool:
        """Leave figures for the others; return whether there was room for them."""
        return self._write(self._figures_of(self.number), _FIGURES, data)

    def read_figures(self, number: int) -> bytes | None:
        """What a process left last; ``None`` when there is nothing, or it is being written over and over."""
        return self._read(self._figures_of(number), _FIGURES)

    def write_notice(self, data: bytes) -> bool:
        """Leave something that one process alone knows, the keeper; return whether there was room for it."""
        return self._write(self._figures_of(self.processes), _NOTICE, data)

    def read_notice(self) -> bytes | None:
        """What that process left last; ``None`` as with ``read_figures``."""
        return self._read(self._figures_of(self.processes), _NOTICE)

    def _write(self, at: int, room: int, data: bytes) -> bool:
        if len(data) > room - _HEAD:
            return False
        # Whoever reads while this is written finds that the check sum does not agree.
        self._map[at : at + _HEAD + len(data)] = (
            len(data).to_bytes(4, "little") + crc32(data).to_bytes(4, "little") + data
        )
        return True

    def _read(self, at: int, room: int) -> bytes | None:
        for _ in range(_TRIES):
            length = min(int.from_bytes(self._map[at : at + 4], "little"), room - _HEAD)
            copy = self._map[at + 4 : at + _HEAD + length]
            data = copy[4:]
            if length and crc32(data) == int.from_bytes(copy[:4], "little"):
                return data
        return None

    def close(self) -> None:
        """Give it up."""
        if "_map" in self.__dict__:
            self._map.close()
        if "descriptor" in self.__dict__:
            os.close(self.descriptor)
        for each in ("counts", "_map", "descriptor"):
            self.__dict__.pop(each, None)

    @property
    def _size(self) -> int:
        return self._figures_of(self.processes) + _NOTICE

    @staticmethod
    def _figures_of(number: int) -> int:
        return _COUNTERS + number * _FIGURES


def _nameless() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("twisted_pypi")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
