"""Locks between processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from twisted_pypi.sharing import KeyLocks, SharedMemory

HOLDER = """
import asyncio, sys
from twisted.internet.task import Clock
from twisted_pypi.sharing import KeyLocks
async def hold():
    async with KeyLocks(lambda: int(sys.argv[1]), Clock(), lambda: None).hold(sys.argv[2]):
        print("held", flush=True)
        sys.stdin.read()
try:
    hold().send(None)
except StopIteration:
    pass
"""


@contextmanager
def held(memory: SharedMemory, key: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds a lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(memory.descriptor), key],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=[memory.descriptor],
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


async def _take(locks: KeyLocks, key: str, story: list[str]) -> None:
    async with locks.hold(key):
        story.append(key)


@pytest_twisted.ensureDeferred
async def test_one_process_at_a_time_is_let_in_with_a_key() -> None:
    memory, story = SharedMemory(2), list[str]()
    locks = KeyLocks(lambda: memory.descriptor, reactor, lambda: story.append("gained"))
    with held(memory, "one") as other:
        waiting = Deferred.fromCoroutine(_take(locks, "one", story))
        await _take(locks, "two", story)
        await deferLater(reactor, 0.1)
        assert story == ["gained", "two"]
        other.kill()
    await waiting
    assert story == ["gained", "two", "gained", "one"]
    with held(memory, "one"):
        pass
    memory.close()
