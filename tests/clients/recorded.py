"""Requests of programs whose interpreters few machines still have, byte for byte as they send them."""

from __future__ import annotations

import base64
import hashlib
import http.client
import socket
from collections.abc import Iterable
from contextlib import closing

from tests.clients.archives import Archive
from tests.clients.server import Answer

BOUNDARY = b"--------------GHSKFJDLGDS7543FJKLFHRE75642756743254"
"""What distutils always used: 14 hyphens, then a constant."""

PIP_9 = (
    b'pip/9.0.3 {"cpu":"x86_64","distro":{"name":"debian","version":"9"},'
    b'"implementation":{"name":"CPython","version":"2.7.13"},"installer":{"name":"pip","version":"9.0.3"},'
    b'"openssl_version":"OpenSSL 1.1.0l  10 Sep 2019","python":"2.7.13",'
    b'"system":{"name":"Linux","release":"4.9.0"}}'
)
PIP_21 = PIP_9.replace(b"9.0.3", b"21.3.1").replace(b"2.7.13", b"3.6.15")


def answer_to(port: int, request: bytes) -> Answer:
    """Send the bytes and read the one answer."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as connection:
        connection.sendall(request)
        with closing(http.client.HTTPResponse(connection)) as response:
            response.begin()
            return Answer(response.status, response.reason, response.headers, response.read())


def pip_page(agent: bytes, path: bytes, port: int) -> bytes:
    """pip's request of a page, before it knew of JSON."""
    age = b"600" if agent is PIP_9 else b"0"
    return (
        b"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: %s\r\nAccept-Encoding: gzip, deflate\r\n"
        b"Accept: text/html\r\nConnection: keep-alive\r\nCache-Control: max-age=%s\r\n\r\n"
    ) % (path, port, agent, age)


def pip_file(agent: bytes, path: bytes, port: int) -> bytes:
    """pip's request of a file."""
    return (
        b"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: %s\r\nAccept-Encoding: identity\r\n"
        b"Accept: */*\r\nConnection: keep-alive\r\n\r\n"
    ) % (path, port, agent)


def easy_install(path: bytes, port: int) -> bytes:
    """easy_install's request of a page or a file: no Accept, and a connection for each."""
    return (
        b"GET %s HTTP/1.1\r\nAccept-Encoding: identity\r\nHost: 127.0.0.1:%d\r\n"
        b"User-Agent: setuptools/40.6.2 Python-urllib/3.6\r\nConnection: close\r\n\r\n"
    ) % (path, port)


def distutils_upload(archive: Archive, name: str, version: str, login: str, port: int, *, python: str = "3.9") -> bytes:
    """``setup.py sdist upload``: CRLF before the first boundary, a file part without a type, ``None`` and ``UNKNOWN``."""
    digests = {"md5_digest": hashlib.md5(archive.content, usedforsecurity=False).hexdigest()}
    if python == "3.9":
        digests["sha256_digest"] = archive.sha256
        digests["blake2_256_digest"] = hashlib.blake2b(archive.content).hexdigest()
    fields: list[tuple[str, str]] = [
        (":action", "file_upload"),
        ("protocol_version", "1"),
        ("name", name),
        ("version", version),
        ("filetype", "sdist"),
        ("pyversion", ""),
        *digests.items(),
        ("metadata_version", "1.1" if python == "2.7" else "1.0"),
        ("summary", "UNKNOWN"),
        ("home_page", "UNKNOWN"),
        ("author", "None"),
        ("author_email", "None"),
        ("license", "UNKNOWN"),
        ("description", "Lines\nthat end\r"),
        ("keywords", ""),
        ("platform", "UNKNOWN"),
        ("classifiers", "Programming Language :: Python :: 2"),
        ("classifiers", "Topic :: Utilities"),
        ("download_url", "UNKNOWN"),
        ("comment", ""),
    ]
    parts = [
        b'\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s' % (key.encode(), _ended(value.encode()))
        for key, value in fields
    ]
    head = b'\r\nContent-Disposition: form-data; name="content"; filename="%s"\r\n\r\n'
    parts.insert(6, head % archive.filename.encode() + archive.content)
    separator = b"\r\n--" + BOUNDARY
    tail = b"--\r\n" if python == "3.9" else b"--\r\n\r\n"
    body = b"".join(separator + part for part in parts) + separator + tail
    return _posted(body, BOUNDARY, login, port, python)


def distutils_register(name: str, version: str, login: str | None, port: int, action: str = "submit") -> bytes:
    """``setup.py register``: bare LF line ends, and a charset behind the boundary."""
    fields = ((":action", action), ("metadata_version", "1.0"), ("name", name), ("version", version), ("summary", "é"))
    separator = b"\n--" + BOUNDARY
    body = b"".join(_register_part(separator, key, value) for key, value in fields) + separator + b"--\n"
    return _posted(body, BOUNDARY + b"; charset=utf-8", login, port, "2.7")


def _register_part(separator: bytes, key: str, value: str) -> bytes:
    return separator + b'\nContent-Disposition: form-data; name="%s"\n\n%s' % (key.encode(), value.encode())


def _ended(value: bytes) -> bytes:
    return value + b"\n" if value.endswith(b"\r") else value


def _posted(body: bytes, boundary: bytes, login: str | None, port: int, python: str) -> bytes:
    lines: Iterable[bytes] = (
        b"POST / HTTP/1.1",
        b"Accept-Encoding: identity",
        b"Content-Length: %d" % len(body),
        b"Host: localhost:%d" % port,
        b"Content-Type: multipart/form-data; boundary=" + boundary,
        b"Connection: close",
        *([b"Authorization: Basic " + base64.b64encode(login.encode())] if login is not None else []),
        b"User-Agent: Python-urllib/" + python.encode(),
    )
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
