"""The clock is set back, and nothing waits for it to catch up."""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, LoopingCall

from twisted_pypi.serving.clock_steps import ClockSteps, open_timer


class Reactor(Clock):
    """A reactor whose clock can be set, and which has readers."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[object] = []

    def addReader(self, reader: object) -> None:
        self.readers.append(reader)

    def removeReader(self, reader: object) -> None:
        self.readers.remove(reader)

    def set_back(self, seconds: float) -> None:
        self.rightNow -= seconds


@dataclass
class House:
    """A service on such a reactor; ``told`` is how the system says that the clock was set."""

    reactor: Reactor
    service: ClockSteps
    write: int
    passed: float = 0.0

    def advance(self, seconds: float) -> None:
        self.passed += seconds
        self.reactor.advance(seconds)

    def set_back(self, seconds: float) -> None:
        self.reactor.set_back(seconds)
        os.write(self.write, b"12345678")
        self.service.doRead()


@pytest.fixture
def house() -> Iterator[House]:
    read, write = os.pipe2(os.O_NONBLOCK)
    clock = Reactor()
    service = ClockSteps(clock, open_timer=lambda: read, wall=clock.seconds, steady=lambda: made.passed)
    made = House(clock, service, write)
    service.startService()
    yield made
    service.stopService()
    assert clock.readers == []
    os.close(write)


def test_timers_come_when_they_would_have_come(house: House) -> None:
    came: list[str] = []
    house.advance(100_000)
    house.reactor.callLater(60, came.append, "scan")
    rounds = LoopingCall(came.append, "round")
    rounds.clock = house.reactor
    rounds.start(20, now=False)
    house.advance(10)
    house.set_back(3600)
    house.advance(11)
    assert came == ["round"]
    house.advance(40)
    assert came.count("scan") == 1
    assert came.count("round") >= 2
    rounds.stop()


@pytest.mark.parametrize("seconds", [-3600.0, 0.1])
def test_a_clock_that_was_set_otherwise_moves_nothing(house: House, seconds: float) -> None:
    call = house.reactor.callLater(60, lambda: None)
    house.set_back(seconds)
    assert call.getTime() == 60


def test_a_wake_for_nothing(house: House) -> None:
    house.service.doRead()


def test_how_the_system_says_it(monkeypatch: pytest.MonkeyPatch, house: House) -> None:
    def read(_descriptor: int, _length: int) -> bytes:
        raise OSError(errno.ECANCELED, "the clock was set")

    call = house.reactor.callLater(60, lambda: None)
    house.reactor.set_back(3600)
    monkeypatch.setattr(os, "read", read)
    house.service.doRead()
    assert call.getTime() == pytest.approx(60 - 3600)


@pytest_twisted.ensureDeferred
async def test_the_reactor_waits_for_it() -> None:
    read, write = os.pipe2(os.O_NONBLOCK)
    ahead = 0.0
    done: Deferred[None] = Deferred()
    service = ClockSteps(reactor, open_timer=lambda: read, wall=lambda: ahead, steady=lambda: 0.0)
    service.startService()
    cast("Any", reactor).callLater(7200, done.callback, None)
    ahead = -7200.0
    os.write(write, b"12345678")
    await done
    service.stopService()
    os.close(write)


@pytest.mark.skipif(not Path("/proc/self/fdinfo").exists(), reason="only Linux tells of its clock")
def test_the_timer_of_the_system() -> None:
    timer = open_timer()
    assert timer is not None
    said = Path(f"/proc/self/fdinfo/{timer}").read_text()
    assert "clockid: 0" in said
    assert "settime flags: 03" in said
    with pytest.raises(BlockingIOError):
        os.read(timer, 8)
    os.close(timer)


def test_where_the_system_has_none() -> None:
    clock = Reactor()
    service = ClockSteps(clock, open_timer=lambda: None)
    service.startService()
    assert (clock.readers, service.fileno()) == ([], -1)
    service.stopService()
