"""Which file is read next."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, Logger
from twisted.python.failure import Failure

from twisted_pypi.catalog import Catalog, Place, Sighting
from twisted_pypi.distributions import parse_filename
from twisted_pypi.errors import Busy
from twisted_pypi.storage.readers import Readers
from twisted_pypi.storage.reading import Job, NotYet
from twisted_pypi.storage.recording import Recorded, Recorder
from twisted_pypi.storage.threads import Threads


def place(name: str) -> Place:
    return Place(0, "", f"{name}-1.0.zip")


def over(waiting: Deferred[None]) -> bool:
    return bool(waiting.called)


class HeldThreads:
    """Threads that end when the test says so."""

    def __init__(self) -> None:
        self.running: list[tuple[list[Job], Deferred[Any]]] = []

    def run(self, function: Callable[..., object], jobs: Sequence[Job]) -> Deferred[Any]:
        assert function is not None
        ended: Deferred[Any] = Deferred()
        self.running.append((list(jobs), ended))
        return ended

    @property
    def names(self) -> list[list[str]]:
        """What each thread reads."""
        return [[job.place.filename.partition("-")[0] for job in jobs] for jobs, _ in self.running]

    def end(self, *, left: int = 0, waiting: Sequence[tuple[Place, NotYet]] = (), shareable: bool = False) -> None:
        """The first thread ends, and leaves the last so many files."""
        jobs, ended = self.running.pop(0)
        read = jobs[: len(jobs) - left]
        ended.callback((Recorded([job.place for job in read], list(waiting), shareable), jobs[len(read) :]))


class Nobody:
    """Who would read the files in the threads."""

    def record(self, jobs: object) -> None:
        raise NotImplementedError


class Desk:
    """Readers whose threads are held."""

    def __init__(self, folder: Path) -> None:
        self.catalog = Catalog(["/root"], state_dir=str(folder), cache_dir="/nowhere")
        self.catalog.open()
        self.threads, self.clock = HeldThreads(), Clock()
        self.readers = Readers(
            self.catalog, cast("Threads", self.threads), cast("Recorder", Nobody()), self.clock, slots=3
        )

    def seen(self, *names: str) -> None:
        """Files were seen by name."""
        for name in names:
            self._write("seen", place(name), parse_filename(place(name).filename))

    def known(self, *names: str) -> None:
        """Files were read, and are not worth reading again."""
        for name in names:
            self._write("remove", place(name))

    def _write(self, method: str, *arguments: object) -> None:
        self.catalog.write(lambda writer: getattr(writer, method)(*arguments), self.catalog.apply)

    def wait_for(self, *names: str) -> Deferred[None]:
        return Deferred.fromCoroutine(self.readers.read_first([Job(place(name)) for name in names]))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.catalog.close()


def test_what_nobody_waits_for_leaves_one_thread_free(desk: Desk) -> None:
    names = sorted(f"p{number}" for number in range(100))
    desk.seen(*names)
    desk.readers.wake()
    assert desk.threads.names == [names[:64]]
    waiting = desk.wait_for("p99", "p98")
    assert sorted(desk.threads.names[1]) == ["p98", "p99"]
    assert not over(waiting)
    desk.threads.running.reverse()
    desk.threads.end()
    assert over(waiting)
    desk.known("p98", "p99", *names[:64])
    desk.threads.end()
    assert desk.threads.names == [names[64:98]]


def test_more_threads_read_only_where_that_helps(desk: Desk) -> None:
    names = [f"p{number:03}" for number in range(64 * 6)]
    desk.seen(*names)
    desk.readers.wake()
    assert len(desk.threads.running) == 1
    desk.threads.end(shareable=True)
    assert len(desk.threads.running) == 3
    desk.threads.end()
    desk.threads.end()
    assert len(desk.threads.running) == 1


def test_what_a_thread_has_no_time_for_is_read_next_by_whoever_waits_most(desk: Desk) -> None:
    desk.seen("a", "b", "c", "d")
    desk.readers.wake()
    waiting = desk.wait_for("d")
    assert desk.threads.names == [["a", "b", "c", "d"]]
    desk.threads.end(left=3)
    desk.known("a")
    assert desk.threads.names[0] == ["d"]
    assert not over(waiting)
    desk.threads.end()
    assert over(waiting)
    assert desk.threads.names == [["b", "c"]]


def test_a_file_that_changes_while_it_is_read_is_read_again(desk: Desk) -> None:
    desk.readers.urgent([Job(place("a"))])
    desk.readers.urgent([Job(place("a"), closed=True)])
    assert desk.threads.names == [["a"]]
    desk.threads.end()
    assert [job for jobs, _ in desk.threads.running for job in jobs] == [Job(place("a"), closed=True)]
    desk.threads.end()
    assert desk.threads.names == []


def test_a_file_that_stays_unread_is_not_read_without_end(desk: Desk) -> None:
    desk.seen("a")
    desk.readers.wake()
    for _ in range(3):
        if desk.threads.running:
            desk.threads.end()
    assert desk.threads.names == []


def test_a_thread_that_fails_keeps_nobody_waiting(desk: Desk) -> None:
    waiting = desk.wait_for("a")
    said: list[dict[str, Any]] = []
    desk.readers.log = Logger(observer=cast("ILogObserver", said.append))
    desk.threads.running.pop()[1].errback(RuntimeError("broken"))
    assert over(waiting)
    assert len(said) == 1


def test_a_file_that_is_not_whole_is_looked_at_again(desk: Desk) -> None:
    desk.readers.urgent([Job(place("a"))])
    sighting = Sighting(1, 2, 3)
    desk.clock.advance(100)
    desk.threads.end(waiting=[(place("a"), NotYet(sighting, 2.0))])
    desk.clock.advance(1.9)
    assert desk.threads.names == []
    desk.clock.advance(0.1)
    assert desk.threads.running[0][0] == [Job(place("a"), before=sighting, since=100)]
    # It looks the same, and has since then.
    desk.threads.end(waiting=[(place("a"), NotYet(sighting, 8.0))])
    desk.clock.advance(8)
    assert desk.threads.running[0][0] == [Job(place("a"), before=sighting, since=100)]
    desk.threads.end(waiting=[(place("a"), NotYet(Sighting(9, 9, 9), 2.0))])
    desk.clock.advance(2)
    assert desk.threads.running[0][0] == [Job(place("a"), before=Sighting(9, 9, 9), since=110)]
    desk.threads.end()
    assert desk.clock.getDelayedCalls() == []


def test_who_waits_is_told_when_it_stops(desk: Desk) -> None:
    waiting = desk.wait_for("a")
    desk.readers.stop(Busy("stopping", 1))
    failures: list[Failure] = []
    waiting.addErrback(failures.append)
    assert failures[0].check(Busy)
    desk.threads.end()
    desk.readers.urgent([Job(place("b"))])
    assert desk.threads.names == []
