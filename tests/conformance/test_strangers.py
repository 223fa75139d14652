"""Whatever strangers send: never an error of ours, never a hang, never a byte that is not to be served."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
import pytest_twisted
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from tests.conformance import corpus
from tests.conformance.answers import Answer
from tests.conformance.assembly import InMemory, assembled
from tests.conformance.invariants import check_always
from tests.conformance.rows import Request, get
from tests.conformance.strange_uploads import uploads
from tests.conformance.strangers import REQUESTS
from twisted_pypi.testing.wire import Wire

ANY = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
MANY = settings(ANY, max_examples=4 * ANY.max_examples)
"""As many examples as the profile says, or four times that: ``--hypothesis-profile=long`` takes minutes."""

SECRETS = (corpus.OUTSIDE.strip(), corpus.PASSWORDS.encode()[:20], b"SQLite format 3", b"root:x:0:")
"""Of files that are not to be served."""
POSSIBLE = {200, 206, 301, 303, 304, 400, 401, 404, 405, 406, 409, 410, 412, 413, 416}


@pytest_twisted.async_yield_fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[InMemory]:
    root = lay_out_here(tmp_path_factory)
    options = ("--disable-fallback", "--password-file", str(root.parent / "htpasswd"))
    async with assembled(root, *options) as memory:
        yield memory


@pytest.fixture(scope="module")
def root(server: InMemory) -> Path:
    return server.root


def lay_out_here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the corpus into a folder of its own."""
    return corpus.lay_out(tmp_path_factory.mktemp("strangers"))


def check_stranger(request: Request, answer: Answer) -> None:
    """See that an answer is possible, and tells no secret."""
    event(f"{request.method} {answer.status}")
    check_always(request, answer)
    assert answer.status in POSSIBLE, answer
    found = answer.unpacked
    assert not any(each in found for each in SECRETS), (request, found)


def check_folders(root: Path) -> None:
    """See that nothing was written outside the root, and nothing in it that could pass for something else."""
    assert {path.name for path in root.parent.iterdir()} <= {"packages", "outside", "htpasswd", "cache"}
    new = [path.name for path in root.iterdir() if path.name not in corpus.FILES]
    assert all(name.startswith((".", "good", "Good", "a,b+c", "outside", "linked")) for name in new), new
    assert (root.parent / "outside").read_bytes() == corpus.OUTSIDE


@MANY
@given(request=REQUESTS)
@example(request=get("/packages/../htpasswd"))
@example(request=get("/packages/%2e%2e/outside"))
@example(request=get("/packages/linked-1.0.tar.gz.asc"))
@example(request=get("/simple/", 'Accept: text/html;x="'))
@pytest_twisted.ensureDeferred
async def test_any_request(request: Request, server: InMemory) -> None:
    check_stranger(request, await server.ask(request.data([]), request.method))


@ANY
@given(request=uploads())
@pytest_twisted.ensureDeferred
async def test_any_upload(request: Request, server: InMemory, root: Path) -> None:
    answer = await server.ask(request.data([]), "POST")
    check_stranger(request, answer)
    check_folders(root)


@ANY
@given(request=uploads(), cuts=st.lists(st.integers(0, 4000), max_size=5))
@pytest_twisted.ensureDeferred
async def test_any_upload_in_pieces(request: Request, cuts: list[int], server: InMemory) -> None:
    data = request.data([])
    places = [0, *sorted(min(each, len(data)) for each in cuts), len(data)]
    pieces = [data[start:stop] for start, stop in pairwise(places)]
    check_stranger(request, await server.ask_in_pieces(pieces, "POST"))


@ANY
@given(request=uploads(), length=st.integers(0, 4000))
@pytest_twisted.ensureDeferred
async def test_a_client_that_goes_away(request: Request, length: int, server: InMemory) -> None:
    wire = Wire(server.site)
    wire.send(request.data([])[:length])
    wire.hang_up()
    await server.turn()
    assert (await server.ask(get("/health").data([]), "GET")).status == 200


@MANY
@given(
    data=st.binary(max_size=400),
    after=st.sampled_from(
        (
            b"",
            b"GET / HTTP/1.1\r\n",
            b"GET /simple/ HTTP/1.1\r\nHost: x\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        )
    ),
)
@pytest_twisted.ensureDeferred
async def test_any_bytes(data: bytes, after: bytes, server: InMemory) -> None:
    wire = Wire(server.site)
    try:
        received = wire.send(after + data + b"\r\n\r\n")
        await server.turn()
        received += wire.received()
        assert b" 500 " not in received[:20]
    finally:
        wire.hang_up()


@pytest_twisted.ensureDeferred
async def test_every_file_is_still_the_same(server: InMemory, root: Path) -> None:
    for path in (corpus.CORE_NAME, corpus.LOCAL_PATH, corpus.SDIST_NAME):
        answer = await server.ask(get(f"/packages/{path}").data([]), "GET")
        assert sha256(answer.body).hexdigest() == sha256(corpus.FILES[path]).hexdigest()
        assert (root / path).read_bytes() == answer.body
