"""Servers that speak TLS, and connections to them."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPSConnection
from pathlib import Path

from cryptography.x509 import load_der_x509_certificate

from tests.clients.fixtures import Start
from tests.clients.server import Process, free_port
from tests.serving.certificates import Authority


class Secure:
    """A server with a certificate, which is reached in plain HTTP for its health alone."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority()
        self.trusted = self.authority.file(folder)
        self.certificate = folder / "certificate.pem"
        self.serial = self.authority.issue(self.certificate)
        self.port = free_port()
        self.context = ssl.create_default_context(cafile=self.trusted)
        self.process: Process

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"https://127.0.0.1:{self.port}"

    def start(self, start: Start, root: Path, *options: str | Path) -> Process:
        """Start it; the port of what is returned is the one in plain HTTP."""
        plain = free_port()
        mine = ("--port", str(self.port), "--redirect-http", str(plain), "--tls-cert", self.certificate)
        self.process = start(root, *mine, *options, port=plain)
        return self.process

    @contextmanager
    def connected(self) -> Iterator[HTTPSConnection]:
        """A connection that believes the authority alone."""
        with closing(HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self.context)) as connection:
            connection.connect()
            yield connection

    def shown(self) -> int:
        """The serial number of the certificate that a new client sees, which got an answer as well."""
        with self.connected() as connection:
            connection.request("GET", "/health")
            assert connection.getresponse().read() == b"Ok"
            seen = connection.sock.getpeercert(binary_form=True)
        assert isinstance(seen, bytes)
        return load_der_x509_certificate(seen).serial_number
