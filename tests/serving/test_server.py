"""In which order the service starts and ends."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_twisted
from twisted.application.service import Application, Service
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock, RaisingMemoryReactor
from twisted.logger import ILogObserver

from tests.serving.doubles import Connections
from twisted_pypi.config import Config
from twisted_pypi.serving.draining import TICK
from twisted_pypi.serving.ending import DRAIN_SECONDS
from twisted_pypi.serving.logs import LogFile
from twisted_pypi.serving.privileges import Outcome
from twisted_pypi.serving.server import Server
from twisted_pypi.serving.signals import Signals
from twisted_pypi.serving.starting import CannotStart


class Reactor(MemoryReactorClock):
    """One that can be called from its own thread, which is the only one here."""

    def callFromThread(self, step: Callable[[], None]) -> None:
        step()


class Child(Service):
    def __init__(self, story: list[str], reactor: MemoryReactorClock) -> None:
        self.story = story
        self.reactor = reactor

    def startService(self) -> None:
        super().startService()
        self.story.append(f"child starts, {len(self.reactor.tcpServers)} ports")

    def stopService(self) -> None:
        super().stopService()
        self.story.append("child stops")


class House:
    """A server in memory, and what happened to it."""

    def __init__(self, config: Config, site: Connections | None = None, log_files: tuple[LogFile, ...] = ()) -> None:
        self.story: list[str] = []
        self.reactor = Reactor()
        self.site = site or Connections()
        self.handlers: dict[int, Any] = {}
        self.server = Server(
            config,
            self.site,
            reactor=self.reactor,
            log_files=log_files,
            become_owner=self.become_owner,
            signals=self.signals,
        )
        Child(self.story, self.reactor).setServiceParent(self.server)

    def become_owner(self, _config: Config) -> Outcome | None:
        self.story.append(f"root is given up, {len(self.reactor.tcpServers)} ports")
        return Outcome("Gave up root.")

    def signals(self, call: Any, **actions: Any) -> Signals:
        self.finish, self.stop, self.reopen = (actions[each] for each in ("finish", "stop", "reopen"))
        return Signals(call, **actions, set_handler=self.handlers.setdefault, last_resort=lambda _: None)


def test_the_port_is_opened_then_root_is_given_up_then_the_rest_starts(tmp_path: Path) -> None:
    house = House(Config(roots=(str(tmp_path / "a" / "b"),)))
    assert house.reactor.tcpServers == []
    house.server.privilegedStartService()
    assert (len(house.reactor.tcpServers), house.story) == (1, [])
    assert not (tmp_path / "a").exists()
    house.server.startService()
    assert house.story == ["root is given up, 1 ports", "child starts, 1 ports"]
    assert (tmp_path / "a" / "b").is_dir()
    assert house.server.addresses() == ["http://0.0.0.0:8080/"]


def test_twist_leaves_out_the_privileged_step(tmp_path: Path) -> None:
    house = House(Config(roots=(str(tmp_path),)))
    house.server.startService()
    assert house.story == ["root is given up, 1 ports", "child starts, 1 ports"]


def test_signals_are_taken_when_the_reactor_runs(tmp_path: Path) -> None:
    house = House(Config(roots=(str(tmp_path),)))
    house.server.startService()
    assert house.handlers == {}
    house.reactor.run()
    assert len(house.handlers) == 3


@pytest_twisted.ensureDeferred
async def test_the_first_signal_lets_answers_finish(tmp_path: Path) -> None:
    site = Connections(busy=1)
    house = House(Config(roots=(str(tmp_path),)), site)
    house.server.startService()
    house.finish()
    house.reactor.pump([TICK] * 10)
    assert (house.reactor.hasStopped, house.server.addresses()) == (False, [])
    site.busy = 0
    house.reactor.advance(TICK)
    assert (house.reactor.hasStopped, site.aborted, house.story[2:]) == (True, 0, [])
    await house.server.stopService()
    assert house.story[2:] == ["child stops"]


def test_a_slow_answer_is_cut(tmp_path: Path) -> None:
    house = House(Config(roots=(str(tmp_path),)), Connections(busy=1))
    house.server.startService()
    house.finish()
    house.reactor.pump([TICK] * int(DRAIN_SECONDS / TICK + 3))
    assert (house.reactor.hasStopped, house.site.aborted) == (True, 1)


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    house = House(Config(roots=(str(tmp_path),)), Connections(busy=1))
    house.server.startService()
    house.finish()
    house.stop()
    assert house.reactor.hasStopped
    house.reactor.hasStopped = False
    house.site.busy = 0
    house.reactor.advance(TICK)
    assert not house.reactor.hasStopped, "a reactor is stopped once"


def test_a_port_in_use_is_one_sentence_on_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    failing = RaisingMemoryReactor(CannotListenError("", 8080, OSError(errno.EADDRINUSE, "used")))
    server = Server(Config(roots=(str(tmp_path),)), Connections(), reactor=failing)
    with pytest.raises(CannotStart) as failed:
        server.privilegedStartService()
    assert set(capfd.readouterr().err.splitlines()) == {str(failed.value)}
    assert "Port 8080 is in use" in str(failed.value)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    house = House(Config(roots=(str(tmp_path / "file" / "x"),)))
    with pytest.raises(CannotStart, match="cannot be made"):
        house.server.startService()
    assert house.story == []


@pytest_twisted.ensureDeferred
async def test_log_files_are_opened_at_the_start_and_again_at_hangup(tmp_path: Path) -> None:
    access = LogFile(str(tmp_path / "access"))
    house = House(Config(roots=(str(tmp_path),), log_file=str(tmp_path / "log")), log_files=(access,))
    application = Application("pypi")
    house.server.setServiceParent(application)
    assert not (tmp_path / "access").exists()
    observe = cast("ILogObserver", cast("Any", application).getComponent(ILogObserver))
    house.server.startService()
    observe({"log_format": "one", "log_time": 0.0})
    for name in ("access", "log"):
        (tmp_path / name).rename(tmp_path / f"{name}.1")
    house.reopen()
    observe({"log_format": "two", "log_time": 0.0})
    access.write("three\n")
    assert [
        ("one" in path.read_text(), "two" in path.read_text()) for path in (tmp_path / "log.1", tmp_path / "log")
    ] == [
        (True, False),
        (False, True),
    ]
    assert (tmp_path / "access").read_text() == "three\n"
    await house.server.stopService()
    # The log of the process stays open for its last lines; nothing but the end of the process closes it.
    vars(house.server)["_log_file"].close()
