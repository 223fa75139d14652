"""Files of any name, copied into the folder: listed and served under their name, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urljoin

import pytest_twisted
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.conformance.assembly import InMemory, assembled
from tests.conformance.corpus import LONG_AGO
from tests.conformance.invariants import check_always
from tests.conformance.rows import JSON_ACCEPT, get
from twisted_pypi.distributions import SUFFIXES
from twisted_pypi.testing.archives import zip_archive

ARCHIVE = zip_archive([("a", b"without metadata, so that its name alone says what it is")])
FEW = settings(
    deadline=None,
    max_examples=max(20, settings().max_examples // 5),
    suppress_health_check=[HealthCheck.too_slow],
)

_STEMS = st.one_of(
    st.sampled_from(
        ("a-1", "A.b_c-1.0", "a-1-py3-none-any", "-", "a--1", "a-1+x,y", "a-1%2F", "a-\u0661", "a-1#x?y", "a-1\t")
    ),
    st.text(st.characters(exclude_characters="/\x00", codec="utf-8"), min_size=1, max_size=30),
)
_NAMES = st.one_of(
    st.tuples(_STEMS, st.sampled_from(SUFFIXES)).map("".join),
    st.binary(min_size=1, max_size=20).map(
        lambda raw: os.fsdecode(raw.replace(b"/", b"").replace(b"\0", b"") + b"-1.zip")
    ),
)


@FEW
@given(names=st.lists(_NAMES, max_size=12, unique=True), folder=st.one_of(st.just(""), _STEMS))
@example(names=["a-\udcff1.zip", "a-1\n.zip", "<b>-1.zip"], folder="x\n")
@example(names=["a-1.zip"], folder="\\")
@example(names=["a-1.zip", "A-1.zip", "a-1.tar.gz"], folder="a+b,c%")
@pytest_twisted.ensureDeferred
async def test_any_names(names: list[str], folder: str) -> None:
    with tempfile.TemporaryDirectory() as outer:
        root = Path(outer, "packages")
        place(root, [Path(folder.strip("."), name) for name in names])
        async with assembled(root, "--disable-fallback") as server:
            await check_everything(server)


def place(root: Path, paths: Sequence[Path]) -> None:
    """Write an archive to each path below a new root, unless the file system takes no such name."""
    root.mkdir()
    for path in paths:
        with suppress(OSError):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(ARCHIVE)
            os.utime(root / path, (LONG_AGO, LONG_AGO))


async def check_everything(server: InMemory) -> None:
    """See that every page can be read in each format, and every file on it."""
    for project in (await server.ask(get("/simple/", JSON_ACCEPT).data([]), "GET")).json["projects"]:
        page = f"/simple/{project['name']}/"
        for path in (page, f"/pypi/{project['name']}/json"):
            request = get(path)
            answer = await server.ask(request.data([]), "GET")
            check_always(request, answer)
            assert answer.status in {200, 404}
        for file in (await server.ask(get(page, JSON_ACCEPT).data([]), "GET")).json["files"]:
            answer = await server.ask(get(urljoin(page, file["url"])).data([]), "GET")
            assert (answer.status, answer.body) == (200, ARCHIVE), file
    for path in ("/simple/", "/packages/"):
        request = get(path)
        answer = await server.ask(request.data([]), "GET")
        check_always(request, answer)
        assert answer.status == 200
