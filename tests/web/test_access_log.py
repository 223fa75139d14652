"""What strangers send, as it stands in the access log."""

from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from tests.conformance.assembly import InMemory, assembled
from twisted_pypi.testing.archives import wheel
from twisted_pypi.testing.wire import Wire
from twisted_pypi.web.access_lines import JsonLines, quoted
from twisted_pypi.web.access_log import INTERVAL, MOST_LINES, AccessLog

_WHOLE = re.compile(r'(?:[ !#-\[\]-~]|\\"|\\\\|\\x[0-9a-f]{2})*')


@pytest.mark.parametrize(
    ("sent", "logged"),
    [
        (b"pip/26.3", "pip/26.3"),
        (b'pip/26.3 {"ci":null}', r"pip/26.3 {\"ci\":null}"),
        (b"a\\b", r"a\\b"),
        (b'\\"', r"\\\""),
        (b"a\nb", r"a\x0ab"),
        (b'"\x7f', r"\"\x7f"),
        ("\N{SNOWMAN}".encode(), r"\xe2\x98\x83"),
        (b"", ""),
    ],
)
def test_what_ends_a_line_or_a_quote_is_escaped(sent: bytes, logged: str) -> None:
    assert quoted(sent) == logged


@given(st.binary() | st.text(st.characters(max_codepoint=127)).map(str.encode))
def test_what_is_logged_is_printable_and_says_what_was_sent(sent: bytes) -> None:
    logged = quoted(sent)
    assert _WHOLE.fullmatch(logged)
    back = re.sub(
        rb'\\(x([0-9a-f]{2})|["\\])',
        lambda found: bytes([int(found[2], 16)]) if found[2] else found[1],
        logged.encode(),
    )
    assert back == sent


def test_what_cannot_be_written_is_said_once_and_fails_no_request() -> None:
    full, written = [True], []

    def write(text: str) -> None:
        if full[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(text)

    clock = Clock()
    log = AccessLog(write, lambda _: "192.0.2.7", clock)
    with capturedLogs() as events:
        for _ in range(2 * MOST_LINES + 1):
            log.add_parts("192.0.2.7", "-", "lost\n")
        clock.advance(INTERVAL)
        full[0] = False
        log.add_parts("192.0.2.7", "-", "kept\n")
        log.stopService()
    assert [formatEvent(each) for each in events] == [
        "the access log cannot be written (No space left on device): lines are lost until it can",
        "the access log can be written again",
    ]
    assert [each.rpartition(" ")[2] for each in written] == ["kept\n"]


SENT = (
    b"GET /simple/acme/ HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.7\r\n"
    b'User-Agent: pip/26.3 {"ci":null}\r\nReferer: caf\xe9 \xe2\x98\x83\r\n\r\n'
)
TIMED = {"time", "duration"}


async def lines(server: InMemory, log: Path, requests: list[bytes]) -> list[dict[str, Any]]:
    """What is logged of these requests."""
    before = len(read(log))
    wire = Wire(server.site)
    for each in requests:
        wire.send(each)
        await server.turn()
    wire.hang_up()
    server.reactor.pass_over(1)
    return [json.loads(each) for each in read(log)[before:]]


def read(log: Path) -> list[str]:
    return log.read_text().splitlines()


@pytest_twisted.ensureDeferred
async def test_as_json_it_says_the_same_and_how_long_it_took(tmp_path: Path) -> None:
    root, log = tmp_path / "packages", tmp_path / "log"
    root.mkdir()
    (root / "acme-1.0-py3-none-any.whl").write_bytes(wheel("acme", "1.0"))
    async with assembled(root, "--access-log", str(log), "--log-format", "json") as server:
        await server.ask(b"GET /packages/ HTTP/1.1\r\nHost: x\r\n\r\n", "GET")
        page = await server.ask(b"GET /simple/acme/ HTTP/1.1\r\nHost: x\r\n\r\n", "GET")
        server.reactor.pass_over(1)
        strict, fast, refused = await lines(server, log, [SENT, SENT, b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n"])
        assert strict == strict | {
            "namespace": "access",
            "client": "192.168.1.1",
            "user": None,
            "method": "GET",
            "path": "/simple/acme/",
            "protocol": "HTTP/1.1",
            "status": 200,
            "bytes": len(page.body),
            "referer": "caf\\xe9 \N{SNOWMAN}",
            "user_agent": 'pip/26.3 {"ci":null}',
        }
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", strict["time"])
        assert {key: fast[key] for key in fast.keys() - TIMED} == {key: strict[key] for key in strict.keys() - TIMED}
        assert (refused["path"], refused["status"], refused["referer"]) == ("/none", 303, None)
        assert 0 < refused["duration"] < 10
        assert ("duration" in strict, "duration" in fast) == (True, False)


@given(st.lists(st.tuples(st.floats(0, 4e9), st.text(max_size=5))))
def test_every_line_is_an_object_whatever_the_address(entries: list[tuple[float, str]]) -> None:
    wanted = [(seconds, address, "null", '"status": 200}\n') for seconds, address in entries]
    for line, (_, address) in zip(JsonLines().lines(wanted), entries, strict=True):
        assert line.count("\n") == 1
        assert json.loads(line)["client"] == (None if address == "-" else address)
