"""One download for all who ask; nobody gets the end of a file that is not what its page says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import pytest_twisted
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from tests.downloading.doubles import FOO, WHEEL, Mirror, Reader, noise
from twisted_pypi.boundaries import CachedFile, Offered
from twisted_pypi.downloading import HELD, Arriving
from twisted_pypi.downloading.arriving import GRACE
from twisted_pypi.downloading.downloads import LARGEST_METADATA
from twisted_pypi.downloading.writing import MOST_WAITING
from twisted_pypi.errors import NoSpace, NoSuchFile, UpstreamFailed

SIZE = 300_000
BODY = noise(SIZE)
WRONG = noise(SIZE - 1) + b"."


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    mirror = Mirror(tmp_path)
    mirror.upstream.put(WHEEL, BODY)
    return mirror


@pytest.fixture
def errors() -> Iterator[list[str]]:
    found: list[str] = []

    @implementer(ILogObserver)
    class Errors:
        def __call__(self, event: dict[str, Any]) -> None:
            if event["log_level"].name == "error":
                found.append(event["log_format"].format(**event))

    observer = Errors()
    globalLogPublisher.addObserver(observer)
    yield found
    globalLogPublisher.removeObserver(observer)


def content(kept: CachedFile) -> bytes:
    return Path(kept.location).read_bytes()


def opening(mirror: Mirror, offered: Offered) -> Deferred[Any]:
    return Deferred.fromCoroutine(mirror.downloads.open(offered))


async def begin(mirror: Mirror, body: bytes | None = None) -> tuple[Any, Any]:
    """Ask for the file, and return it with the fetch; ``body`` is what comes, if it is not what the page says."""
    if body is not None:
        mirror.upstream.bodies[f"https://files.example.com/foo/{WHEEL}"] = body
    arriving = await opening(mirror, await mirror.offered())
    assert isinstance(arriving, Arriving)
    return arriving, mirror.upstream.fetches[-1]


@pytest_twisted.ensureDeferred
async def test_many_ask_and_it_is_fetched_once(mirror: Mirror) -> None:
    offered = await mirror.offered()
    asking = [opening(mirror, offered) for _ in range(50)]
    readers = [Reader(await each) for each in asking]
    mirror.upstream.fetches[0].send_all()
    late = opening(mirror, offered)
    assert {reader.data for reader in readers} == {BODY}
    assert len(mirror.upstream.fetched) == 1
    kept = await late
    assert isinstance(kept, CachedFile)
    assert content(kept) == BODY
    assert kept == mirror.cache.find(FOO, WHEEL)
    assert kept.facts == offered.file


@pytest_twisted.ensureDeferred
async def test_bytes_are_there_as_they_come_but_for_the_end(mirror: Mirror) -> None:
    arriving, fetch = await begin(mirror)
    reader = Reader(arriving)
    assert reader.data == b""
    fetch.send(1000)
    assert reader.data == b""
    mirror.gather()
    assert reader.data == BODY[:1000]
    fetch.send(SIZE - 1001)
    mirror.gather()
    assert len(reader.data) == SIZE - HELD
    assert mirror.files() == []
    fetch.send(1)
    mirror.gather()
    assert len(reader.data) == SIZE - HELD
    fetch.end()
    assert reader.data == BODY


@pytest_twisted.ensureDeferred
async def test_the_end_is_given_out_before_the_disk_has_all(mirror: Mirror) -> None:
    arriving, fetch = await begin(mirror)
    reader = Reader(arriving)
    fetch.send(SIZE)
    mirror.gather()
    mirror.threads.by_hand = True
    fetch.end()
    assert reader.data == BODY
    assert mirror.files() == []
    again = await opening(mirror, await mirror.offered())
    assert again is arriving
    assert Reader(again).data == BODY
    mirror.threads.run()
    assert len(mirror.files()) == 2
    assert isinstance(await opening(mirror, await mirror.offered()), CachedFile)


@pytest_twisted.ensureDeferred
async def test_a_wrong_digest_aborts_everybody_and_keeps_nothing(mirror: Mirror, errors: list[str]) -> None:
    arriving, fetch = await begin(mirror, WRONG)
    readers = [Reader(arriving) for _ in range(3)]
    fetch.send_all()
    assert all(reader.aborted for reader in readers)
    assert {len(reader.data) for reader in readers} <= set(range(SIZE - HELD + 1))
    assert mirror.files() == []
    assert len(errors) == 1
    for part in (WHEEL, mirror.upstream.index, sha256(WRONG).hexdigest(), sha256(BODY).hexdigest()):
        assert part in errors[0]
    mirror.upstream.bodies[fetch.url] = BODY
    arriving, fetch = await begin(mirror)
    fetch.send_all()
    assert mirror.cache.find(FOO, WHEEL) is not None


@pytest_twisted.ensureDeferred
async def test_a_reader_that_fails_hinders_nobody(mirror: Mirror, logged_failures: list[Failure]) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    arriving, fetch = await begin(mirror)
    arriving.watch(fail)
    reader = Reader(arriving)
    fetch.send_all()
    assert reader.data == BODY
    assert {each.type for each in logged_failures} == {ZeroDivisionError}
    logged_failures.clear()


@pytest_twisted.ensureDeferred
async def test_an_upstream_that_fails_in_the_middle(mirror: Mirror, errors: list[str]) -> None:
    arriving, fetch = await begin(mirror)
    reader = Reader(arriving)
    fetch.send(100_000)
    fetch.end(UpstreamFailed("the connection was lost"))
    assert reader.aborted
    assert mirror.files() == []
    assert "the connection was lost" in errors[0]


@pytest.mark.parametrize(
    ("body", "length", "says"),
    [(BODY[:-1], SIZE, "299999 bytes"), (BODY + b"!", SIZE, "goes on"), (BODY, SIZE - 1, "announced with 299999")],
)
@pytest_twisted.ensureDeferred
async def test_another_size_than_the_page_says(mirror: Mirror, body: bytes, length: int, says: str) -> None:
    url = f"https://files.example.com/foo/{WHEEL}"
    mirror.upstream.bodies[url], mirror.upstream.lengths[url] = body, length
    mirror.upstream.by_hand = False
    mirror.threads.by_hand = True
    asking = opening(mirror, await mirror.offered())
    failed = []
    asking.addErrback(lambda failure: failed.append(failure.value))
    mirror.threads.step()
    mirror.threads.step()
    if not failed:
        reader = Reader(await asking)
        mirror.threads.run()
        assert reader.aborted
        assert len(reader.data) <= SIZE - HELD
        failed.append(reader._arriving.failure)  # noqa: SLF001  # this file's own double
    mirror.threads.run()
    assert says in str(failed[0])
    assert mirror.files() == []


@pytest_twisted.ensureDeferred
async def test_what_cannot_be_checked_is_refused(mirror: Mirror) -> None:
    mirror.upstream.put(WHEEL, BODY, hashes={"md5": "5" * 32})
    with pytest.raises(UpstreamFailed, match="cannot be checked"):
        await opening(mirror, await mirror.offered())
    assert mirror.upstream.fetched == []


@pytest_twisted.ensureDeferred
async def test_an_upstream_that_does_not_answer_is_told_before_anything_begins(mirror: Mirror) -> None:
    offered = await mirror.offered()
    mirror.upstream.down = "it is down"
    for _ in range(2):
        with pytest.raises(UpstreamFailed, match="it is down"):
            await opening(mirror, offered)


@pytest_twisted.ensureDeferred
async def test_no_room(mirror: Mirror) -> None:
    offered = await mirror.offered()
    huge = replace(offered, file=replace(offered.file, size=1 << 60))
    with pytest.raises(NoSpace, match=WHEEL):
        await opening(mirror, huge)
    assert mirror.upstream.fetched == []


@pytest_twisted.ensureDeferred
async def test_a_size_that_no_page_says(mirror: Mirror) -> None:
    mirror.upstream.put(WHEEL, BODY, size=None)
    mirror.upstream.lengths[f"https://files.example.com/foo/{WHEEL}"] = None
    arriving, fetch = await begin(mirror)
    reader = Reader(arriving)
    fetch.send(SIZE)
    mirror.gather()
    assert len(reader.data) == SIZE - HELD
    fetch.end()
    assert (arriving.size, reader.data) == (SIZE, BODY)


@pytest_twisted.ensureDeferred
async def test_a_disk_that_is_slower_makes_the_upstream_wait(mirror: Mirror) -> None:
    body = noise(4 * MOST_WAITING)
    mirror.upstream.put(WHEEL, body)
    arriving, fetch = await begin(mirror)
    reader = Reader(arriving)
    mirror.threads.by_hand = True
    fetch.send_all()
    assert fetch.paused
    assert MOST_WAITING < fetch.sent < MOST_WAITING + 200_000
    while mirror.threads.calls:
        mirror.threads.step()
        mirror.gather()
        assert fetch.sent - len(reader.data) <= MOST_WAITING + 200_000 + HELD
    assert reader.data == body
    assert not fetch.paused


@pytest_twisted.ensureDeferred
async def test_what_nobody_waits_for_is_broken_off_after_a_while(mirror: Mirror) -> None:
    arriving, fetch = await begin(mirror)
    reader = Reader(arriving)
    fetch.send(1000)
    reader.leave()
    mirror.clock.advance(GRACE - 0.1)
    assert not fetch.cancelled
    reader = Reader(arriving)
    mirror.clock.advance(GRACE)
    assert not fetch.cancelled
    reader.leave()
    mirror.clock.advance(GRACE)
    assert fetch.cancelled
    assert mirror.files() == []
    arriving, fetch = await begin(mirror)
    fetch.send_all()
    assert mirror.cache.find(FOO, WHEEL) is not None


@pytest_twisted.ensureDeferred
async def test_what_is_half_here_goes_on_alone(mirror: Mirror) -> None:
    arriving, fetch = await begin(mirror)
    reader = Reader(arriving)
    fetch.send(SIZE // 2 + 1)
    reader.leave()
    mirror.clock.advance(GRACE * 2)
    assert not fetch.cancelled
    fetch.send_all()
    assert mirror.cache.find(FOO, WHEEL) is not None


@pytest_twisted.ensureDeferred
async def test_whoever_never_comes_back_for_it_leaves_no_download(mirror: Mirror) -> None:
    _, fetch = await begin(mirror)
    mirror.clock.advance(GRACE)
    assert fetch.cancelled


@pytest_twisted.ensureDeferred
async def test_who_asks_while_it_is_being_broken_off_gets_a_new_one(mirror: Mirror) -> None:
    arriving, fetch = await begin(mirror)
    mirror.threads.by_hand = True
    fetch.send(SIZE // 3)
    mirror.clock.advance(GRACE)
    assert arriving.failed
    asking = opening(mirror, await mirror.offered())
    mirror.threads.run()
    reader = Reader(await asking)
    mirror.upstream.fetches[1].send_all()
    assert reader.data == BODY


@pytest_twisted.ensureDeferred
async def test_so_many_at_once_and_no_more(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path, at_once=2)
    names = [f"foo-{number}.zip" for number in range(3)]
    for name in names:
        mirror.upstream.put(name, BODY)
    asking = [opening(mirror, await mirror.offered(name)) for name in names]
    assert len(mirror.upstream.fetches) == 2
    mirror.upstream.fetches[0].send_all()
    assert len(mirror.upstream.fetches) == 3
    for fetch in mirror.upstream.fetches[1:]:
        fetch.send_all()
    for each in asking:
        await each


@pytest_twisted.ensureDeferred
async def test_stopping_breaks_off_and_waits_for_threads(mirror: Mirror) -> None:
    arriving, fetch = await begin(mirror)
    reader = Reader(arriving)
    mirror.threads.by_hand = True
    fetch.send(SIZE // 2 + 1)
    stopped = Deferred.fromCoroutine(mirror.downloads.stop())
    assert reader.aborted
    assert not stopped.called
    mirror.threads.run()
    await stopped
    assert mirror.files() == []
    with pytest.raises(UpstreamFailed, match="going down"):
        await opening(mirror, await mirror.offered())


@pytest_twisted.ensureDeferred
async def test_a_file_that_cannot_be_kept_is_given_out_all_the_same(
    mirror: Mirror, logged_failures: list[Failure]
) -> None:
    arriving, fetch = await begin(mirror)
    reader = Reader(arriving)
    (mirror.folder / ".upstream" / "foo").write_bytes(b"a file where a folder should be")
    mirror.upstream.by_hand = False
    fetch.send(SIZE)
    mirror.threads.by_hand = True
    fetch.end()
    mirror.threads.step()
    assert reader.data == BODY
    while mirror.threads.calls:
        mirror.threads.step()
    assert arriving.ended
    assert [each.type for each in logged_failures] == [NotADirectoryError]
    logged_failures.clear()


@pytest_twisted.ensureDeferred
async def test_what_is_kept_is_not_given_out_for_a_page_that_says_something_else(mirror: Mirror) -> None:
    _, fetch = await begin(mirror)
    fetch.send_all()
    mirror.upstream.put(WHEEL, WRONG)
    arriving, fetch = await begin(mirror)
    reader = Reader(arriving)
    fetch.send_all()
    assert reader.data == WRONG
    kept = await opening(mirror, await mirror.offered())
    assert content(kept) == WRONG


@pytest_twisted.ensureDeferred
async def test_metadata_is_checked_and_kept(mirror: Mirror) -> None:
    mirror.upstream.put(WHEEL, BODY, metadata=b"Name: foo")
    offered = await mirror.offered()
    asking = [Deferred.fromCoroutine(mirror.downloads.metadata(offered)) for _ in range(5)]
    mirror.upstream.fetches[0].send_all()
    kept = [await each for each in asking]
    assert len(mirror.upstream.fetched) == 1
    assert content(kept[0]) == b"Name: foo"
    assert kept[0] == await mirror.downloads.metadata(offered) == mirror.cache.find(FOO, f"{WHEEL}.metadata")
    assert mirror.cache.find(FOO, WHEEL) is None


@pytest.mark.parametrize("body", [b"Name: bar", bytes(LARGEST_METADATA + 1)])
@pytest.mark.parametrize("announced", [True, False])
@pytest_twisted.ensureDeferred
async def test_metadata_that_is_not_what_its_page_says(mirror: Mirror, body: bytes, announced: bool) -> None:
    mirror.upstream.by_hand = False
    file = mirror.upstream.put(WHEEL, BODY, metadata=b"Name: foo")
    mirror.upstream.bodies[f"{file.url}.metadata"] = body
    if not announced:
        mirror.upstream.lengths[f"{file.url}.metadata"] = None
    with pytest.raises(UpstreamFailed):
        await mirror.downloads.metadata(await mirror.offered())
    assert mirror.files() == []


@pytest.mark.parametrize(
    ("says", "error"), [(None, NoSuchFile), (False, NoSuchFile), (True, UpstreamFailed), ({"md5": "5"}, UpstreamFailed)]
)
@pytest_twisted.ensureDeferred
async def test_metadata_that_cannot_be_checked(mirror: Mirror, says: Any, error: type[Exception]) -> None:
    mirror.upstream.put(WHEEL, BODY, core_metadata=says)
    with pytest.raises(error):
        await mirror.downloads.metadata(await mirror.offered())


@pytest_twisted.ensureDeferred
async def test_stopping_breaks_metadata_off(mirror: Mirror) -> None:
    mirror.upstream.put(WHEEL, BODY, metadata=b"Name: foo")
    asking = Deferred.fromCoroutine(mirror.downloads.metadata(await mirror.offered()))
    await mirror.downloads.stop()
    with pytest.raises(UpstreamFailed, match="not fetched any more"):
        await asking


STEPS = st.one_of(
    st.tuples(st.just("send"), st.integers(0, 150_000)),
    st.tuples(st.sampled_from(["join", "wait", "threads", "step", "leave"]), st.just(0)),
)


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEPS, max_size=25), size=st.integers(0, 400_000), good=st.booleans(), size_known=st.booleans())
def test_every_reader_gets_exactly_the_bytes_or_an_abort(
    steps: list[tuple[str, int]], size: int, good: bool, size_known: bool
) -> None:
    with TemporaryDirectory() as folder:
        mirror = Mirror(Path(folder))
        body = noise(size)
        url = mirror.upstream.put(WHEEL, body, **({} if size_known else {"size": None})).url
        if not good:
            mirror.upstream.put(WHEEL, body, hashes={"sha256": "0" * 64}, **({} if size_known else {"size": None}))
        if not size_known:
            mirror.upstream.lengths[url] = None
        found: list[Offered] = []
        Deferred.fromCoroutine(mirror.offered()).addCallback(found.append)
        arrived: list[Any] = []
        opening(mirror, found[0]).addCallback(arrived.append)
        fetch = mirror.upstream.fetches[0]
        readers = [Reader(arrived[0])]
        gone = []
        for what, count in steps:
            if what == "send":
                fetch.send(count)
            elif what == "join":
                opening(mirror, found[0]).addCallback(lambda arriving: readers.append(Reader(arriving)))
            elif what == "wait":
                mirror.gather()
            elif what == "threads":
                mirror.threads.by_hand = True
            elif what == "step" and mirror.threads.calls:
                mirror.threads.step()
            elif what == "leave" and len(readers) > 1:
                gone.append(readers.pop())
                gone[-1].leave()
            shown = max(0, size - HELD)
            assert all(len(each.data) <= shown and body.startswith(each.data) for each in readers + gone)
        fetch.send(size)
        fetch.end()
        mirror.threads.run()
        assert all((each.data == body and not each.aborted) if good else each.aborted for each in readers)
        assert good or all(len(each.data) <= shown for each in readers for shown in [max(0, size - HELD)])
        assert (mirror.cache.find(FOO, WHEEL) is not None) == good
        assert all(body.startswith(each.data) for each in gone)
        assert [call for call in mirror.clock.getDelayedCalls() if call.active()] == []
