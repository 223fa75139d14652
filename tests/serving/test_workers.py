"""How the keeper looks after its workers, with processes that exist only in memory."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessTerminated
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import ILogObserver, LogLevel, formatEvent, globalLogPublisher
from twisted.python.failure import Failure

from twisted_pypi.config import Config
from twisted_pypi.errors import Busy, Unreadable
from twisted_pypi.serving.endpoints import Speaks
from twisted_pypi.serving.json_lines import json_line
from twisted_pypi.serving.workers.handover import MEMORY, Handover, Socket, receive
from twisted_pypi.serving.workers.keeping import FIRST_PAUSE, LONGEST_PAUSE, SOUND, Worker, Workers
from twisted_pypi.serving.workers.lifeline import Lifeline
from twisted_pypi.serving.workers.telling import Retelling, Teller

ACCESS = "twisted_pypi.serving.logs.LogLines"
SECRET = "https://user:secret@index.example.com/simple"
CONFIG = Config(roots=("/packages",), upstreams=(SECRET,), workers=3)


class Spawned:
    """A process, as far as its keeper has to do with it."""

    def __init__(self, protocol: Worker, arguments: Sequence[str], descriptors: dict[int, Any], pid: int) -> None:
        self.protocol = protocol
        self.arguments = list(arguments)
        self.descriptors = descriptors
        self.pid = pid
        self.written = io.BytesIO()
        self.signals: list[str] = []
        self.told_to_end = False

    def write(self, data: bytes) -> None:
        self.written.write(data)

    def closeStdin(self) -> None:
        self.told_to_end = True

    def signalProcess(self, name: str) -> None:
        self.signals.append(name)

    def end(self) -> None:
        self.protocol.processEnded(Failure(ProcessTerminated(signal=9)))


class House:
    """A keeper in memory."""

    def __init__(self, catalog: str | None = "/catalog") -> None:
        self.reactor = MemoryReactorClock()
        self.spawned: list[Spawned] = []
        self.ready: list[Deferred[None]] = []
        self.changes = 0
        self.catalog = catalog
        reactor = cast("Any", self.reactor)
        reactor.spawnProcess = self.spawn
        self.workers = Workers(
            2,
            module="some.module",
            reactor=reactor,
            prepare=lambda: None,
            ready=self.wait,
            handover=self.handover,
            memory=lambda: 30,
            changed=self.changed,
        )
        self.workers.serve([(20, 2, None, Speaks.TLS), (21, 2, "tcp:80", Speaks.PLAIN)])
        self.workers.startService()

    def wait(self) -> Deferred[None]:
        self.ready.append(Deferred())
        return self.ready[-1]

    def handover(self, number: int, sockets: tuple[Socket, ...]) -> Handover | None:
        return None if self.catalog is None else Handover(CONFIG, number, self.catalog, sockets, "some.reactor", False)

    def changed(self) -> None:
        self.changes += 1

    def spawn(self, protocol: Worker, _program: str, arguments: Sequence[str], **named: Any) -> None:
        process = Spawned(protocol, arguments, named["childFDs"], 100 + len(self.spawned))
        protocol.transport = cast("Any", process)
        self.spawned.append(process)

    def begin(self) -> None:
        self.ready[0].callback(None)


@contextmanager
def logged() -> Iterator[list[dict[str, Any]]]:
    events: list[dict[str, Any]] = []
    observer = cast("ILogObserver", events.append)
    globalLogPublisher.addObserver(observer)
    yield events
    globalLogPublisher.removeObserver(observer)


def test_nothing_is_started_before_all_names_are_known() -> None:
    house = House()
    assert house.spawned == []
    house.begin()
    assert [each.arguments[1:] for each in house.spawned] == [["-m", "some.module", "1"], ["-m", "some.module", "2"]]
    assert house.spawned[0].descriptors == {0: "w", 1: 1, 2: "r", MEMORY: 30, MEMORY + 1: 20, MEMORY + 2: 21}


def test_everything_but_a_number_is_handed_over_by_the_pipe() -> None:
    house = House()
    house.begin()
    second = house.spawned[1]
    assert not any("secret" in each for each in second.arguments)
    read, write = os.pipe()
    os.write(write, second.written.getvalue())
    os.close(write)
    sockets = (Socket(MEMORY + 1, 2, None, Speaks.TLS), Socket(MEMORY + 2, 2, "tcp:80", Speaks.PLAIN))
    assert receive(read) == Handover(CONFIG, 2, "/catalog", sockets, "some.reactor", False)
    with pytest.raises(EOFError):
        receive(read)
    os.close(read)


def test_names_that_cannot_be_read_now_are_waited_for() -> None:
    house = House()
    house.ready[0].errback(Unreadable("not mounted"))
    house.reactor.advance(1)
    house.ready[1].callback(None)
    assert len(house.spawned) == 2


def test_a_server_that_stops_before_starts_none() -> None:
    house = House()
    house.ready[0].errback(Busy("stopping", 1))
    house.reactor.advance(60)
    assert (house.spawned, len(house.ready)) == ([], 1)


def test_one_that_had_served_is_replaced_at_once() -> None:
    house = House()
    house.begin()
    house.reactor.advance(SOUND)
    house.spawned[1].end()
    house.reactor.advance(0)
    assert [each.arguments[-1] for each in house.spawned] == ["1", "2", "2"]
    assert house.changes == 1
    assert house.workers.pids == {1: 100, 2: 102}


def test_one_that_ends_again_and_again_is_replaced_more_and_more_slowly() -> None:
    house = House()
    house.begin()
    pause = FIRST_PAUSE
    for count in range(3, 14):
        house.spawned[-1].end()
        house.reactor.advance(pause - 0.1)
        assert len(house.spawned) == count - 1
        house.reactor.advance(0.1)
        assert len(house.spawned) == count
        pause = min(pause * 2, LONGEST_PAUSE)
    assert pause == LONGEST_PAUSE
    house.reactor.advance(SOUND)
    house.spawned[-1].end()
    house.reactor.advance(0)
    house.spawned[-1].end()
    before = len(house.spawned)
    house.reactor.advance(FIRST_PAUSE)
    assert len(house.spawned) == before + 1


def test_all_are_told_to_finish_and_waited_for() -> None:
    house = House()
    house.begin()
    house.spawned[0].end()
    ended: list[None] = []
    house.workers.finish().addCallback(ended.append)
    assert house.spawned[1].told_to_end
    assert ended == []
    house.reactor.advance(LONGEST_PAUSE)
    assert len(house.spawned) == 2
    house.workers.kill()
    assert house.spawned[1].signals == ["KILL"]
    house.spawned[1].end()
    assert ended == [None]
    assert house.reactor.getDelayedCalls() == []


def test_finishing_before_any_was_started() -> None:
    house = House()
    ended: list[None] = []
    house.workers.finish().addCallback(ended.append)
    house.reactor.advance(60)
    assert (ended, house.spawned) == ([None], [])


def test_log_files_are_opened_again_by_all() -> None:
    house = House()
    house.begin()
    before = [each.written.tell() for each in house.spawned]
    house.workers.reopen()
    assert [each.written.tell() - at for each, at in zip(house.spawned, before, strict=True)] == [1, 1]


def test_without_a_catalog_to_share_one_process_serves_alone() -> None:
    house = House(catalog=None)
    with logged() as events:
        house.begin()
    assert house.spawned == []
    assert "one process serves alone" in (formatEvent(events[0]))


class Readers:
    """A reactor that only has readers."""

    def __init__(self) -> None:
        self.readers: set[Lifeline] = set()

    def addReader(self, reader: Lifeline) -> None:
        self.readers.add(reader)

    def removeReader(self, reader: Lifeline) -> None:
        self.readers.discard(reader)


@pytest.mark.parametrize("by_the_reactor", [True, False])
def test_a_worker_hears_words_and_the_end_once(by_the_reactor: bool) -> None:
    read, write = os.pipe()
    story, reactor = list[str](), Readers()
    line = Lifeline(read, reactor, reopen=lambda: story.append("reopen"), gone=lambda: story.append("gone"))
    line.start()
    line.doRead()
    assert (story, reactor.readers) == ([], {line})
    os.write(write, b"r")
    line.doRead()
    os.close(write)
    if by_the_reactor:
        line.connectionLost(Failure(EOFError()))
    line.doRead()
    line.connectionLost(Failure(EOFError()))
    assert (story, reactor.readers) == (["reopen", "gone"], set())
    os.close(read)


def test_what_a_worker_logs_is_logged_by_the_keeper() -> None:
    read, write = os.pipe()
    tell = Teller(write, LogLevel.info)
    tell({"log_level": LogLevel.warn, "log_namespace": "some.where", "log_format": "two\nlines {x}", "x": 1})
    tell({"log_level": LogLevel.debug, "log_namespace": "some.where", "log_format": "not wanted"})
    tell({"log_level": LogLevel.info, "log_namespace": ACCESS, "log_format": "a request"})
    tell({"log_level": LogLevel.error, "log_format": "it broke", "log_failure": Failure(ValueError("no"))})
    told = os.read(read, 10_000)
    os.close(read)
    os.close(write)
    # Nobody reads any more, which is no worry of the worker's.
    retelling = Retelling(7)
    with logged() as events:
        for at in range(len(told)):
            retelling.received(told[at : at + 1])
        retelling.received(b"Fatal Python error: no frame\n")
    assert [(each["log_level"], each["log_namespace"], formatEvent(each)) for each in events] == [
        (LogLevel.warn, "some.where", "worker 7: two\nlines 1"),
        (LogLevel.info, ACCESS, "a request"),
        (LogLevel.error, "-", f"worker 7: it broke\n{Failure(ValueError('no')).getTraceback()}"),
        (LogLevel.error, "worker", "worker 7: Fatal Python error: no frame"),
    ]
    broke = json.loads(json_line(events[2]))
    assert (broke["worker"], broke["message"]) == (7, "it broke")
    assert broke["traceback"].endswith("builtins.ValueError: no\n")


def test_a_keeper_that_does_not_read_is_waited_for_once() -> None:
    read, write = os.pipe()
    tell = Teller(write, LogLevel.info)
    event = {"log_level": LogLevel.info, "log_namespace": "some.where", "log_format": "x" * 10_000}
    for _ in range(20):
        tell(event)
    os.set_blocking(read, False)
    told = b""
    while len(told) < 60_000:
        told += os.read(read, 10_000)
    tell(event)
    os.close(read)
    tell(event)
    os.close(write)
    assert json.loads(told.splitlines()[0])[0] == "info"
