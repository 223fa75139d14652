"""An upstream index in a thread, whose files come as slowly as a test wants."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from tests.clients.archives import Archive


class SlowUpstream:
    """Serves one project; after the first part of a file it waits until ``go`` is set."""

    def __init__(self, name: str, archives: list[Archive]) -> None:
        self.name = name
        self.archives = {archive.filename: archive for archive in archives}
        self.waiting = Event()
        """Is somebody waiting for the rest of a file?"""
        self.go = Event()
        """May files come whole?"""
        self.url = ""

    def page(self) -> bytes:
        files = [
            {"filename": each.filename, "url": f"{self.url}/{each.filename}", "hashes": {"sha256": each.sha256}}
            for each in self.archives.values()
        ]
        return json.dumps({"meta": {"api-version": "1.0"}, "name": self.name, "files": files}).encode()


@contextmanager
def slow_upstream(name: str, archives: list[Archive]) -> Iterator[SlowUpstream]:
    upstream = SlowUpstream(name, archives)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            archive = upstream.archives.get(self.path.rpartition("/")[2])
            body = upstream.page() if archive is None else archive.content
            kind = "application/vnd.pypi.simple.v1+json" if archive is None else "application/octet-stream"
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                if archive is not None:
                    upstream.waiting.set()
                    upstream.go.wait(60)
                self.wfile.write(body[len(body) // 2 :])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    upstream.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield upstream
    finally:
        upstream.go.set()
        server.shutdown()
        thread.join()
        server.server_close()
