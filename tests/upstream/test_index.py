from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from tests.upstream.answering import JSON, START, A, B, Subject, X, page_of
from twisted_pypi.boundaries import Flow, Upstream
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import NoSuchProject, UpstreamFailed
from twisted_pypi.simple.read import ACCEPT
from twisted_pypi.upstream.fetching import BACKGROUND, WAITING, PageAnswer

ONE, TWO = "x-1.0.tar.gz", "x-2.0.tar.gz"
URL = f"{A}/x/"


@pytest_twisted.ensureDeferred
async def test_a_page_is_asked_for_once_while_it_is_fresh(tmp_path: Path) -> None:
    subject = Subject(tmp_path)
    upstream: Upstream = subject.indexes
    subject.fetcher.say(A, ONE, cache_control="max-age=100", x_pypi_last_serial="7")
    found = await upstream.page(X)
    assert found.page.files[0].url == f"https://a.example.com/files/{ONE}"
    now_ns = START * 10**9
    assert (found.index, found.serial, found.stale_because) == (A, 7, None)
    assert (found.confirmed_ns, found.fresh_until_ns) == (now_ns, now_ns + 100 * 10**9)
    subject.clock.advance(99)
    assert await upstream.page(X) is found
    assert await upstream.kept(X) == found
    assert subject.fetcher.asked == [(URL, {"Accept": ACCEPT})]
    subject.clock.advance(1)
    await upstream.page(X)
    assert len(subject.fetcher.asked) == 2


@pytest_twisted.ensureDeferred
async def test_kept_pages_outlive_a_restart(tmp_path: Path) -> None:
    subject = Subject(tmp_path)
    subject.fetcher.say(A, ONE)
    found = await subject.indexes.page(X)
    assert subject.asked == [URL]
    assert await subject.restarted().kept(X) == found
    assert await subject.restarted().page(X) == found
    assert subject.asked == []


@pytest.mark.parametrize("on_disk", [True, False])
@pytest_twisted.ensureDeferred
async def test_304_renews_what_is_kept(tmp_path: Path, *, on_disk: bool) -> None:
    subject = Subject(tmp_path if on_disk else None)
    subject.fetcher.say(A, ONE, etag='"e"', last_modified="yesterday")
    before = await subject.indexes.page(X)
    subject.clock.advance(601)
    subject.fetcher.status(A, 304, x_pypi_last_serial="8")
    if on_disk:
        subject.restarted()
    after = await subject.indexes.page(X)
    assert subject.fetcher.asked[1] == (URL, {"Accept": ACCEPT, "If-None-Match": '"e"'})
    assert (after.page, after.etag) == (before.page, before.etag)
    assert (after.confirmed_ns, after.fresh_until_ns, after.serial) == (
        subject.now_ns,
        subject.now_ns + 600 * 10**9,
        8,
    )
    if on_disk:
        assert await subject.restarted().kept(X) == after


@pytest_twisted.ensureDeferred
async def test_news_are_taken_and_the_same_bytes_are_not_read_again(tmp_path: Path) -> None:
    subject = Subject(tmp_path)
    subject.fetcher.say(A, ONE, x_pypi_last_serial="7")
    before = await subject.indexes.page(X)
    subject.fetcher.say(A, ONE, x_pypi_last_serial="8")
    same = await subject.indexes.page(X, confirm=True)
    assert same.page is before.page
    assert (same.serial, same.etag) == (8, before.etag)
    subject.fetcher.say(A, ONE, TWO, x_pypi_last_serial="9")
    after = await subject.indexes.page(X, confirm=True)
    assert [file.filename for file in after.page.files] == [ONE, TWO]
    assert after.etag != before.etag
    assert subject.fetcher.tries == [WAITING, BACKGROUND, BACKGROUND]


@pytest_twisted.ensureDeferred
async def test_a_lower_serial_is_a_cache_that_lags(tmp_path: Path) -> None:
    subject = Subject(tmp_path)
    subject.fetcher.say(A, ONE, TWO, x_pypi_last_serial="9")
    await subject.indexes.page(X)
    subject.clock.advance(601)
    subject.fetcher.say(A, ONE, x_pypi_last_serial="8")
    assert await subject.names() == [ONE, TWO]
    lagging = await subject.restarted().kept(X)
    assert lagging is not None
    assert (lagging.serial, lagging.confirmed_ns) == (9, subject.now_ns)
    assert lagging.fresh_until_ns == subject.now_ns + 60 * 10**9
    # An index that counts anew is believed after a day, which begins when it was last up to date.
    subject.fetcher.status(A, 304, x_pypi_last_serial="9")
    subject.clock.advance(3600)
    await subject.indexes.page(X)
    subject.fetcher.say(A, ONE, x_pypi_last_serial="8")
    subject.clock.advance(600)
    assert await subject.names() == [ONE, TWO]
    subject.clock.advance(24 * 3600 - 1)
    assert await subject.names() == [ONE, TWO]
    subject.clock.advance(61)
    assert await subject.names() == [ONE]


@pytest_twisted.ensureDeferred
async def test_an_upstream_that_fails_gives_what_is_kept_and_is_left_alone(tmp_path: Path) -> None:
    subject = Subject(tmp_path)
    subject.fetcher.say(A, ONE)
    before = await subject.indexes.page(X)
    subject.clock.advance(601)
    subject.fetcher.fail(A)
    for _ in range(3):
        stale = await subject.indexes.page(X)
        assert (stale.page, stale.stale_because) == (before.page, "nobody answers")
        assert stale.confirmed_ns == before.confirmed_ns
    assert subject.asked == [URL, URL]
    kept = await subject.indexes.kept(X)
    assert kept is not None
    assert kept.stale_because == "nobody answers"
    subject.clock.advance(30)
    subject.fetcher.say(A, ONE, TWO)
    assert await subject.names() == [ONE, TWO]
    assert (await subject.indexes.page(X)).stale_because is None


@pytest_twisted.ensureDeferred
async def test_a_confirmation_ends_what_was_said_of_a_failure(tmp_path: Path) -> None:
    subject = Subject(tmp_path)
    subject.fetcher.say(A, ONE)
    await subject.indexes.page(X)
    subject.fetcher.fail(A)
    assert (await subject.indexes.page(X, confirm=True)).stale_because is not None
    subject.fetcher.say(A, ONE)
    confirmed = await subject.indexes.page(X, confirm=True)
    assert await subject.indexes.kept(X) == confirmed
    assert confirmed.stale_because is None


@pytest_twisted.ensureDeferred
async def test_a_failure_with_nothing_kept_is_said_and_remembered_for_a_while() -> None:
    subject = Subject(None)
    subject.fetcher.fail(A)
    for _ in range(3):
        with pytest.raises(UpstreamFailed, match="nobody answers"):
            await subject.indexes.page(X)
    assert subject.asked == [URL]
    subject.clock.advance(30)
    with pytest.raises(UpstreamFailed):
        await subject.indexes.page(X)
    assert subject.asked == [URL]


@pytest_twisted.ensureDeferred
async def test_an_index_that_is_down_does_not_cost_each_project_its_time_limit(tmp_path: Path) -> None:
    subject = Subject(tmp_path)
    names = [ProjectName(f"p{number}") for number in range(10)]
    for name in names:
        subject.fetcher.fail(A, name=name)
        with pytest.raises(UpstreamFailed, match="nobody answers"):
            await subject.indexes.page(name, confirm=True)
    assert len(subject.asked) == 3
    assert subject.indexes.health()[0].failing
    subject.clock.advance(29)
    with pytest.raises(UpstreamFailed, match="nobody answers"):
        await subject.indexes.page(X)
    # Whoever asked during the pause waits for its end only.
    subject.clock.advance(1)
    with pytest.raises(NoSuchProject):
        await subject.indexes.page(X)
    assert not subject.indexes.health()[0].failing


@pytest_twisted.ensureDeferred
async def test_many_broken_pages_do_not_stop_the_others() -> None:
    subject = Subject(None)
    subject.fetcher.say(A, ONE)
    for number in range(5):
        subject.fetcher.say(A, body=b"[" * 9, name=f"p{number}")
        with pytest.raises(UpstreamFailed, match="not JSON"):
            await subject.indexes.page(ProjectName(f"p{number}"))
    assert (await subject.indexes.page(X)).stale_because is None


@pytest_twisted.ensureDeferred
async def test_one_broken_page_does_not_stop_the_others() -> None:
    subject = Subject(None)
    subject.fetcher.say(A, body=b"{")
    subject.fetcher.say(A, "y-1.0.tar.gz", name="y")
    for _ in range(5):
        with pytest.raises(UpstreamFailed, match="not JSON"):
            await subject.indexes.page(X, confirm=True)
    assert (await subject.indexes.page(ProjectName("y"))).page.files


@pytest_twisted.ensureDeferred
async def test_404_goes_on_to_the_next_index_and_is_remembered() -> None:
    subject = Subject(None, A, B)
    subject.fetcher.say(B, ONE)
    assert (await subject.indexes.page(X)).index == B
    other = ProjectName("y")
    subject.asked.clear()
    for _ in range(2):
        with pytest.raises(NoSuchProject, match=r"a\.example\.com.* or .*b\.example\.com"):
            await subject.indexes.page(other)
    subject.clock.advance(59)
    with pytest.raises(NoSuchProject):
        await subject.indexes.page(other)
    assert subject.asked == [f"{A}/y/", f"{B}/y/"]
    with pytest.raises(NoSuchProject):
        await subject.indexes.page(other, confirm=True)
    assert subject.asked == [f"{A}/y/", f"{B}/y/"]
    subject.fetcher.say(A, "y-1.0.tar.gz", name="y")
    assert (await subject.indexes.page(other, confirm=True)).index == A
    assert (await subject.indexes.page(other)).index == A


@pytest_twisted.ensureDeferred
async def test_a_failure_does_not_go_on_to_the_next_index() -> None:
    subject = Subject(None, A, B)
    subject.fetcher.fail(A)
    subject.fetcher.say(B, ONE)
    with pytest.raises(UpstreamFailed):
        await subject.indexes.page(X)
    assert subject.asked == [URL]


@pytest_twisted.ensureDeferred
async def test_a_project_stays_with_its_index_until_that_has_it_no_longer(tmp_path: Path) -> None:
    subject = Subject(tmp_path, A, B)
    subject.fetcher.say(B, ONE)
    assert (await subject.indexes.page(X)).index == B
    subject.fetcher.say(A, "x-9.9.tar.gz")
    subject.clock.advance(601)
    assert (await subject.restarted().page(X)).index == B
    subject.fetcher.fail(B)
    stale = await subject.indexes.page(X, confirm=True)
    assert (stale.index, stale.stale_because) == (B, "nobody answers")
    subject.fetcher.status(B, 404)
    assert (await subject.indexes.page(X, confirm=True)).index == A
    assert (await subject.restarted().page(X)).index == A
    kept = await subject.indexes.kept(X)
    assert kept is not None
    assert (kept.index, kept.stale_because) == (A, None)


@pytest_twisted.ensureDeferred
async def test_what_an_index_took_back_is_not_given_when_the_next_one_fails(tmp_path: Path) -> None:
    subject = Subject(tmp_path, A, B)
    subject.fetcher.say(A, ONE)
    await subject.indexes.page(X)
    subject.fetcher.status(A, 404)
    subject.fetcher.fail(B)
    with pytest.raises(UpstreamFailed):
        await subject.indexes.page(X, confirm=True)


@pytest_twisted.ensureDeferred
async def test_a_page_too_large_to_be_held_is_right_all_the_same(tmp_path: Path) -> None:
    subject = Subject(tmp_path)
    with pytest.raises(NoSuchProject):
        await subject.indexes.page(X)
    subject.fetcher.say(A, *(f"x-{number}.zip" for number in range(10_001)))
    for confirm in (True, False):
        assert len(await subject.names(confirm=confirm)) == 10_001
    assert subject.asked == [URL, URL]


@pytest.mark.parametrize("status", [404, 410])
@pytest_twisted.ensureDeferred
async def test_what_was_kept_outlives_the_project(tmp_path: Path, status: int) -> None:
    subject = Subject(tmp_path)
    subject.fetcher.say(A, ONE, etag='"e"')
    before = await subject.indexes.page(X)
    subject.fetcher.status(A, status)
    with pytest.raises(NoSuchProject):
        await subject.indexes.page(X, confirm=True)
    for indexes in (subject.indexes, subject.restarted()):
        kept = await indexes.kept(X)
        assert kept is not None
        assert kept.page == before.page
        assert kept.stale_because is not None
    subject.fetcher.fail(A)
    with pytest.raises(UpstreamFailed):
        await subject.indexes.page(X)
    with pytest.raises(NoSuchProject):
        await subject.restarted(offline=True).page(X)
    # It was a glitch.
    subject.fetcher.status(A, 304)
    after = await subject.restarted().page(X)
    assert (after.page, after.stale_because) == (before.page, None)
    kept = await subject.restarted().kept(X)
    assert kept == after


@pytest_twisted.ensureDeferred
async def test_offline_there_is_only_what_is_kept(tmp_path: Path) -> None:
    subject = Subject(tmp_path)
    subject.fetcher.say(A, ONE)
    fresh = await subject.indexes.page(X)
    subject.asked.clear()
    offline = subject.restarted(offline=True)
    assert await offline.page(X) == fresh
    subject.clock.advance(601)
    stale = await offline.page(X, confirm=True)
    assert (stale.page, stale.stale_because) == (fresh.page, "no index is asked: the server is offline")
    with pytest.raises(UpstreamFailed, match="offline"):
        await offline.page(ProjectName("y"))
    with pytest.raises(UpstreamFailed, match="offline"):
        await offline.fetch("https://files.example.com/x", A, Sunk())
    assert (subject.asked, subject.fetcher.fetched) == ([], [])


@pytest_twisted.ensureDeferred
async def test_who_asks_at_once_shares_one_question() -> None:
    subject = Subject(None)
    subject.fetcher.say(A, ONE)
    subject.fetcher.held = []
    waiting = [Deferred.fromCoroutine(subject.indexes.page(X)) for _ in range(50)]
    assert len(subject.asked) == 1
    subject.fetcher.held[0].callback(None)
    pages = [await each for each in waiting]
    assert all(page is pages[0] for page in pages)


@pytest_twisted.ensureDeferred
async def test_one_who_gives_up_does_not_stop_the_others() -> None:
    subject = Subject(None)
    subject.fetcher.say(A, ONE)
    subject.fetcher.held = []
    first, second = (Deferred.fromCoroutine(subject.indexes.page(X)) for _ in range(2))
    first.addErrback(lambda _: None)
    first.cancel()
    subject.fetcher.held[0].callback(None)
    assert (await second).page.files


@pytest_twisted.ensureDeferred
async def test_whoever_waits_for_a_slow_index_gets_what_is_kept(tmp_path: Path) -> None:
    subject = Subject(tmp_path)
    subject.fetcher.say(A, ONE)
    await subject.indexes.page(X)
    subject.clock.advance(601)
    subject.fetcher.say(A, ONE, TWO)
    subject.fetcher.held = []
    waiting = Deferred.fromCoroutine(subject.indexes.page(X))
    subject.clock.advance(4.9)
    assert not waiting.called
    subject.clock.advance(0.1)
    stale = await waiting
    assert len(stale.page.files) == 1
    assert "has not answered within 5 seconds" in str(stale.stale_because)
    assert (await subject.indexes.page(X)).stale_because == stale.stale_because
    assert len(subject.asked) == 2
    subject.fetcher.held[0].callback(None)
    assert await subject.names() == [ONE, TWO]
    assert (await subject.indexes.page(X)).stale_because is None


@pytest.mark.parametrize("name", ["", "X", "a_b", "../x", "x/y", "x" * 201, "é"])
@pytest_twisted.ensureDeferred
async def test_what_is_no_normalised_name_is_never_asked_for(tmp_path: Path, name: str) -> None:
    subject = Subject(tmp_path)
    with pytest.raises(NoSuchProject):
        await subject.indexes.page(ProjectName(name), confirm=True)
    assert await subject.indexes.kept(ProjectName(name)) is None
    assert (subject.asked, subject.written) == ([], [])


@pytest_twisted.ensureDeferred
async def test_an_answer_to_a_question_that_was_not_put_is_a_failure() -> None:
    subject = Subject(None)
    subject.fetcher.status(A, 304)
    with pytest.raises(UpstreamFailed, match="304"):
        await subject.indexes.page(X)


@pytest_twisted.ensureDeferred
async def test_html_that_may_have_broken_off_is_a_failure() -> None:
    subject = Subject(None)
    link = b"<html><a href='x-1.0.tar.gz'>x-1.0.tar.gz</a>"
    subject.fetcher.answers[URL] = PageAnswer(200, URL, {"content-type": "text/html"}, link, whole=False)
    with pytest.raises(UpstreamFailed, match="no end"):
        await subject.indexes.page(X)
    whole = link + b"</HTML>\n"
    subject.fetcher.answers[URL] = PageAnswer(200, URL, {"content-type": "text/html"}, whole, whole=False)
    assert (await subject.indexes.page(X, confirm=True)).page.files
    subject.fetcher.answers[URL] = PageAnswer(200, URL, {"content-type": JSON}, page_of(ONE, TWO), whole=False)
    assert await subject.names(confirm=True) == [ONE, TWO]


@pytest_twisted.ensureDeferred
async def test_files_are_relative_to_the_address_that_answered() -> None:
    subject = Subject(None)
    elsewhere = "https://c.example.com/other/simple/x/"
    subject.fetcher.answers[URL] = PageAnswer(200, elsewhere, {"content-type": JSON}, page_of(ONE), whole=True)
    found = await subject.indexes.page(X)
    assert (found.index, found.page.files[0].url) == (A, f"https://c.example.com/other/files/{ONE}")


@pytest_twisted.ensureDeferred
async def test_with_no_address_the_default_is_asked_and_no_login_is_shown() -> None:
    subject = Subject(None)
    subject.addresses = ()
    indexes = subject.restarted()
    assert indexes.health() == ()
    subject.fetcher.say(B, ONE)
    assert (await indexes.page(X)).index == B
    assert [each.index for each in indexes.health()] == [B]
    indexes = subject.restarted("https://user:secret@a.example.com/simple/", f"{A}/")
    assert [each.index for each in indexes.health()] == [A]


@pytest_twisted.ensureDeferred
async def test_files_are_fetched_by_the_fetcher() -> None:
    subject = Subject(None)
    sink = Sunk()
    await subject.indexes.fetch("https://files.example.com/x", A, sink)
    assert (subject.fetcher.fetched, sink.data) == (["https://files.example.com/x"], b"body")


class Sunk:
    def __init__(self) -> None:
        self.data = b""

    def begun(self, flow: Flow, length: int | None) -> None:
        pass

    def received(self, data: bytes) -> None:
        self.data += data
