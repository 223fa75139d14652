"""Pages, asked for over real sockets."""

import gzip
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import Clock

from tests.upstream.loopback import a_fetcher, an_upstream, over, turns, until
from twisted_pypi.errors import UpstreamFailed
from twisted_pypi.testing.scripted_answers import Quirk
from twisted_pypi.testing.scripted_pages import Upstreamed
from twisted_pypi.testing.scripted_upstream import ScriptedUpstream
from twisted_pypi.upstream.fetching import Fetcher
from twisted_pypi.upstream.logins import logins_of

PAGE = "/simple/foo/"
FOREVER = float("inf")


def published(upstream: ScriptedUpstream) -> str:
    upstream.publish("foo", Upstreamed("foo-1.0.tar.gz", b"one"), serial=7)
    return f"{upstream.url}{PAGE}"


async def refusal(fetcher: Fetcher, url: str, **more: Any) -> str:
    with pytest.raises(UpstreamFailed) as caught:
        await fetcher.get_page(url, {}, **more)
    return str(caught.value)


@pytest_twisted.ensureDeferred
async def test_a_page() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        upstream.packs = True
        answer = await fetcher.get_page(url, {"Accept": "application/vnd.pypi.simple.v1+json"})
        assert (answer.status, answer.url, answer.whole) == (200, url, True)
        assert answer.headers["content-type"] == "application/vnd.pypi.simple.v1+json"
        assert answer.headers["x-pypi-last-serial"] == "7"
        assert b"foo-1.0.tar.gz" in answer.body
        assert upstream.asked[0].headers["accept-encoding"] == "gzip"
        assert upstream.asked[0].headers["user-agent"].startswith("twisted_pypi/")

        again = await fetcher.get_page(
            url, {"Accept": "application/vnd.pypi.simple.v1+json", "If-None-Match": answer.headers["etag"]}
        )
        assert (again.status, again.body) == (304, b"")
        assert upstream.connections.made == 1


@pytest_twisted.ensureDeferred
async def test_statuses_that_are_answers() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        assert (await fetcher.get_page(f"{upstream.url}/simple/bar/", {})).status == 404
        upstream.quirk("/gone/", Quirk(status=410, body=b"x" * 200_000))
        gone = await fetcher.get_page(f"{upstream.url}/gone/", {})
        assert (gone.status, gone.body) == (410, b"")


@pytest.mark.parametrize(
    ("status", "asked"), [(400, 1), (401, 1), (403, 1), (418, 1), (206, 1), (429, 2), (500, 2), (503, 2)]
)
@pytest_twisted.ensureDeferred
async def test_statuses_that_are_failures(status: int, asked: int) -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        upstream.quirk(PAGE, Quirk(status=status, times=None, body=b"secret"))
        said = await refusal(fetcher, url)
        assert said.startswith(f"127.0.0.1:{upstream.port} answered {status}")
        assert "; " in said
        assert "secret" not in said
        assert upstream.requests[PAGE] == asked


@pytest_twisted.ensureDeferred
async def test_what_is_over_soon_is_not_noticed() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        upstream.quirk(PAGE, Quirk(status=503, times=3))
        assert (await fetcher.get_page(url, {}, tries=4)).status == 200
        upstream.quirk(PAGE, Quirk(cut_at=10))
        assert (await fetcher.get_page(url, {})).status == 200


@pytest_twisted.ensureDeferred
async def test_retry_after() -> None:
    clock = Clock()
    async with an_upstream() as upstream, a_fetcher(clock) as fetcher:
        url = published(upstream)
        upstream.quirk(PAGE, Quirk(status=429, headers={"Retry-After": "20"}))
        asking = Deferred.fromCoroutine(fetcher.get_page(url, {}))
        await until(lambda: clock.getDelayedCalls() and upstream.requests[PAGE] == 1)
        await over(clock, 19)
        assert upstream.requests[PAGE] == 1
        await over(clock, 2)
        assert (await asking).status == 200

        upstream.quirk(PAGE, Quirk(status=429, headers={"Retry-After": "31"}))
        assert "answered 429" in await refusal(fetcher, url)


@pytest_twisted.ensureDeferred
async def test_limits_of_time() -> None:
    clock = Clock()
    async with an_upstream() as upstream, a_fetcher(clock) as fetcher:
        url = published(upstream)
        upstream.quirk(PAGE, Quirk(after=FOREVER), Quirk(stall_at=10))
        silent = Deferred.fromCoroutine(fetcher.get_page(url, {}, tries=1))
        await until(lambda: upstream.requests[PAGE] == 1)
        await over(clock, 29)
        assert not silent.called
        await over(clock, 2)
        with pytest.raises(UpstreamFailed, match="did not answer within 30 seconds; "):
            await silent

        stalled = Deferred.fromCoroutine(fetcher.get_page(url, {}, tries=1))
        await until(lambda: upstream.requests[PAGE] == 2)
        await over(clock, 31)
        with pytest.raises(UpstreamFailed, match="sent nothing more within 30 seconds; "):
            await stalled
        await until(lambda: upstream.connections.open == 0)


@pytest_twisted.ensureDeferred
async def test_an_end_that_is_not_said() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        upstream.quirk(PAGE, Quirk(no_length=True))
        assert not (await fetcher.get_page(url, {})).whole


@pytest.mark.parametrize(
    ("quirk", "said"),
    [
        (Quirk(length=100_000, times=None), "broke off in the middle of an answer"),
        (Quirk(cut_at=20, packed=True, no_length=True, times=None), "broke off in the middle of a page"),
        (Quirk(body=b"no gzip", headers={"Content-Encoding": "gzip"}, times=None), "cannot be unpacked"),
        (Quirk(headers={"Content-Encoding": "br"}), "an encoding that was not asked for"),
        (Quirk(cut_at=0, length=-1, times=None), "no HTTP"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_bodies_that_are_none(quirk: Quirk, said: str) -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        upstream.quirk(PAGE, quirk)
        assert said in await refusal(fetcher, url)


@pytest.mark.parametrize(
    ("body", "packed", "limit"),
    [
        (b"x" * 2000, False, 1999),
        (b"x" * 2000, True, 1999),
        # More than a hundred times of what came, and beyond ten million bytes.
        (gzip.compress(bytes(50_000_000)), False, 200_000_000),
    ],
)
@pytest_twisted.ensureDeferred
async def test_pages_that_are_too_large(body: bytes, packed: bool, limit: int) -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        headers = {} if packed or limit < 2000 else {"Content-Encoding": "gzip"}
        upstream.quirk(PAGE, Quirk(body=body, packed=packed, headers=headers))
        assert "sent a page" in await refusal(fetcher, url, limit=limit)
        assert upstream.requests[PAGE] == 1


@pytest_twisted.ensureDeferred
async def test_several_packed_members() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        body = gzip.compress(b"one ") + gzip.compress(b"two")
        upstream.quirk(PAGE, Quirk(body=body, headers={"Content-Encoding": "gzip"}))
        assert (await fetcher.get_page(url, {}, limit=100)).body == b"one two"


@pytest_twisted.ensureDeferred
async def test_redirects() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        upstream.quirk("/old/", Quirk(status=301, headers={"Location": "../simple/foo/#here"}))
        assert (await fetcher.get_page(f"{upstream.url}/old/", {})).url == url
        upstream.quirk("/loop/", Quirk(status=302, headers={"Location": "/loop/"}, times=None))
        assert "redirected more than 10 times" in await refusal(fetcher, f"{upstream.url}/loop/")
        assert upstream.requests["/loop/"] == 11
        upstream.quirk("/nowhere/", Quirk(status=308), Quirk(status=307, headers={"Location": "ftp://x/"}))
        for status in (308, 307):
            assert f"answered {status} without an address" in await refusal(fetcher, f"{upstream.url}/nowhere/")


@pytest_twisted.ensureDeferred
async def test_logins_go_to_nobody_else() -> None:
    async with an_upstream() as ours, an_upstream() as other:
        there = published(other)
        published(ours)
        ours.login = "me", "p@ss"
        address = ours.url.replace("://", "://me:p%40ss@")
        logins = logins_of([address], f"machine 127.0.0.1:{other.port} login them password theirs")
        async with a_fetcher(logins=logins) as fetcher:
            answer = await fetcher.get_page(f"{address}{PAGE}", {})
            assert (answer.status, answer.url) == (200, f"{ours.url}{PAGE}")
            assert "authorization" not in (await asked_of(fetcher, ours, there, other))
            back = f"{ours.url}{PAGE}"
            other.quirk("/back/", Quirk(status=302, headers={"Location": back}))
            ours.quirk("/away/", Quirk(status=302, headers={"Location": f"{other.url}/back/"}))
            ours.paths["/away/"] = b""
            assert "answered 401" in await refusal(fetcher, f"{ours.url}/away/")


async def asked_of(fetcher: Fetcher, ours: ScriptedUpstream, there: str, other: ScriptedUpstream) -> Any:
    ours.paths["/moved/"] = b""
    ours.quirk("/moved/", Quirk(status=301, headers={"Location": there}))
    await fetcher.get_page(f"{ours.url}/moved/", {})
    return other.asked[-1].headers


@pytest_twisted.ensureDeferred
async def test_a_wrong_login_is_not_shown() -> None:
    async with an_upstream() as upstream:
        url = published(upstream)
        upstream.login = "me", "right"
        logins = logins_of([url.replace("://", "://me:wrong@")])
        async with a_fetcher(logins=logins) as fetcher:
            said = await refusal(fetcher, url.replace("://", "://me:wrong@"))
            assert "answered 401; check its login" in said
            assert "wrong" not in said
            assert "wrong" not in repr(logins)


@pytest_twisted.ensureDeferred
async def test_eight_connections_and_a_queue() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        for number in range(20):
            upstream.paths[f"/{number}"] = b"x"
            upstream.quirk(f"/{number}", Quirk(after=0.01))
        await gatherResults(
            [Deferred.fromCoroutine(fetcher.get_page(f"{upstream.url}/{number}", {})) for number in range(20)]
        )
        assert [each.path for each in upstream.asked[8:]] == [f"/{number}" for number in range(8, 20)]
        assert (upstream.connections.made, upstream.connections.most) == (8, 8)


@pytest_twisted.ensureDeferred
async def test_cancelling() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        upstream.quirk(PAGE, Quirk(after=FOREVER, times=9), Quirk(stall_at=5))
        asked = [Deferred.fromCoroutine(fetcher.get_page(url, {})) for _ in range(9)]
        await until(lambda: upstream.requests[PAGE] == 8)
        for each in reversed(asked):
            each.cancel()
            with pytest.raises(CancelledError):
                await each
        await until(lambda: upstream.connections.open == 0)
        # The ninth waited for a place, and was never sent.
        upstream.quirk(PAGE)
        upstream.next_quirk(PAGE)
        stalled = Deferred.fromCoroutine(fetcher.get_page(url, {}))
        await until(lambda: upstream.requests[PAGE] == 9)
        await turns()
        stalled.cancel()
        with pytest.raises(CancelledError):
            await stalled
        await until(lambda: upstream.connections.open == 0)
        assert (await fetcher.get_page(url, {})).status == 200


@pytest_twisted.ensureDeferred
async def test_a_connection_that_the_upstream_closed_meanwhile() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        await fetcher.get_page(url, {})
        await upstream.connections.close()
        # Whether that was noticed yet or not, it costs no try.
        assert (await fetcher.get_page(url, {}, tries=1)).status == 200
        assert upstream.connections.made == 2


@pytest_twisted.ensureDeferred
async def test_a_fetcher_that_is_closed_while_it_asks() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        upstream.quirk(PAGE, Quirk(after=0.05))
        asking = Deferred.fromCoroutine(fetcher.get_page(url, {}))
        await until(lambda: upstream.requests[PAGE] == 1)
        await fetcher.close()
        assert (await asking).status == 200
        await until(lambda: upstream.connections.open == 0)


@pytest_twisted.ensureDeferred
async def test_nobody_is_there() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        url = published(upstream)
        await upstream.stop()
        assert "refused the connection; " in await refusal(fetcher, url)


@pytest.mark.parametrize(
    "url", ["ftp://index.example.com/", "http://me:secret@[/", "nothing", "http:///x", "http://h:0/"]
)
@pytest_twisted.ensureDeferred
async def test_addresses_that_cannot_be_used(url: str) -> None:
    async with a_fetcher() as fetcher:
        said = await refusal(fetcher, url)
        assert said.startswith("an address of an upstream index cannot be used: expected")
        assert "secret" not in said
