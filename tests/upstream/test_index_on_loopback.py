"""Indexes that are asked over real sockets, with pages kept by real threads."""

from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from tests.upstream.answering import X
from tests.upstream.loopback import Collector, a_fetcher, an_upstream
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import NoSuchProject, UpstreamFailed
from twisted_pypi.testing.scripted_answers import Quirk
from twisted_pypi.testing.scripted_pages import Upstreamed
from twisted_pypi.upstream.fetching import Fetcher
from twisted_pypi.upstream.index import Indexes
from twisted_pypi.upstream.pages import KeptPages

ONE = Upstreamed("x-1.0.tar.gz", b"one", yanked="broken", core_metadata=b"Name: x", requires_python=">=3.8")
PAGE = "/simple/x/"


P = ParamSpec("P")
T = TypeVar("T")


def in_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
    return deferToThread(function, *args, **kwargs)


def indexes_at(folder: Path, fetcher: Fetcher, *addresses: str) -> Indexes:
    return Indexes(addresses, fetcher, KeptPages(lambda: str(folder)), reactor, in_thread)


@pytest.mark.parametrize("html_only", [False, True])
@pytest_twisted.ensureDeferred
async def test_a_page_and_its_file(tmp_path: Path, *, html_only: bool) -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        upstream.publish("x", ONE, html_only=html_only, serial=7)
        upstream.packs = True
        indexes = indexes_at(tmp_path, fetcher, f"{upstream.url}/simple/")
        found = await indexes.page(X)
        (file,) = found.page.files
        assert (file.filename, file.url) == (ONE.filename, f"{upstream.url}/files/{ONE.filename}")
        assert (file.hashes, file.yanked, file.requires_python) == ({"sha256": ONE.digest()}, "broken", ">=3.8")
        assert isinstance(file.core_metadata, dict)
        assert (found.serial, found.index, found.page.versions) == (7, f"{upstream.url}/simple", ("1.0",))
        sink = Collector()
        await indexes.fetch(file.url, found.index, sink)
        assert sink.data == b"one"


@pytest.mark.parametrize("tagged", [True, False])
@pytest_twisted.ensureDeferred
async def test_what_is_kept_is_confirmed_without_a_body(tmp_path: Path, *, tagged: bool) -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        upstream.publish("x", ONE, tagged=tagged, last_modified="Wed, 18 Nov 2026 10:00:00 GMT")
        before = await indexes_at(tmp_path, fetcher, f"{upstream.url}/simple").page(X)
        restarted = indexes_at(tmp_path, fetcher, f"{upstream.url}/simple")
        upstream.quirk(PAGE, Quirk(status=304))
        after = await restarted.page(X, confirm=True)
        assert after.page == before.page
        assert after.confirmed_ns > before.confirmed_ns
        sent = upstream.asked[-1].headers
        assert ("if-none-match" in sent, "if-modified-since" in sent) == (tagged, not tagged)


@pytest_twisted.ensureDeferred
async def test_an_outage_gives_what_is_kept(tmp_path: Path) -> None:
    async with a_fetcher() as fetcher:
        async with an_upstream() as upstream:
            upstream.publish("x", ONE)
            indexes = indexes_at(tmp_path, fetcher, f"{upstream.url}/simple")
            before = await indexes.page(X)
            upstream.quirk(PAGE, Quirk(status=503, times=None))
            stale = await indexes.page(X, confirm=True)
            assert (stale.page, stale.confirmed_ns) == (before.page, before.confirmed_ns)
            assert "503" in str(stale.stale_because)
            with pytest.raises(NoSuchProject):
                await indexes.page(ProjectName("y"))
        stale = await indexes.page(X, confirm=True)
        assert stale.page == before.page
        assert stale.stale_because is not None
        with pytest.raises(UpstreamFailed):
            await indexes.page(ProjectName("z"))
        (health,) = indexes.health()
        assert health.failing
        assert health.last_success_ns is not None
