"""Where it listens, and what is said when it cannot."""

import errno
import socket
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.internet.testing import MemoryReactorClock, RaisingMemoryReactor

from tests.serving.doubles import Connections
from twisted_pypi.config import Config
from twisted_pypi.serving.endpoints import BACKLOG, address, listen, places
from twisted_pypi.serving.starting import CannotStart


def test_port_and_interface() -> None:
    memory = MemoryReactorClock()
    (place,) = places(Config(roots=("/p",), port=8081, interface="127.0.0.1"), memory)
    listen(place, Connections())
    ((port, _, backlog, interface),) = memory.tcpServers
    assert (port, backlog, interface) == (8081, BACKLOG, "127.0.0.1")


def test_endpoints_take_the_place_of_port_and_interface() -> None:
    memory = MemoryReactorClock()
    for place in places(Config(roots=("/p",), listen=("tcp:1", "unix:/s")), memory):
        listen(place, Connections())
    assert ([each[0] for each in memory.tcpServers], [each[0] for each in memory.unixServers]) == ([1], ["/s"])


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.EADDRINUSE, "used"), "Port 80 is in use by another program: end that one, or choose another"),
        (OSError(errno.EACCES, "no"), "Port 80 is not for this user: expected root, or a port above 1023"),
        (OSError(errno.EADDRNOTAVAIL, "no"), "Port 80 is no address of this machine"),
        (socket.gaierror(-2, "unknown"), "Port 80 is no address of this machine"),
        (OSError(errno.EMFILE, "too many"), "Port 80 cannot be listened on ("),
    ],
)
def test_each_failure_is_one_sentence(error: OSError, sentence: str) -> None:
    failing = RaisingMemoryReactor(CannotListenError("", 80, error))
    (place,) = places(Config(roots=("/p",), port=80), failing)
    with pytest.raises(CannotStart, match="--port") as failed:
        listen(place, Connections())
    assert str(failed.value).startswith(sentence)
    assert failed.value.code == 1
    assert isinstance(failed.value, Exception), "twistd hands only these from the daemon to the terminal"


@pytest_twisted.ensureDeferred
async def test_the_addresses_of_open_ports(tmp_path: Path) -> None:
    config = Config(roots=("/p",), listen=("tcp:0:interface=127.0.0.1", f"unix:{tmp_path}/s"))
    opened: list[IListeningPort] = []
    shown = []
    for place in places(config, reactor):
        opened.append(listen(place, Connections()))
        shown.append(address(place, opened[-1], "/base"))
    assert "http://127.0.0.1:0/base/" not in shown
    for port in opened:
        await maybeDeferred(port.stopListening)
    assert shown[0].startswith("http://127.0.0.1:")
    assert shown[0].endswith("/base/")
    assert shown[1] == f"unix:{tmp_path}/s"
