"""Real servers that tell what happens: the audit log of several processes, and a webhook that comes and goes."""

from __future__ import annotations

import hmac
import json
import signal
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.clients.fixtures import PASSWORD, USER, Start
from tests.clients.server import free_port
from tests.clients.uploading import upload, upload_of
from tests.processes.together import FIRST, LOGIN, SECOND, all_there, has_open, one_each

pytestmark = pytest.mark.clients

SECRET = "a-secret-of-the-operator"


class Hook(BaseHTTPRequestHandler):
    """Takes messages and notes those that are signed well."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
        expected = b64encode(hmac.digest(SECRET.encode(), signed, "sha256")).decode()
        self.send_response(204 if self.headers["webhook-signature"] == f"v1,{expected}" else 401)
        self.end_headers()
        self.server.taken.append(json.loads(body))  # type: ignore[attr-defined]  # the server of ``receiving``

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def receiving(port: int) -> Iterator[list[dict[str, Any]]]:
    """A receiver in a thread, and what it has taken."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Hook)
    taken: list[dict[str, Any]] = []
    server.taken = taken  # type: ignore[attr-defined]  # for ``Hook``
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def kinds(path: Path) -> Counter[str]:
    """How often each thing happened, by an audit log; every line of it is whole."""
    return Counter(json.loads(line)["kind"] for line in path.read_bytes().splitlines())


def test_an_audit_log_that_several_processes_write_and_that_is_rotated(
    root: Path, passwords: Path, start: Start, tmp_path: Path, home: Path
) -> None:
    log, moved = tmp_path / "audit.jsonl", tmp_path / "audit.1"
    server = start(root, "--passwords", passwords, "--workers", "2", "--audit-log", log)
    pids = [server.pid, *all_there(server, 1)]
    assert log.stat().st_mode & 0o777 == 0o600
    with one_each(server, pids) as everyone:
        for connection, archive in zip(everyone.connections, (FIRST, SECOND), strict=True):
            assert upload_of(archive.put_into(home), LOGIN).send(connection.sock).status == 200
        expected = Counter({"login": 2, "upload": 2})
        assert server.comes_true(lambda: kinds(log) == expected, 10), log.read_text()
        log.rename(moved)
        server.send(signal.SIGHUP)
        assert server.comes_true(lambda: all(has_open(pid, log) and not has_open(pid, moved) for pid in pids), 10)
        (root / FIRST.filename).unlink()
        assert upload(server.port, home / SECOND.filename, f"{USER}:wrong").status == 401
        assert server.comes_true(lambda: kinds(log) == Counter({"removal": 1, "login-failed": 1}), 10), server.log
    assert kinds(moved) == expected
    first = json.loads(moved.read_bytes().splitlines()[1])
    assert (first["user"], first["address"], first["client"]) == (USER, "127.0.0.1", "twine/7.0.0")
    assert PASSWORD not in moved.read_text()


def test_a_webhook_that_is_there_and_then_is_not(
    root: Path, passwords: Path, start: Start, tmp_path: Path, home: Path
) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    port = free_port()
    hook = f"http://me:hidden@127.0.0.1:{port}/hidden"
    server = start(root, "--passwords", passwords, "--webhook", hook, "--webhook-secret-file", tmp_path / "secret")
    with receiving(port) as taken:
        assert upload(server.port, FIRST.put_into(home), LOGIN).status == 200
        assert server.comes_true(lambda: len(taken) == 1, 10), server.log
        (message,) = taken
        assert (message["type"], message["data"]["project"], message["data"]["user"]) == ("upload", "acme-core", USER)
    assert upload(server.port, SECOND.put_into(home), LOGIN).status == 200
    assert server.comes_true(lambda: "does not take messages" in server.log, 10)
    assert server.stop() == 0
    assert f"1 messages to webhook http://127.0.0.1:{port} are lost, since the server ends" in server.log
    assert "hidden" not in server.log.replace(f"--webhook {hook}", "")
    assert SECRET not in server.log
