"""Counters and figures that processes share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from twisted_pypi.sharing import SharedMemory

SMALL = b'{"a": 1}'


@pytest.fixture
def both() -> Iterator[tuple[SharedMemory, SharedMemory]]:
    """The memory as two processes have it."""
    keeper = SharedMemory(2)
    keeper.open()
    worker = SharedMemory(2, 1, os.dup(keeper.descriptor))
    yield keeper, worker
    worker.close()
    keeper.close()


def test_nothing_is_open_before_it_is_used() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    memory = SharedMemory(2)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    memory.close()


def test_whoever_counts_is_seen_by_the_other(both: tuple[SharedMemory, SharedMemory]) -> None:
    seen = set()
    for who in (0, 1, 1, 0):
        before = both[1 - who].counts()
        both[who].count()
        after = both[1 - who].counts()
        assert before != after == both[who].counts()
        seen.add(after)
    assert len(seen) == 4


def test_a_worker_that_is_replaced_counts_on(both: tuple[SharedMemory, SharedMemory]) -> None:
    keeper, worker = both
    worker.count()
    seen = keeper.counts()
    another = SharedMemory(2, 1, os.dup(keeper.descriptor))
    another.count()
    assert keeper.counts() != seen
    another.close()


def test_figures_are_read_as_they_were_left(both: tuple[SharedMemory, SharedMemory]) -> None:
    keeper, worker = both
    assert keeper.read_figures(1) is None
    assert worker.write_figures(SMALL)
    assert keeper.write_figures(b"keeper's")
    assert (keeper.read_figures(1), worker.read_figures(0)) == (SMALL, b"keeper's")
    assert worker.write_figures(b"x")
    assert keeper.read_figures(1) == b"x"
    assert not worker.write_figures(bytes(1 << 16))
    assert keeper.read_figures(1) == b"x"


def test_figures_that_are_half_written_do_not_count(both: tuple[SharedMemory, SharedMemory]) -> None:
    keeper, worker = both
    worker.write_figures(SMALL)
    # As if the worker had been killed in the middle of writing others.
    os.pwrite(worker.descriptor, b"{", 4096 + (1 << 16) + 8 + 3)
    assert keeper.read_figures(1) is None
