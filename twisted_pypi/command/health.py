"""``twisted-pypi health``: is the server well?  The image asks this, which has no other HTTP client."""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path, PurePath

from twisted_pypi.command.pypi_server import settings_of
from twisted_pypi.config import Config

TIMEOUT = 4.0
"""Seconds to wait for an answer."""


class _UnixConnection(HTTPConnection):
    """HTTP over a socket in the file system."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        """Open the connection."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Say whether the server is well, and return 0 if it is.  Raises ``BadSetting``."""
    well, said = health(argv, environ)
    sys.stdout.write(f"{said}\n")
    return 0 if well else 1


def health(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[bool, str]:
    """Ask the server that these options and variables start; is it well, and what did it say?

    ``--pid N`` in the place of options stands for the command line of that process.
    Raises ``BadSetting``.
    """
    if len(argv) == 2 and argv[0] == "--pid":
        argv = options_of(Path("/proc", argv[1], "cmdline"))
    config = settings_of(argv, environ, "twisted-pypi health")
    connection = _connection(config)
    if connection is None:
        return False, f"{config.listen[0]} is no endpoint that can be asked: expected tcp, ssl or unix."
    try:
        connection.request("GET", config.server_base_url + config.health_endpoint)
        answer = connection.getresponse()
        body = answer.read(100).decode("latin-1").strip()
    except (OSError, HTTPException) as error:
        return False, f"No answer: {error}."
    finally:
        connection.close()
    return answer.status == 200, f"{answer.status} {body}"


def options_of(cmdline: Path) -> list[str]:
    """The server's options in the command line of a process, as ``/proc`` shows it; none if it is no server's."""
    try:
        words = cmdline.read_bytes().decode(errors="surrogateescape").split("\0")[:-1]
    except OSError:
        return []
    for at, word in enumerate(words):
        if PurePath(word).name == "pypi-server" or (word == "pypi" and at):
            return words[at + 1 :]
        if PurePath(word).name == "twisted-pypi":
            return words[at + 2 :]
    return []


def _connection(config: Config) -> HTTPConnection | None:
    if not config.listen:
        return HTTPConnection(_reachable(config.interface), config.port, timeout=TIMEOUT)
    # The quoted colons of an IPv6 address are the only ones that matter here.
    kind, *words = config.listen[0].replace("\\:", "\0").split(":")
    named = dict(word.split("=", 1) for word in words if "=" in word)
    first = next((word for word in words if "=" not in word), "")
    host = _reachable(named.get("interface", "::" if kind == "tcp6" else "").replace("\0", ":"))
    match kind:
        case "tcp" | "tcp6":
            return HTTPConnection(host, int(named.get("port", first)), timeout=TIMEOUT)
        case "ssl":
            anyone = ssl.create_default_context()
            anyone.check_hostname = False
            anyone.verify_mode = ssl.CERT_NONE
            return HTTPSConnection(host, int(named.get("port", first)), timeout=TIMEOUT, context=anyone)
        case "unix":
            return _UnixConnection(named.get("address", first).replace("\0", ":"))
    return None


def _reachable(interface: str) -> str:
    """An address by which this machine reaches what listens there."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(interface, interface)  # noqa: S104  # nothing is bound
