"""Uploads made by hand: a form around a file, sent as fast or as slow, as whole or as broken as a test wants."""

from __future__ import annotations

import base64
import hashlib
import http.client
import socket
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.clients.archives import EPOCH, Archive, wheel
from tests.clients.server import Answer

BOUNDARY = "f3a9a1c05ba94b5f9a3f"
PIECE = 256 * 1024
"""Bytes sent at once."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A request that uploads a file from the disk."""

    path: Path
    head: bytes
    """The request's head and the form up to the file."""
    tail: bytes
    """The form behind the file."""

    def pieces(self) -> Iterator[bytes]:
        """The request's bytes, one after the other."""
        yield self.head
        with self.path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
        yield self.tail

    def send(self, connection: socket.socket) -> Answer:
        """Send everything and read the answer."""
        for piece in self.pieces():
            connection.sendall(piece)
        return answer_on(connection)


def upload_of(path: Path, login: str, *, address: str = "/") -> Upload:
    """Return the request that uploads a wheel or an sdist as twine does."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    stem = path.name.removesuffix(".tar.gz")
    name, version = stem.split("-")[:2]
    is_wheel = path.suffix == ".whl"
    fields = {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.1",
        "name": name.replace("_", "-"),
        "version": version,
        "filetype": "bdist_wheel" if is_wheel else "sdist",
        "pyversion": "py3" if is_wheel else "source",
        "requires_python": ">=3.6",
        "sha256_digest": sha256,
    }
    form = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in fields.items()
    )
    form += (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="{path.name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    length = len(form) + path.stat().st_size + len(tail)
    head = (
        f"POST {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: twine/7.0.0\r\nAccept: */*\r\n"
        f"Authorization: Basic {base64.b64encode(login.encode()).decode()}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {length}\r\n\r\n"
    )
    return Upload(path, (head + form).encode(), tail)


def connected(port: int) -> socket.socket:
    """Return a new connection to loopback."""
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def answer_on(connection: socket.socket) -> Answer:
    """Read one whole answer."""
    with closing(http.client.HTTPResponse(connection)) as response:
        response.begin()
        return Answer(response.status, response.reason, response.headers, response.read())


def upload(port: int, path: Path, login: str) -> Answer:
    """Upload a file on a connection of its own."""
    with connected(port) as connection:
        return upload_of(path, login).send(connection)


def big_wheel(folder: Path, name: str, size: int) -> Path:
    """Write a valid wheel whose one large member has ``size`` bytes that cannot be compressed away."""
    small: Archive = wheel(name, "1.0")
    folder.mkdir(parents=True, exist_ok=True)
    path = small.put_into(folder)
    block = hashlib.shake_256(name.encode()).digest(1024 * 1024)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as archive,
        archive.open(zipfile.ZipInfo(f"{name.replace('-', '_')}/big.bin", EPOCH), "w", force_zip64=True) as member,
    ):
        for start in range(0, size, len(block)):
            member.write(block[: size - start])
    return path
