"""``twisted-pypi health``: is the server well?  The image asks this, which has no other HTTP client."""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path, PurePath

from twisted_pypi.command.printing import as_json
from twisted_pypi.command.pypi_server import settings_of
from twisted_pypi.config import Config
from twisted_pypi.errors import BadSetting

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
    """Say whether the server is well, and return 0 if it is, else 1: engines of containers know no other code."""
    words = [each for each in argv if each != "--json"]
    try:
        well, said = health(words, environ)
    except BadSetting as problem:
        well, said = False, str(problem)
    if len(words) < len(argv):
        said = as_json({"well": well, "answer": said})
    sys.stdout.write(f"{said}\n")
    return 0 if well else 1


def health(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[bool, str]:
    """Ask the server that these options and variables start; is it well, and what did it say?

    ``--pid N`` in the place of options stands for the command line of that process.
    Of several endpoints the first that can be asked is.  Any certificate will do:
    whether clients trust it is not the server's health.  Raises ``BadSetting``.
    """
    if len(argv) == 2 and argv[0] == "--pid":
        argv = options_of(Path("/proc", argv[1], "cmdline"))
    config = settings_of(argv, environ, "twisted-pypi health")
    connection = _connection(config)
    if connection is None:
        where = " and ".join(config.listen) or "port 0"
        return (
            False,
            f"{where} cannot be asked: expected a tcp, tcp6, ssl or unix endpoint, with a number for its port.",
        )
    try:
        connection.request("GET", config.server_base_url + config.health_endpoint)
        answer = connection.getresponse()
        body = answer.read(100).decode("latin-1").strip()
    except (OSError, HTTPException) as error:
        return False, f"No answer: {str(error) or type(error).__name__}."
    finally:
        connection.close()
    return answer.status == 200, f"{answer.status} {body}"


def options_of(cmdline: Path) -> list[str]:
    """The server's options in the command line of a process, as ``/proc`` shows it; none if it is no server's.

    The process may also be what an engine starts to reap others (``--init``), with the image's entry point behind it.
    """
    try:
        words = cmdline.read_bytes().decode(errors="surrogateescape").split("\0")[:-1]
    except OSError:
        return []
    programs = [PurePath(word).name for word in words]
    for at, program in enumerate(programs):
        if program == "pypi-server" or (words[at] == "pypi" and at):
            return words[at + 1 :]
        if program == "twisted-pypi":
            return words[at + 2 :]
    return words[programs.index("entrypoint") + 1 :] if "entrypoint" in programs else []


def _connection(config: Config) -> HTTPConnection | None:
    tls = config.tls_cert is not None
    if not config.listen:
        return _at(config.interface, str(config.port), tls=tls)
    return next(filter(None, (_to(each, tls=tls) for each in config.listen)), None)


def _to(endpoint: str, *, tls: bool) -> HTTPConnection | None:
    """A connection to what a Twisted endpoint string opens; ``tls`` is spoken where it does not say."""
    # The quoted colons of an IPv6 address are the only ones that matter here.
    kind, *words = endpoint.replace("\\:", "\0").split(":")
    named = {
        name: value.replace("\0", ":") for name, is_named, value in (word.partition("=") for word in words) if is_named
    }
    first = next((word.replace("\0", ":") for word in words if "=" not in word), "")
    if kind == "unix":
        return _UnixConnection(named.get("address", first))
    if kind not in {"tcp", "tcp6", "ssl"}:
        return None
    return _at(
        named.get("interface", "::" if kind == "tcp6" else ""), named.get("port", first), tls=tls or kind == "ssl"
    )


def _at(interface: str, port: str, *, tls: bool) -> HTTPConnection | None:
    """A connection to what listens on a port of all addresses of this machine, or of one of them."""
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(interface, interface)  # noqa: S104  # nothing is bound
    if not int(port):
        return None
    if not tls:
        return HTTPConnection(host, int(port), timeout=TIMEOUT)
    anyone = ssl.create_default_context()
    anyone.check_hostname = False
    anyone.verify_mode = ssl.CERT_NONE
    return HTTPSConnection(host, int(port), timeout=TIMEOUT, context=anyone)
