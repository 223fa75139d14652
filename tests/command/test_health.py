"""Does the image's question reach the server, however it was started?"""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import UnixStreamServer

import pytest

from twisted_pypi.command.health import health, options_of

ASKED: dict[str, tuple[int, bytes]] = {"/health": (200, b"Ok"), "/x/ok": (200, b"Ok"), "/ill": (503, b"starting")}


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = ASKED.get(self.path, (404, b""))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def address_string(self) -> str:
        return "-"


@pytest.fixture
def port() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield str(server.server_address[1])
        server.shutdown()
        thread.join()


def test_the_same_options_and_variables_as_the_server(port: str) -> None:
    assert health(["-p", port], {}) == (True, "200 Ok")
    assert health([], {"PYPI_PORT": port}) == (True, "200 Ok")
    assert health(["run", "/pypi"], {"PYPI_EXTRA": f"-p {port} -i 127.0.0.1"}) == (True, "200 Ok")
    assert health(["-p", port, "--server-base-url", "/x", "--health-endpoint", "/ok"], {}) == (True, "200 Ok")
    assert health([], {"PYPI_LISTEN": f"tcp:{port}:interface=127.0.0.1"}) == (True, "200 Ok")
    assert health(["--listen", f"tcp:port={port}"], {}) == (True, "200 Ok")


def test_ill_or_silent(port: str) -> None:
    assert health(["-p", port, "--health-endpoint", "/ill"], {}) == (False, "503 starting")
    well, said = health(["--listen", "unix:/no/such/socket"], {})
    assert (well, said.startswith("No answer")) == (False, True)
    assert health(["--listen", "haproxy:tcp:80"], {})[0] is False


def test_a_socket_in_the_file_system(tmp_path: Path) -> None:
    with UnixStreamServer(str(tmp_path / "s"), Answers) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert health([], {"PYPI_LISTEN": f"unix:{tmp_path}/s"}) == (True, "200 Ok")
        thread.join()


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["/usr/bin/python3", "/usr/bin/pypi-server", "run", "-p", "80"], ["run", "-p", "80"]),
        (["python3", "/usr/bin/twistd", "-n", "pypi", "--root", "/p"], ["--root", "/p"]),
        (["python3", "twisted-pypi", "run", "-p", "9"], ["-p", "9"]),
        (["pypi-server"], []),
        (["bash"], []),
    ],
)
def test_the_command_line_of_a_process(words: list[str], options: list[str], tmp_path: Path) -> None:
    cmdline = tmp_path / "cmdline"
    cmdline.write_bytes(b"".join(word.encode() + b"\0" for word in words))
    assert options_of(cmdline) == options


def test_no_such_process(tmp_path: Path) -> None:
    assert options_of(tmp_path / "none") == []
