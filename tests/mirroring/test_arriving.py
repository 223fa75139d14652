"""A body on its way to the disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest_twisted
from twisted.internet.defer import Deferred

from twisted_pypi.mirroring.arriving import MOST_IN_MEMORY, Arrival
from twisted_pypi.testing.memory_store import MemoryStaged, MemoryStore


class Flow:
    def __init__(self) -> None:
        self.paused = False

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False


class SlowDisk:
    """Threads that come to an end when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Deferred[Any], Callable[[], Any]]] = []

    def __call__(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Deferred[Any]:
        ended: Deferred[Any] = Deferred()
        self.waiting.append((ended, lambda: function(*args, **kwargs)))
        return ended

    def write(self) -> None:
        ended, work = self.waiting.pop(0)
        try:
            result = work()
        except Exception as problem:  # noqa: BLE001  # as a thread hands it over
            ended.errback(problem)
        else:
            ended.callback(result)


def begun(store: MemoryStore, largest: int | None = None) -> tuple[Arrival, MemoryStaged, Flow, SlowDisk]:
    disk, flow, staged = SlowDisk(), Flow(), store.stage(None, ())
    arrival = Arrival(staged, disk, largest=largest, received=lambda _: None)
    arrival.begun(flow, None)
    return arrival, staged, flow, disk


@pytest_twisted.ensureDeferred
async def test_the_upstream_waits_for_the_disk() -> None:
    arrival, staged, flow, disk = begun(MemoryStore())
    block = b"x" * (MOST_IN_MEMORY // 2)
    for _ in range(3):
        arrival.received(block)
    assert (flow.paused, len(disk.waiting)) == (False, 1)
    arrival.received(block)
    assert (flow.paused, len(disk.waiting)) == (True, 1)
    disk.write()
    assert flow.paused is False
    quiet = Deferred.fromCoroutine(arrival.quiet())
    assert not quiet.called
    disk.write()
    await quiet
    assert (staged.size, arrival.problem, disk.waiting) == (4 * len(block), None, [])
    staged.discard()


@pytest_twisted.ensureDeferred
async def test_when_the_disk_is_full_no_more_is_taken() -> None:
    arrival, staged, _, disk = begun(MemoryStore(capacity=10))
    stopped: list[bool] = []
    arrival.when_failed(lambda: stopped.append(True))
    arrival.received(b"x" * 20)
    arrival.received(b"y" * 20)
    quiet = Deferred.fromCoroutine(arrival.quiet())
    disk.write()
    await quiet
    arrival.received(b"z")
    assert (str(arrival.problem), stopped, disk.waiting) == ("the disk of the index is full", [True], [])
    assert staged.discarded


@pytest_twisted.ensureDeferred
async def test_who_asks_late_is_told_at_once_that_it_failed() -> None:
    arrival, staged, _, disk = begun(MemoryStore(), largest=5)
    arrival.received(b"x" * 6)
    stopped: list[bool] = []
    arrival.when_failed(lambda: stopped.append(True))
    await arrival.quiet()
    assert ("more than the 5 bytes" in str(arrival.problem), stopped, disk.waiting) == (True, [True], [])
    staged.discard()
