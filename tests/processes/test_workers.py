"""Several processes that serve as one: ``--workers``."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.clients.archives import wheel
from tests.clients.fixtures import PASSWORD, USER, Start
from tests.clients.server import PROGRAMS, Process, clean_variables, free_port
from tests.clients.uploading import big_wheel, connected, upload, upload_of
from tests.processes.test_marks import command

pytestmark = pytest.mark.clients

LOGIN = f"{USER}:{PASSWORD}"
NOTICED = 4
"""Seconds; 2 are promised, and a busy machine gets as many again."""
WORKERS = 3
FIRST, SECOND, THIRD = (wheel("acme-core", version) for version in ("1.0", "1.1", "1.2"))
PAGE = "/simple/acme-core/"


def workers_of(server: Process) -> list[int]:
    """The processes besides the keeper."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [int(each) for each in children]


def all_there(server: Process, count: int = WORKERS - 1) -> list[int]:
    """Wait until every worker listens."""

    def ready() -> bool:
        return len(workers_of(server)) == count and all(_listens(each) for each in workers_of(server))

    assert server.comes_true(ready), server.log
    return workers_of(server)


def _listens(pid: int) -> bool:
    """Has a process taken the handover, and opened an event loop over its socket?"""
    with suppress(OSError):
        return sum("eventpoll" in str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()) == 1
    return False


def _has_open(pid: int, path: Path) -> bool:
    return any(each.readlink() == path for each in Path(f"/proc/{pid}/fd").iterdir())


def _is_gone(pid: int) -> bool:
    """Has a process ended, whether anybody asked how or not?"""
    with suppress(OSError):
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    return True


class Connected:
    """One connection to each of the processes, the keeper's first."""

    def __init__(self, connections: list[HTTPConnection]) -> None:
        self.connections = connections

    def pages(self, path: str = PAGE) -> list[str]:
        """What each of them answers."""
        answers = []
        for each in self.connections:
            each.request("GET", path)
            response = each.getresponse()
            body = response.read().decode()
            answers.append(body if response.status == 200 else str(response.status))
        return answers

    def show(self, *filenames: str) -> bool:
        """Do all of them show these files and no others?"""
        return {tuple(re.findall(r">([^<]+\.whl)</a>", page)) for page in self.pages()} == {filenames}


@contextmanager
def one_each(server: Process, pids: list[int]) -> Iterator[Connected]:
    """Connect to each process, while the others are stopped."""
    with ExitStack() as stack:
        connections = []
        for pid in pids:
            others = [each for each in pids if each != pid]
            for each in others:
                os.kill(each, signal.SIGSTOP)
            connection = stack.enter_context(closing(HTTPConnection("127.0.0.1", server.port, timeout=30)))
            connection.request("GET", "/health")
            assert connection.getresponse().read() == b"Ok"
            connections.append(connection)
            for each in others:
                os.kill(each, signal.SIGCONT)
        yield Connected(connections)


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
            _post(everyone.connections[which], "status", {"status": status}, home)
            assert _statuses(everyone) == {status}, server.log
        for which, verb in enumerate(("yank", "unyank", "yank")):
            _post(everyone.connections[which], verb, {"version": "1.0", "reason": "broken"}, home)
            assert {"data-yanked" in page for page in everyone.pages()} == {verb == "yank"}, server.log
        command("status", "acme-core", "quarantined", "--root", root)
        assert server.comes_true(lambda: not any(FIRST.filename in page for page in everyone.pages()), NOTICED)


def _post(connection: HTTPConnection, verb: str, said: dict[str, str], _home: Path) -> None:
    import base64
    import json

    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Basic {base64.b64encode(LOGIN.encode()).decode()}",
    }
    connection.request("POST", f"/-/projects/acme-core/{verb}", json.dumps(said), headers)
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, body


def _statuses(everyone: Connected) -> set[str]:
    pages = everyone.pages()
    found = (re.search(r'name="pypi:project-status" content="([^"]+)"', page) for page in pages)
    return {"active" if each is None else each[1] for each in found}


def test_a_worker_that_is_killed_is_replaced(server: Process, home: Path) -> None:
    victim, other = all_there(server)
    with connected(server.port):
        os.kill(victim, signal.SIGKILL)
        assert server.comes_true(lambda: victim not in workers_of(server))
        for _ in range(20):
            assert server.get("/health").status == 200
    assert other in all_there(server)
    assert "ended (A process has ended with a probable error condition: process ended by signal 9.)" in server.log
    assert upload(server.port, FIRST.put_into(home), LOGIN).status == 200
    with one_each(server, [server.pid, *workers_of(server)]) as everyone:
        assert everyone.show(FIRST.filename)


def test_a_hung_worker_stalls_nobody_else(server: Process, home: Path) -> None:
    hung, other = all_there(server)
    with one_each(server, [server.pid, other, hung]) as everyone:
        os.kill(hung, signal.SIGSTOP)
        keeper, worker = everyone.connections[:2]
        assert upload_of(FIRST.put_into(home), LOGIN).send(keeper.sock).status == 200
        assert upload_of(SECOND.put_into(home), LOGIN).send(worker.sock).status == 200
        assert Connected([keeper, worker]).show(FIRST.filename, SECOND.filename)
        os.kill(hung, signal.SIGCONT)
        assert everyone.show(FIRST.filename, SECOND.filename)


def test_workers_end_when_the_keeper_is_killed(server: Process) -> None:
    workers = all_there(server)
    server.kill()
    deadline = time.monotonic() + 8
    while not all(_is_gone(each) for each in workers):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with pytest.raises(ConnectionRefusedError):
        server.get("/health")


def test_stopping_waits_for_what_a_worker_sends(root: Path, start: Start) -> None:
    path = big_wheel(root, "acme-big", 50_000_000)
    server = start(root, "--workers", "2")
    (worker,) = all_there(server, 1)
    assert server.comes_true(lambda: server.get("/simple/acme-big/").status == 200)
    with one_each(server, [worker, server.pid]) as everyone:
        of_worker = everyone.connections[0]
        of_worker.request("GET", f"/packages/{path.name}")
        response = of_worker.getresponse()
        body = response.read(100_000)
        server.send(signal.SIGTERM)
        body += response.read()
    assert body == path.read_bytes()
    assert server.ended() == 0
    assert _is_gone(worker)


def test_ends_at_once_when_idle(server: Process) -> None:
    workers = all_there(server)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 3
    assert all(_is_gone(each) for each in workers)


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
            return all(_has_open(pid, log) and not _has_open(pid, moved) for pid in pids)

        assert server.comes_true(all_write_to_the_new_one)
        everyone.pages("/simple/?again")
        assert server.comes_true(lambda: log.read_text().count("/simple/?again") == WORKERS), log.read_text()
    old = moved.read_text().splitlines() + log.read_text().splitlines()
    assert all(re.fullmatch(r'127\.0\.0\.1 - - \[[^]]+\] "GET \S+ HTTP/1\.1" \d+ \S+ "-" "-"', line) for line in old)


def test_figures_are_those_of_all(root: Path, start: Start) -> None:
    server = start(root, "--workers", str(WORKERS), "--metrics")
    pids = [server.pid, *all_there(server)]
    count = re.compile(r'duration_seconds_count{route="simple",status="200"} (\d+)')

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
        from tests.clients.uploading import answer_on

        assert sorted(answer_on(sock).status for sock in socks) == [200, 409, 409]
        assert everyone.show(FIRST.filename)
        assert len(set(everyone.pages())) == 1


@pytest.mark.parametrize("program", ["twistd", "twist", "pypi-server"])
def test_every_way_to_start_it(program: str, root: Path, tmp_path: Path) -> None:
    port = free_port()
    programs: dict[str, list[str | Path]] = {
        "twistd": [PROGRAMS / "twistd", "-n", "--pidfile=", "pypi", "--root", root],
        "twist": [PROGRAMS / "twist", "pypi", "--root", root],
        "pypi-server": [PROGRAMS / "pypi-server", "run", root],
    }
    more = ["--port", str(port), "--workers", "2"]
    with Process([*programs[program], *more], port, tmp_path / "log", clean_variables()) as server:
        (worker,) = all_there(server, 1)
        with one_each(server, [worker, server.pid]) as everyone:
            assert len(set(everyone.pages("/simple/"))) == 1
        assert server.stop() == 0
        assert _is_gone(worker)


def test_a_unix_socket_stays_when_a_worker_ends(root: Path, tmp_path: Path, start: Start) -> None:
    path = tmp_path / "socket"
    server = start(
        root, "--workers", "2", "--listen", f"unix:{path}", "--listen", f"tcp:{(port := free_port())}", port=port
    )
    (worker,) = all_there(server, 1)
    mode = path.stat().st_mode
    os.kill(worker, signal.SIGTERM)
    assert server.comes_true(lambda: worker not in workers_of(server))
    all_there(server, 1)
    assert path.stat().st_mode == mode
    assert server.stop() == 0
    assert not path.exists()


def test_a_catalog_in_memory_is_no_place_to_meet(root: Path, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "file").touch()
    words: list[str | Path] = [PROGRAMS / "twistd", "-n", "--pidfile=", "pypi", "--root", root, "--port", str(port)]
    words += ["--workers", "2", "--state-dir", tmp_path / "file" / "state"]
    server = Process(words, port, tmp_path / "log", clean_variables())
    server.launch()
    assert server.ended() == 2
    assert "--workers 2 needs a catalog on a local disk" in server.log
