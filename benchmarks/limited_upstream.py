"""An index whose files come only so fast: ``python -m benchmarks.limited_upstream PORT BYTES_PER_SECOND FILE...``.

Each file is a project of its own.  ``/asked`` says how often files were asked
for, as JSON by path.  0 bytes a second: as fast as it goes.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.clients.server import PROGRAMS, Process, clean_variables, free_port

JSON = "application/vnd.pypi.simple.v1+json"
PIECE = 1 << 18
"""Bytes that are sent at once."""


def limited_upstream(log: Path, rate: int, *files: Path) -> Process:
    """Return the index, not yet started."""
    port = free_port()
    command: list[str | Path] = [PROGRAMS / "python", "-m", "benchmarks.limited_upstream", str(port), str(rate), *files]
    folder = str(Path(__file__).parents[1])
    return Process(command, port, log, clean_variables() | {"PYTHONPATH": folder})


def project_of(path: Path) -> str:
    """The project of a file."""
    return path.name.partition("-")[0].replace("_", "-")


def serve(port: int, rate: int, files: list[Path]) -> None:
    """Serve until the process is ended."""
    by_name = {path.name: path for path in files}
    digests = {path.name: _digest(path) for path in files}
    requests: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            place, _, rest = self.path.removeprefix("/").partition("/")
            if place == "files" and rest in by_name:
                requests[self.path] += 1
                self._send_file(by_name[rest])
            elif place == "simple":
                listed = [_facts(path, digests) for path in files if project_of(path) == rest.removesuffix("/")]
                page = {"meta": {"api-version": "1.1"}, "name": rest.removesuffix("/"), "files": listed}
                self._send(json.dumps(page).encode() if listed else b"", 200 if listed else 404)
            else:
                self._send(json.dumps(requests).encode(), 200 if place in {"asked", "health"} else 404)

        def _send(self, body: bytes, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Type", JSON)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _send_file(self, path: Path) -> None:
            size = path.stat().st_size
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(size))
            self.end_headers()
            began = time.monotonic()
            with path.open("rb") as file, suppress(OSError):
                sent = 0
                while sent < size:
                    sent += os.sendfile(self.connection.fileno(), file.fileno(), sent, min(PIECE, size - sent))
                    if rate:
                        time.sleep(max(0.0, began + sent / rate - time.monotonic()))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.serve_forever()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _facts(path: Path, digests: dict[str, str]) -> dict[str, object]:
    return {
        "filename": path.name,
        "url": f"../../files/{path.name}",
        "hashes": {"sha256": digests[path.name]},
        "size": path.stat().st_size,
    }


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]), [Path(each) for each in sys.argv[3:]])
