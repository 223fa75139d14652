"""Upload forms as clients send them (1.6, 2.3, 2.4)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from tests.conformance import corpus
from tests.conformance.rows import (
    Request,
)
from twisted_pypi.testing.archives import wheel

BOUNDARY = "f3a9a1c05ba94b5f"
UV_ACCEPT = "Accept: application/json;q=0.9, text/plain;q=0.8, text/html;q=0.7"


def form(
    fields: Mapping[str, str],
    filename: str = "",
    content: bytes = b"",
    *,
    kind: str = "\r\nContent-Type: application/octet-stream",
) -> bytes:
    """Return a multipart form."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    if filename:
        disposition = f'Content-Disposition: form-data; name="content"; filename="{filename}"'
        parts.append(f"--{BOUNDARY}\r\n{disposition}{kind}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def upload(
    name: str,
    version: str,
    *headers: str,
    target: str = "/",
    content: bytes | None = None,
    login: str | None = corpus.LOGIN,
    kind: str = "\r\nContent-Type: application/octet-stream",
    **more: str,
) -> Request:
    """Return the upload of a wheel."""
    module = name.replace("-", "_")
    data = wheel(module, version) if content is None else content
    fields = {
        ":action": "file_upload",
        "protocol_version": "1",
        "name": name,
        "version": version,
        "filetype": "bdist_wheel",
        "pyversion": "py3",
        "metadata_version": "2.1",
        "sha256_digest": hashlib.sha256(data).hexdigest(),
        **more,
    }
    return post(
        form(fields, f"{module}-{version}-py3-none-any.whl", data, kind=kind), *headers, target=target, login=login
    )


def post(
    data: bytes,
    *headers: str,
    target: str = "/",
    login: str | None = corpus.LOGIN,
    content_type: str = f"multipart/form-data; boundary={BOUNDARY}",
) -> Request:
    """Return a POST of a form."""
    return Request(target, (*([login] if login else []), f"Content-Type: {content_type}", *headers), "POST", data)


def register(action: str = "submit", login: str | None = corpus.LOGIN) -> Request:
    """Return what ``setup.py register`` of old sends: bare line feeds, and a charset behind the boundary."""
    lines = [
        f'\n--{BOUNDARY}\nContent-Disposition: form-data; name="{name}"\n\n{value}'
        for name, value in ((":action", action), ("name", "acme"), ("version", "1.0"))
    ]
    return post(
        f"{''.join(lines)}\n--{BOUNDARY}--\n".encode(),
        login=login,
        content_type=f"multipart/form-data; boundary={BOUNDARY}; charset=utf-8",
    )


def chunked(request: Request, size: int = 500) -> Request:
    """Return the same request with a body in chunks and of no length (RFC 9112 section 7.1)."""
    body = request.body or b""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    coded = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in [*pieces, b""])
    head = replace(request, headers=(*request.headers, "Transfer-Encoding: chunked"), body=None).data([])
    return replace(request, recorded=head + coded)
