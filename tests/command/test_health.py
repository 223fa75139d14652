"""Does the image's question reach the server, however it was started?"""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import UnixStreamServer

import pytest
import trustme

from twisted_pypi.command.health import health, main, options_of

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


class IPv6Server(HTTPServer):
    address_family = socket.AF_INET6


@contextmanager
def answering(server: HTTPServer) -> Iterator[str]:
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield str(server.server_address[1])
        server.shutdown()
        thread.join()


@pytest.fixture
def port() -> Iterator[str]:
    with answering(HTTPServer(("127.0.0.1", 0), Answers)) as port:
        yield port


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate with its key, for another name than this machine's, that nobody trusts."""
    path = tmp_path / "pem"
    trustme.CA().issue_cert("pypi.example.com").private_key_and_cert_chain_pem.write_to_path(path)
    return path


@pytest.fixture
def tls_port(certificate: Path) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with answering(server) as port:
        yield port


def test_the_same_options_and_variables_as_the_server(port: str) -> None:
    assert health(["-p", port], {}) == (True, "200 Ok")
    assert health([], {"PYPI_PORT": port}) == (True, "200 Ok")
    assert health(["run", "/pypi"], {"PYPI_EXTRA": f"-p {port} -i 127.0.0.1"}) == (True, "200 Ok")
    assert health(["-p", port, "--server-base-url", "/x", "--health-endpoint", "/ok"], {}) == (True, "200 Ok")
    assert health([], {"PYPI_LISTEN": f"tcp:{port}:interface=127.0.0.1"}) == (True, "200 Ok")
    assert health(["--listen", f"tcp:port={port}"], {}) == (True, "200 Ok")


def test_the_addresses_of_this_machine(port: str) -> None:
    for interface in ("", "0.0.0.0", "127.0.0.1", "localhost"):  # noqa: S104  # nothing is bound
        assert health(["-p", port, "-i", interface] if interface else ["-p", port], {}) == (True, "200 Ok")
    with answering(IPv6Server(("::1", 0), Answers)) as six:
        assert health(["-p", six, "-i", "::"], {}) == (True, "200 Ok")
        assert health(["-p", six, "-i", "::1"], {}) == (True, "200 Ok")
        assert health(["--listen", f"tcp6:{six}"], {}) == (True, "200 Ok")
        assert health(["--listen", rf"tcp:{six}:interface=\:\:1"], {}) == (True, "200 Ok")


def test_tls_with_a_certificate_that_nobody_trusts(tls_port: str, certificate: Path) -> None:
    assert health(["--tls-cert", str(certificate), "-p", tls_port], {}) == (True, "200 Ok")
    assert health([], {"PYPI_TLS_CERT": str(certificate), "PYPI_PORT": tls_port}) == (True, "200 Ok")
    assert health(["--listen", f"ssl:{tls_port}:privateKey={certificate}"], {}) == (True, "200 Ok")
    assert health(["--tls-cert", str(certificate), "--listen", f"tcp:{tls_port}"], {}) == (True, "200 Ok")
    assert health(["-p", tls_port], {})[0] is False


def test_of_several_endpoints_the_first_that_can_be_asked(port: str) -> None:
    assert health(["--listen", "haproxy:tcp:80", "--listen", f"tcp:{port}"], {}) == (True, "200 Ok")
    assert health([], {"PYPI_LISTEN": f"tcp:{port} unix:/no/such/socket"}) == (True, "200 Ok")


def test_ill_or_silent(port: str) -> None:
    assert health(["-p", port, "--health-endpoint", "/ill"], {}) == (False, "503 starting")
    well, said = health(["--listen", "unix:/no/such/socket"], {})
    assert (well, said.startswith("No answer")) == (False, True)
    assert health(["--listen", "haproxy:tcp:80"], {})[1].startswith("haproxy:tcp:80 cannot be asked: expected")
    assert health(["-p", "0"], {})[1].startswith("port 0 cannot be asked: expected")


def test_the_only_codes_that_engines_of_containers_know(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-p", port], {}) == 0
    assert main(["-p", port, "--health-endpoint", "/ill"], {}) == 1
    assert main(["-p", "many"], {}) == 1
    assert main([], {"PYPI_AUTHENTICATE": "."}) == 1
    assert capsys.readouterr().out.count("\n") == 4


def test_a_socket_in_the_file_system(tmp_path: Path) -> None:
    with UnixStreamServer(str(tmp_path / "s"), Answers) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert health([], {"PYPI_LISTEN": f"unix:{tmp_path}/s"}) == (True, "200 Ok")
        thread.join()


def test_the_answer_is_a_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json"], {"PYPI_LISTEN": f"unix:{tmp_path}/none"}) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["well"], found["answer"][:10]) == (False, "No answer:")


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["/usr/bin/python3", "/usr/bin/pypi-server", "run", "-p", "80"], ["run", "-p", "80"]),
        (["python3", "/usr/bin/twistd", "-n", "pypi", "--root", "/p"], ["--root", "/p"]),
        (["python3", "twisted-pypi", "run", "-p", "9"], ["-p", "9"]),
        (["/sbin/docker-init", "--", "entrypoint", "run", "-p", "80"], ["run", "-p", "80"]),
        (["/dev/init", "--", "/usr/local/bin/entrypoint", "pypi-server", "-p", "80"], ["-p", "80"]),
        (["/dev/init", "--", "entrypoint"], []),
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
