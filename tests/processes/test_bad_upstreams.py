"""A real server before an upstream that answers wrongly, slowly or half, and before ``kill -9``."""

from __future__ import annotations

import http.client
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from tests.clients.archives import wheel
from tests.clients.fixtures import Start
from tests.clients.server import Process
from tests.processes.mirrored import get_file, kept, leftovers, listed, through
from tests.upstream.loopback import an_upstream, until
from twisted_pypi.testing.scripted_answers import Quirk
from twisted_pypi.testing.scripted_pages import Upstreamed
from twisted_pypi.testing.scripted_upstream import ScriptedUpstream

pytestmark = pytest.mark.clients

BIG = wheel("borrowed", "1.0", payload=os.urandom(3_000_000))
SMALL = wheel("borrowed", "1.1")
BIG_PATH, SMALL_PATH = f"/files/{BIG.filename}", f"/files/{SMALL.filename}"
CLIENTS = 50

P = ParamSpec("P")
T = TypeVar("T")


def in_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
    """Let the upstream, which is in this process, answer meanwhile."""
    return deferToThread(function, *args, **kwargs)


@asynccontextmanager
async def an_index() -> AsyncIterator[ScriptedUpstream]:
    async with an_upstream() as upstream:
        upstream.publish("borrowed", *(Upstreamed(each.filename, each.content) for each in (BIG, SMALL)))
        yield upstream


async def started(start: Start, root: Path, upstream: ScriptedUpstream, *more: str) -> Process:
    return await in_thread(start, root, *through(f"{upstream.url}/simple/"), *more)


def received(server: Process, stop_at: int | None = None) -> tuple[int, int, bool]:
    """Ask for the big file: the status, how many bytes came, and whether the answer was whole."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request("GET", f"/files/borrowed/{BIG.filename}")
        response, size = connection.getresponse(), 0
        try:
            while stop_at is None or size < stop_at:
                piece = response.read1(65_536)
                size += len(piece)
                if not piece:
                    return response.status, size, response.length in {0, None}
        except (http.client.IncompleteRead, ConnectionError):
            pass
        return response.status, size, False


WRONG = BIG.content[:-1] + bytes([BIG.content[-1] ^ 1])


@pytest_twisted.ensureDeferred
async def test_wrong_bytes_are_never_given_out_whole_nor_kept(root: Path, start: Start) -> None:
    async with an_index() as upstream:
        server = await started(start, root, upstream)
        upstream.quirk(BIG_PATH, Quirk(body=WRONG, times=3))
        upstream.quirk(SMALL_PATH, Quirk(body=bytes(len(SMALL.content))))
        for _ in range(3):
            status, size, whole = await in_thread(received, server)
            assert (status, whole) == (200, False)
            assert size < len(BIG.content)
        answer = await in_thread(get_file, server, "borrowed", SMALL)
        assert (answer.status, SMALL.sha256 in answer.text) == (502, True)
        assert (kept(root), leftovers(root)) == ({}, [])
        lines = [line for line in server.log.splitlines() if "Downloads#error" in line]
        assert Counter(BIG.filename in line and f"its page says {BIG.sha256}" in line for line in lines) == {
            True: 3,
            False: 1,
        }
        # The upstream has mended it.
        assert (await in_thread(get_file, server, "borrowed", BIG)).body == BIG.content
        assert (await in_thread(get_file, server, "borrowed", SMALL)).body == SMALL.content


@pytest_twisted.ensureDeferred
async def test_fifty_clients_and_one_download(root: Path, start: Start) -> None:
    def all_at_once() -> list[bytes]:
        with ThreadPoolExecutor(CLIENTS) as pool:
            return list(pool.map(lambda _: get_file(server, "borrowed", BIG).body, range(CLIENTS)))

    async with an_index() as upstream:
        server = await started(start, root, upstream)
        upstream.quirk(BIG_PATH, Quirk(after=0.5))
        assert set(await in_thread(all_at_once)) == {BIG.content}
        assert upstream.requests == {"/simple/borrowed/": 1, BIG_PATH: 1}
        assert "Traceback" not in server.log


@pytest_twisted.ensureDeferred
async def test_what_breaks_off_is_taken_up_again(root: Path, start: Start) -> None:
    async with an_index() as upstream:
        server = await started(start, root, upstream)
        upstream.quirk(BIG_PATH, Quirk(cut_at=1_500_000))
        assert (await in_thread(get_file, server, "borrowed", BIG)).body == BIG.content
        assert [each.headers.get("range") for each in upstream.asked if each.path == BIG_PATH] == [
            None,
            "bytes=1500000-",
        ]


@pytest.mark.parametrize(
    "quirk",
    [
        Quirk(times=None, status=500),
        Quirk(times=None, cut_at=0),
        Quirk(times=None, length=10),
        Quirk(times=None, packed=True),
    ],
    ids=["500", "nothing", "another length", "packed"],
)
@pytest_twisted.ensureDeferred
async def test_no_file_that_is_not_right(quirk: Quirk, root: Path, start: Start) -> None:
    async with an_index() as upstream:
        server = await started(start, root, upstream)
        upstream.quirk(BIG_PATH, quirk)
        upstream.quirk(SMALL_PATH, quirk)
        status, _, whole = await in_thread(received, server)
        assert (status, whole) != (200, True)
        assert (await in_thread(get_file, server, "borrowed", SMALL)).status == 502
        assert (kept(root), leftovers(root)) == ({}, [])
        assert SMALL.filename in await in_thread(listed, server, "borrowed")


@pytest_twisted.ensureDeferred
async def test_killed_in_the_middle_of_a_file(root: Path, start: Start) -> None:
    async with an_index() as upstream:
        server = await started(start, root, upstream)
        upstream.quirk(BIG_PATH, Quirk(stall_at=2_000_000))
        status, size, whole = await in_thread(received, server, 1_900_000)
        assert (status, size >= 1_900_000, whole) == (200, True, False)
        server.kill()
        assert kept(root) == {}
        _leave_behind(root)
        server = await started(start, root, upstream)
        await in_thread(server.comes_true, lambda: leftovers(root) == [])
        assert leftovers(root) == []
        assert listed(server, "borrowed") == {BIG.filename, SMALL.filename}
        assert (await in_thread(get_file, server, "borrowed", BIG)).body == BIG.content


def _leave_behind(root: Path) -> None:
    """What a server leaves that was killed where files cannot be without a name."""
    for name in (".twisted-pypi/staging/.upload-0123456789abcdef.tmp", f"borrowed/.{BIG.filename}.json"):
        path = root / ".upstream" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(BIG.content)
        os.utime(path, (time.time() - 200_000,) * 2)
    assert len(leftovers(root)) == 2


@pytest.mark.parametrize("milliseconds", [0, 4, 10, 20, 50])
@pytest_twisted.ensureDeferred
async def test_killed_at_the_end_of_a_file(milliseconds: int, root: Path, start: Start) -> None:
    async with an_index() as upstream:
        server = await started(start, root, upstream)
        asking = in_thread(_killed_meanwhile, server)
        await until(lambda: upstream.requests[BIG_PATH] == 1)
        await deferLater(reactor, milliseconds / 1000)
        server.kill()
        await asking
        assert kept(root) in ({}, {f"borrowed/{BIG.filename}": BIG.content})
        server = await started(start, root, upstream)
        assert (await in_thread(get_file, server, "borrowed", BIG)).body == BIG.content
        assert (await in_thread(get_file, server, "borrowed", BIG)).body == BIG.content


def _killed_meanwhile(server: Process) -> None:
    with suppress(OSError, http.client.HTTPException):
        received(server)
