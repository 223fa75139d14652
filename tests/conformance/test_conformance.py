"""Every row of the tables, asked of the server in memory and of a real process."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_twisted

from tests.clients.server import Process, twistd_pypi
from tests.conformance import (
    table_addresses,
    table_changes,
    table_files,
    table_legacy,
    table_negotiation,
    table_pages,
    table_ranges,
    table_recorded,
    table_refusals,
    table_search,
    table_status,
    table_uploads,
    table_validators,
)
from tests.conformance.answers import Answer, read_answer
from tests.conformance.assembly import InMemory, assembled
from tests.conformance.corpus import lay_out
from tests.conformance.invariants import check_always, check_head
from tests.conformance.rows import JSON_ACCEPT, Request, Row, get

TABLES: dict[str, Sequence[Row]] = {
    "addresses": table_addresses.ROWS,
    "changes": table_changes.ROWS,
    "files": table_files.ROWS,
    "legacy": table_legacy.ROWS,
    "negotiation": table_negotiation.ROWS,
    "pages": table_pages.ROWS,
    "ranges": table_ranges.ROWS,
    "recorded": table_recorded.ROWS,
    "refusals": table_refusals.ROWS,
    "search": table_search.ROWS,
    "status": table_status.ROWS,
    "uploads": table_uploads.ROWS,
    "validators": table_validators.ROWS,
}
EACH_TABLE = pytest.mark.parametrize("table", TABLES)

OPTIONS = {
    "open": ("--disable-fallback",),
    "private": ("--authenticate", "list,download,update", "--fallback-url", "https://index.example.com/simple/"),
}

Ask = Callable[[bytes, str], Awaitable[Answer]]


def _options(root: Path, server: str) -> tuple[str, ...]:
    limit = str(table_refusals.LARGEST)
    return ("--password-file", str(root.parent / "htpasswd"), "--max-upload-size", limit, *OPTIONS[server])


@pytest_twisted.async_yield_fixture(scope="module")
async def in_memory(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, InMemory]]:
    async with AsyncExitStack() as stack:
        servers = {}
        for server in OPTIONS:
            root = lay_out(tmp_path_factory.mktemp(server))
            servers[server] = await stack.enter_async_context(assembled(root, *_options(root, server)))
        yield servers


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Process]]:
    with ExitStack() as stack:
        servers = {}
        for server in OPTIONS:
            root = lay_out(tmp_path_factory.mktemp(server))
            state = ("--state-dir", str(root.parent / "state"))
            process = twistd_pypi(root, *_options(root, server), *state, log=root.parent / "log")
            servers[server] = stack.enter_context(process)
        yield servers


async def check_row(row: Row, ask: Ask) -> None:
    """See that a row holds, and what always has to hold."""
    answers: list[Answer] = []
    for request in row.requests:
        data = request.data(answers)
        answers.append(await ask(data, request.method))
        check_always(request, answers[-1])
    for check in row.checks:
        check(answers)
    last = row.requests[-1]
    if last.method == "GET" and last.named("range") is None and last.recorded is None:
        await _check_head(last, answers, ask)


async def check_reporting(row: Row, ask: Ask, subtests: pytest.Subtests) -> None:
    """Report every row that does not hold, and go on."""
    try:
        await check_row(row, ask)
    except (AssertionError, KeyError, OSError, ValueError):
        with subtests.test(str(row)):
            raise


async def _check_head(last: Request, answers: Sequence[Answer], ask: Ask) -> None:
    request = replace(last, method="HEAD")
    answer = await ask(request.data(answers[:-1]), "HEAD")
    check_always(request, answer)
    check_head(answers[-1], answer)


@EACH_TABLE
@pytest_twisted.ensureDeferred
async def test_in_memory(table: str, in_memory: dict[str, InMemory], subtests: pytest.Subtests) -> None:
    for row in TABLES[table]:
        await check_reporting(row, in_memory[row.server].ask, subtests)


@EACH_TABLE
@pytest_twisted.ensureDeferred
async def test_as_a_process(table: str, processes: dict[str, Process], subtests: pytest.Subtests) -> None:
    for row in TABLES[table]:
        port = processes[row.server].port

        async def ask(data: bytes, method: str, port: int = port) -> Answer:
            return over_a_socket(port, data, method)

        await check_reporting(row, ask, subtests)


def test_a_hundred_connections_that_stay(processes: dict[str, Process]) -> None:
    """Rule 6 of 2.8."""
    data = get("/simple/acme-core/", JSON_ACCEPT).data([])
    with ExitStack() as stack:
        address = ("127.0.0.1", processes["open"].port)
        connections = [stack.enter_context(closing(socket.create_connection(address, timeout=30))) for _ in range(120)]
        for _ in range(2):
            for each in connections:
                each.sendall(data)
            assert {received(each, "GET").status for each in connections} == {200}


def over_a_socket(port: int, data: bytes, method: str) -> Answer:
    """Send one request on a connection of its own, and return the whole answer."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as connection:
        connection.sendall(data)
        return received(connection, method)


def received(connection: socket.socket, method: str) -> Answer:
    """Return the next answer on a connection."""
    data = b""
    while (answer := read_answer(data, method)) is None:
        piece = connection.recv(1 << 18)
        assert piece, f"the connection ended after {data[:400]!r}"
        data += piece
    return answer


@EACH_TABLE
def test_no_row_is_there_twice(table: str) -> None:
    names = [(row.section, row.title) for row in TABLES[table]]
    assert len(set(names)) == len(names)
