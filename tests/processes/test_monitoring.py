"""What an operator sees of a real server of several processes: its logs as JSON, its status, its figures."""

from __future__ import annotations

import json
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.clients.fixtures import Start
from tests.clients.server import free_port
from tests.processes.together import FIRST, all_there, one_each

pytestmark = pytest.mark.clients


def test_every_line_is_an_object_and_every_process_tells_the_same(root: Path, start: Start) -> None:
    FIRST.put_into(root)
    port = free_port()
    server = start(root, "--workers", "2", "--log-format", "json", "--metrics-listen", f"127.0.0.1:{port}")
    pids = [server.pid, *all_there(server, 1)]
    with one_each(server, pids) as everyone:

        def told() -> list[tuple[str, int | None]]:
            found = [json.loads(page) for page in everyone.pages("/-/status")]
            return [(each["started"], each["scan"] and each["scan"]["files"]) for each in found]

        assert server.comes_true(lambda: len(set(told())) == 1 and told()[0][1] == 1), told()
    with closing(HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert (answer.status, b"twisted_pypi_scan_age_seconds " in answer.read()) == (200, True)
    assert server.stop() == 0
    lines = [json.loads(line) for line in server.log.splitlines()]
    assert {each["client"] for each in lines if each["namespace"] == "access"} == {"127.0.0.1"}
    assert {each.get("worker") for each in lines if each["namespace"] != "access"} == {None, 1}
    assert all(each["message"] for each in lines if each["namespace"] != "access")
