"""The threads in which passwords are hashed."""

from __future__ import annotations

import threading

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorThreads

from twisted_pypi.accounts.threads import HashingThreads
from twisted_pypi.errors import Busy


def threading_reactor() -> IReactorThreads:
    return IReactorThreads(reactor)


@pytest_twisted.ensureDeferred
async def test_work_is_done_in_another_thread_and_errors_come_back() -> None:
    threads = HashingThreads(threading_reactor())
    threads.startService()
    try:
        assert await threads(threading.get_ident) != threading.get_ident()
        with pytest.raises(ZeroDivisionError):
            await threads(divmod, 1, 0)
    finally:
        await stopped(threads)


@pytest_twisted.ensureDeferred
async def test_no_more_than_two_at_once_and_a_queue_that_ends() -> None:
    threads = HashingThreads(threading_reactor(), threads=2, waiting=1)
    gate, both = threading.Event(), threading.Barrier(3, timeout=10)
    running: list[int] = []

    def work() -> int:
        running.append(1)
        if len(running) <= 2:
            both.wait()
            gate.wait(10)
        return len(running)

    threads.startService()
    try:
        waiting = [threads(work) for _ in range(3)]
        both.wait()
        assert len(running) == 2
        with pytest.raises(Busy, match="too many logins are being checked") as caught:
            threads(work)
        assert 0 < caught.value.retry_after <= 60
        gate.set()
        assert await gatherResults(waiting) is not None
        assert await threads(int, "7") == 7
    finally:
        gate.set()
        await stopped(threads)


@pytest_twisted.ensureDeferred
async def test_stopping_gives_up_what_waits_and_leaves_no_thread() -> None:
    threads = HashingThreads(threading_reactor(), threads=1)
    gate, begun = threading.Event(), threading.Event()
    done: list[str] = []

    def slow() -> None:
        begun.set()
        gate.wait(10)
        done.append("slow")

    before = threading.active_count()
    threads.startService()
    first, second = threads(slow), threads(done.append, "second")
    begun.wait(10)
    end = threads.stopService()
    gate.set()
    await first
    with pytest.raises(Busy):
        await second
    assert end is not None
    await end
    assert done == ["slow"]
    # The reactor's own pool keeps the thread that joined ours.
    assert not [each for each in threading.enumerate() if "password-hashes" in each.name]
    assert threading.active_count() <= before + 1


def test_before_it_is_started_and_after_it_is_stopped_nothing_is_taken() -> None:
    threads = HashingThreads(threading_reactor())
    with pytest.raises(Busy):
        threads(int)
    assert threads.stopService() is None


@pytest_twisted.ensureDeferred
async def test_no_thread_before_the_first_login() -> None:
    threads = HashingThreads(threading_reactor())
    threads.startService()
    assert not [each for each in threading.enumerate() if "password-hashes" in each.name]
    await stopped(threads)


async def stopped(threads: HashingThreads) -> None:
    end = threads.stopService()
    assert isinstance(end, Deferred)
    await end
