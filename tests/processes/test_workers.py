"""What several processes that serve as one show: ``--workers``."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.clients.archives import wheel
from tests.clients.fixtures import Start
from tests.clients.server import NOTICED, Process
from tests.clients.uploading import answer_on, upload, upload_of
from tests.processes.test_marks import command
from tests.processes.together import (
    FIRST,
    LOGIN,
    SECOND,
    THIRD,
    WORKERS,
    Connected,
    all_there,
    has_open,
    one_each,
    workers_of,
)

pytestmark = pytest.mark.clients


@pytest.fixture
def server(root: Path, passwords: Path, start: Start) -> Process:
    """A server of three processes on an empty folder."""
    return start(root, "--passwords", passwords, "--workers", str(WORKERS))


def test_what_is_answered_by_one_is_seen_by_all(server: Process, root: Path, home: Path) -> None:
    pids = [server.pid, *all_there(server)]
    with one_each(server, pids) as everyone:
        assert everyone.pages() == ["404"] * WORKERS
        shown = []
        for number, archive in enumerate((FIRST, SECOND, THIRD)):
            upload_ = upload_of(archive.put_into(home), LOGIN)
            sock = everyone.connections[number].sock
            assert upload_.send(sock).status == 200
            shown.append(archive.filename)
            assert everyone.show(*shown), (server.log, everyone.pages())
        assert len(set(everyone.pages())) == 1
        (root / FIRST.filename).unlink()
        assert server.comes_true(lambda: everyone.show(SECOND.filename, THIRD.filename), NOTICED)


def test_marks_by_hand_and_by_the_api_are_seen_by_all(server: Process, root: Path, home: Path) -> None:
    pids = [server.pid, *all_there(server)]
    assert upload(server.port, FIRST.put_into(home), LOGIN).status == 200
    with one_each(server, pids) as everyone:
        assert everyone.show(FIRST.filename)
        for which, status in enumerate(("archived", "deprecated", "active")):
            _post(everyone.connections[which], "status", {"status": status})
            assert _statuses(everyone) == {status}, server.log
        for which, verb in enumerate(("yank", "unyank", "yank")):
            _post(everyone.connections[which], verb, {"version": "1.0", "reason": "broken"})
            assert {"data-yanked" in page for page in everyone.pages()} == {verb == "yank"}, server.log
        command("status", "acme-core", "quarantined", "--root", root)
        assert server.comes_true(lambda: not any(FIRST.filename in page for page in everyone.pages()), NOTICED)


def _post(connection: HTTPConnection, verb: str, said: dict[str, str]) -> None:
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Basic {b64encode(LOGIN.encode()).decode()}",
    }
    connection.request("POST", f"/-/projects/acme-core/{verb}", json.dumps(said), headers)
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, body


def _statuses(everyone: Connected) -> set[str]:
    pages = everyone.pages()
    found = (re.search(r'name="pypi:project-status" content="([^"]+)"', page) for page in pages)
    return {"active" if each is None else each[1] for each in found}


def test_the_access_log_has_every_line_whole_and_is_opened_again(root: Path, tmp_path: Path, start: Start) -> None:
    log, moved = tmp_path / "access.log", tmp_path / "access.log.1"
    server = start(root, "--workers", str(WORKERS), "--access-log", log)
    pids = [server.pid, *all_there(server)]
    with one_each(server, pids) as everyone:
        for _ in range(50):
            everyone.pages("/simple/")
        assert server.comes_true(lambda: log.read_text().count('"GET /simple/ HTTP/1.1" 200') == 50 * WORKERS)
        log.rename(moved)
        server.send(signal.SIGHUP)
        assert server.comes_true(log.exists)

        def all_write_to_the_new_one() -> bool:
            everyone.pages("/simple/")
            return all(has_open(pid, log) and not has_open(pid, moved) for pid in pids)

        assert server.comes_true(all_write_to_the_new_one)
        everyone.pages("/simple/?again")
        assert server.comes_true(lambda: log.read_text().count("/simple/?again") == WORKERS), log.read_text()
    old = moved.read_text().splitlines() + log.read_text().splitlines()
    assert all(re.fullmatch(r'127\.0\.0\.1 - - \[[^]]+\] "GET \S+ HTTP/1\.1" \d+ \S+ "-" "-"', line) for line in old)


def test_figures_are_those_of_all(root: Path, start: Start) -> None:
    server = start(root, "--workers", str(WORKERS), "--metrics")
    pids = [server.pid, *all_there(server)]
    count = re.compile(r'duration_seconds_count{route="list",status="2xx"} (\d+)')

    def counted(everyone: Connected) -> list[int]:
        return [int(found[1]) if (found := count.search(page)) else 0 for page in everyone.pages("/-/metrics")]

    with one_each(server, pids) as everyone:
        for _ in range(7):
            everyone.pages("/simple/")
        assert server.comes_true(lambda: counted(everyone) == [7 * WORKERS] * WORKERS), counted(everyone)
        time.sleep(1.2)  # what a worker has not left for the others when it is killed is lost
        os.kill(pids[1], signal.SIGKILL)
        assert server.comes_true(lambda: pids[1] not in workers_of(server))
    assert server.comes_true(lambda: len(workers_of(server)) == WORKERS - 1)
    with one_each(server, [server.pid, *all_there(server)]) as everyone:
        assert server.comes_true(lambda: counted(everyone) == [7 * WORKERS] * WORKERS), counted(everyone)


def test_one_file_name_is_given_once(server: Process, home: Path) -> None:
    pids = [server.pid, *all_there(server)]
    bodies = [wheel("acme-core", "1.0", payload=f"{number}".encode()) for number in range(WORKERS)]
    requests = [upload_of(each.put_into(home / str(at)), LOGIN) for at, each in enumerate(bodies)]
    with one_each(server, pids) as everyone:
        socks = [each.sock for each in everyone.connections]
        for request, sock in zip(requests, socks, strict=True):
            for piece in request.pieces():
                sock.sendall(piece)
        assert sorted(answer_on(sock).status for sock in socks) == [200, 409, 409]
        assert everyone.show(FIRST.filename)
        assert len(set(everyone.pages())) == 1


def test_uploads_at_once_through_all_are_all_counted(server: Process, home: Path) -> None:
    pids = [server.pid, *all_there(server)]
    each = 15
    archives = [[wheel(f"acme-{who}", f"1.{at}") for at in range(each)] for who in range(WORKERS)]
    requests = [[upload_of(one.put_into(home), LOGIN) for one in several] for several in archives]
    with one_each(server, pids) as everyone:
        socks = [connection.sock for connection in everyone.connections]
        with ThreadPoolExecutor(WORKERS) as pool:
            statuses = list(
                pool.map(lambda at: [request.send(socks[at]).status for request in requests[at]], range(WORKERS))
            )
        assert statuses == [[200] * each] * WORKERS
        found = [json.loads(page) for page in everyone.pages("/-/status")]
        assert [(one["projects"], one["files"]) for one in found] == [(WORKERS, WORKERS * each)] * WORKERS
        for who in range(WORKERS):
            assert {page.count(".whl</a>") for page in everyone.pages(f"/simple/acme-{who}/")} == {each}
