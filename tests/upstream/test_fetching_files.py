"""Files, brought over real sockets."""

from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from tests.upstream.loopback import Collector, a_fetcher, an_upstream, over, turns, until
from twisted_pypi.errors import UpstreamFailed
from twisted_pypi.testing.scripted_answers import Quirk
from twisted_pypi.testing.scripted_upstream import ScriptedUpstream
from twisted_pypi.upstream.agents import FOR_PAGES, PER_HOST
from twisted_pypi.upstream.fetching import Fetcher

FILE = "/files/foo-1.0.tar.gz"
DATA = bytes(range(256)) * 20_000


def published(upstream: ScriptedUpstream) -> str:
    upstream.paths[FILE] = DATA
    return f"{upstream.url}{FILE}"


async def refusal(fetcher: Fetcher, url: str, sink: Collector, **more: Any) -> str:
    with pytest.raises(UpstreamFailed) as caught:
        await fetcher.fetch(url, sink, **more)
    return str(caught.value)


@pytest_twisted.ensureDeferred
async def test_a_file() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        sink = Collector()
        await fetcher.fetch(url, sink)
        assert (sink.data == DATA, sink.lengths) == (True, [len(DATA)])
        assert upstream.asked[0].headers["accept-encoding"] == "identity"
        empty = Collector()
        upstream.paths["/empty"] = b""
        await fetcher.fetch(f"{upstream.url}/empty", empty)
        assert (empty.data, empty.lengths) == (b"", [0])
        assert upstream.connections.made == 1


@pytest_twisted.ensureDeferred
async def test_nothing_is_unpacked() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        upstream.quirk(FILE, Quirk(headers={"Content-Encoding": "gzip"}))
        sink = Collector()
        await fetcher.fetch(url, sink)
        assert sink.data == DATA


@pytest.mark.parametrize(
    "quirk",
    [
        Quirk(cut_at=100_000),
        Quirk(cut_at=0),
        Quirk(cut_at=100_000, headers={"ETag": 'W/"weak"'}, times=None),
        Quirk(cut_at=100_000, headers={"ETag": "none"}),
        Quirk(status=503),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_breaks_off_is_taken_up_again(quirk: Quirk) -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        if quirk.times is None:
            upstream.quirk(FILE, *[Quirk(cut_at=quirk.cut_at, headers=quirk.headers), Quirk(headers=quirk.headers)])
        else:
            upstream.quirk(FILE, quirk)
        sink = Collector()
        await fetcher.fetch(url, sink)
        assert (sink.data == DATA, sink.lengths) == (True, [len(DATA)])
        again = upstream.asked[1].headers
        strong = not quirk.headers
        assert ("range" in again, "if-range" in again) == (bool(quirk.cut_at), bool(quirk.cut_at) and strong)


@pytest_twisted.ensureDeferred
async def test_tries_that_brought_much_do_not_count() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        upstream.quirk(FILE, Quirk(cut_at=1_100_000, times=4))
        sink = Collector()
        await fetcher.fetch(url, sink)
        assert (sink.data == DATA, upstream.requests[FILE]) == (True, 5)
        upstream.quirk(FILE, Quirk(cut_at=1000, times=None))
        assert "broke off" in await refusal(fetcher, url, Collector(), tries=3)
        assert upstream.requests[FILE] == 8


@pytest.mark.parametrize(
    ("quirks", "said"),
    [
        ([Quirk(cut_at=1000), Quirk(whole=True)], "answered 200 for the rest of a file that broke off"),
        ([Quirk(cut_at=1000), Quirk(body=b"short")], "answered 416 for the rest"),
        ([Quirk(cut_at=1000), Quirk(body=DATA + b"x", headers={})], "changed a file while it was fetched"),
        ([Quirk(cut_at=1000), Quirk(headers={"ETag": '"other"'})], "answered 200 for the rest"),
        ([Quirk(cut_at=1000), Quirk(headers={"Content-Range": "bytes 0-4/5"})], "another part of a file"),
        ([Quirk(cut_at=0), Quirk(body=b"other")], "changed a file while it was fetched"),
        ([Quirk(no_length=True, cut_at=100, length=1, headers={"ETag": ""})], ""),
        ([Quirk(status=404)], "answered 404 for a file"),
        ([Quirk(length=len(DATA) + 1), Quirk(status=503)], "answered 503"),
        ([Quirk(status=206)], "answered 206 for a file"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_cannot_be_gone_on_with(quirks: list[Quirk], said: str) -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        upstream.quirk(FILE, *quirks)
        sink = Collector()
        if said:
            assert said in await refusal(fetcher, url, sink)
            assert DATA.startswith(sink.data)
        else:
            # Without a length nobody can know; the digest will tell.
            await fetcher.fetch(url, sink)
            assert (sink.data, sink.lengths) == (DATA[:100], [None])


@pytest_twisted.ensureDeferred
async def test_a_length_that_is_too_small() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        upstream.quirk(FILE, Quirk(length=1000))
        sink = Collector()
        await fetcher.fetch(url, sink)
        assert (sink.data, sink.lengths) == (DATA[:1000], [1000])


@pytest_twisted.ensureDeferred
async def test_flow() -> None:
    clock = Clock()
    async with an_upstream() as upstream, a_fetcher(clock) as fetcher:
        url = published(upstream)
        sink = Collector(pause_at=100_000)
        fetching = Deferred.fromCoroutine(fetcher.fetch(url, sink))
        await until(lambda: len(sink.data) >= 100_000)
        await turns()
        held = len(sink.data)
        assert held < len(DATA)
        # Who was told to wait does not stall.
        await over(clock, 1000)
        assert (len(sink.data), fetching.called) == (held, False)
        assert sink.flow is not None
        sink.flow.pause()
        sink.flow.resume()
        sink.flow.resume()
        await fetching
        assert sink.data == DATA
        sink.flow.pause()
        sink.flow.resume()


@pytest_twisted.ensureDeferred
async def test_flow_that_stays_paused_over_a_break() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        upstream.quirk(FILE, Quirk(cut_at=1000))
        sink = Collector(pause_at=1000)
        fetching = Deferred.fromCoroutine(fetcher.fetch(url, sink))
        await until(lambda: len(sink.data) >= 1000)
        await turns()
        assert len(sink.data) == 1000
        assert sink.flow is not None
        sink.flow.resume()
        await fetching
        assert sink.data == DATA


@pytest_twisted.ensureDeferred
async def test_a_pause_before_the_first_byte() -> None:
    class Paused(Collector):
        def begun(self, flow: Any, length: int | None) -> None:
            super().begun(flow, length)
            flow.pause()

    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        sink = Paused()
        fetching = Deferred.fromCoroutine(fetcher.fetch(url, sink))
        await until(lambda: sink.lengths)
        await turns()
        assert len(sink.data) < 200_000
        assert sink.flow is not None
        sink.flow.resume()
        await fetching
        assert sink.data == DATA


@pytest_twisted.ensureDeferred
async def test_a_stall_is_taken_up_again() -> None:
    clock = Clock()
    async with an_upstream() as upstream, a_fetcher(clock) as fetcher:
        url = published(upstream)
        upstream.quirk(FILE, Quirk(stall_at=1000))
        sink = Collector()
        fetching = Deferred.fromCoroutine(fetcher.fetch(url, sink))
        await sink.first
        await over(clock, 31)
        # The wait before the second try, of no seconds.
        await over(clock, 0)
        await fetching
        assert sink.data == DATA


@pytest_twisted.ensureDeferred
async def test_cancelling_closes_the_connection() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        upstream.quirk(FILE, Quirk(stall_at=1000))
        for sink in (Collector(), Collector(pause_at=1)):
            fetching = Deferred.fromCoroutine(fetcher.fetch(url, sink))
            await sink.first
            fetching.cancel()
            with pytest.raises(CancelledError):
                await fetching
            await until(lambda: upstream.connections.open == 0)
        assert upstream.requests[FILE] == 2


@pytest_twisted.ensureDeferred
async def test_what_a_sink_raises() -> None:
    class Refusing(Collector):
        def begun(self, flow: Any, length: int | None) -> None:
            super().begun(flow, length)
            raise MemoryError("no room at all")

    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        with pytest.raises(MemoryError, match="no more room"):
            await fetcher.fetch(url, Collector(refuse_at=10))
        with pytest.raises(MemoryError, match="no room at all"):
            await fetcher.fetch(url, Refusing())
        assert upstream.requests[FILE] == 2
        await until(lambda: upstream.connections.open == 0)


@pytest_twisted.ensureDeferred
async def test_files_that_take_long_leave_room_for_pages() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        upstream.quirk(FILE, Quirk(stall_at=5, times=None))
        fetching = [Deferred.fromCoroutine(fetcher.fetch(url, Collector())) for _ in range(20)]
        await until(lambda: upstream.requests[FILE] == PER_HOST - FOR_PAGES)
        upstream.paths["/page"] = b"page"
        assert (await fetcher.get_page(f"{upstream.url}/page", {})).body == b"page"
        assert upstream.requests[FILE] == PER_HOST - FOR_PAGES
        for each in reversed(fetching):
            each.cancel()
            with pytest.raises(CancelledError):
                await each
