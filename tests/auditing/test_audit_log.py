"""The service: in order, soon, from a thread, and whatever the disk does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, Logger, formatEvent

from twisted_pypi.auditing import AppendOnlyFile, AuditLog
from twisted_pypi.auditing.audit_log import AGAIN, INTERVAL
from twisted_pypi.auditing.floods import FROM_ONE
from twisted_pypi.boundaries import RunInThread
from twisted_pypi.boundaries.happenings import Happening, HappeningKind


class Full(AppendOnlyFile):
    """A file on a disk that has room for so many bytes."""

    room = 0

    def append(self, lines: bytes) -> tuple[int, OSError | None]:
        if len(lines) <= self.room:
            return super().append(lines)
        whole = lines.rfind(b"\n", 0, self.room) + 1
        super().append(lines[:whole])
        return whole, OSError(28, "No space left on device")


class House:
    def __init__(self, file: AppendOnlyFile) -> None:
        self.clock = Clock()
        self.said: list[str] = []
        self.threads: list[Deferred[None]] = []
        self.slow = False
        self.file = file
        self.audit = AuditLog(file, cast("RunInThread", self.run_in_thread), self.clock)
        observer = cast("ILogObserver", lambda event: self.said.append(formatEvent(event)))
        self.audit.log = Logger(observer=observer)
        self.audit.open()
        self.audit.startService()

    async def run_in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        if self.slow:
            self.threads.append(Deferred())
            await self.threads[-1]
        return function(*args)

    def tell(self, *users: str) -> None:
        for user in users:
            self.audit.tell(Happening(kind=HappeningKind.LOGIN, moment=0.0, user=user))

    @property
    def written(self) -> list[str | None]:
        return [json.loads(line)["user"] for line in Path(self.audit.path).read_bytes().splitlines()]

    async def end(self) -> None:
        await self.audit.stopService()
        self.audit.close()
        assert self.clock.getDelayedCalls() == []


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(AppendOnlyFile(str(tmp_path / "audit.jsonl")))


@pytest_twisted.ensureDeferred
async def test_lines_are_written_within_a_second_and_in_order(house: House) -> None:
    assert house.clock.getDelayedCalls() == [], "nothing happened, and nothing is waited for"
    house.tell("a", "b")
    assert house.written == []
    house.clock.advance(INTERVAL)
    assert house.written == ["a", "b"]
    assert house.clock.getDelayedCalls() == []
    house.slow = True
    house.tell("c")
    house.clock.advance(INTERVAL)
    house.tell("d")
    house.clock.advance(INTERVAL)
    assert (house.written, len(house.threads)) == (["a", "b"], 1), "one thread at a time, so that the order stays"
    house.threads[0].callback(None)
    house.threads[1].callback(None)
    assert house.written == ["a", "b", "c", "d"]
    house.slow = False
    await house.end()


@pytest_twisted.ensureDeferred
async def test_what_is_there_at_the_end_is_written(house: House) -> None:
    house.slow = True
    house.tell("a")
    house.clock.advance(INTERVAL)
    house.tell("b")
    stopped = house.audit.stopService()
    house.tell("c")
    while house.threads:
        house.threads.pop(0).callback(None)
    await stopped
    house.tell("d")
    house.audit.close()
    assert house.written == ["a", "b", "c", "d"]
    assert house.said == []


@pytest_twisted.ensureDeferred
async def test_what_was_only_counted_is_told_at_the_end(house: House) -> None:
    for _ in range(FROM_ONE + 5):
        house.audit.tell(Happening(kind=HappeningKind.LOGIN_FAILED, moment=0.0, user="ada", address="192.0.2.1"))
    await house.end()
    assert house.written == ["ada"] * FROM_ONE + [None]


@pytest_twisted.ensureDeferred
async def test_a_full_disk_is_one_line_of_the_log_and_loses_nothing(tmp_path: Path) -> None:
    file = Full(str(tmp_path / "audit.jsonl"))
    house = House(file)
    house.tell("a", "b", "c")
    file.room = 300
    house.clock.advance(INTERVAL)
    assert house.written == ["a"]
    for user in "de":
        house.tell(user)
        house.clock.advance(AGAIN)
    assert len(house.said) == 1
    assert "cannot be written (No space left on device)" in house.said[0]
    file.room = 10**6
    house.clock.advance(AGAIN)
    assert house.written == ["a", "b", "c", "d", "e"]
    assert house.said[1].endswith("can be written again; 0 lines are lost")
    await house.end()


@pytest_twisted.ensureDeferred
async def test_a_disk_that_stays_full_costs_the_oldest_lines_and_a_bounded_memory(tmp_path: Path) -> None:
    file = Full(str(tmp_path / "audit.jsonl"))
    house = House(file)
    house.tell(*map(str, range(12_000)))
    house.clock.advance(INTERVAL)
    file.room = 10**6
    house.clock.advance(AGAIN)
    assert house.written == [*map(str, range(2_000, 12_000))]
    assert "2000 lines are lost" in house.said[-1]
    file.room = 0
    house.tell("x")
    await house.end()
    assert house.said[-1].startswith("1 lines of the audit log")
