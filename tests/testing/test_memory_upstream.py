import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred

from twisted_pypi.boundaries import Flow, Upstream
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import NoSuchProject, UpstreamFailed
from twisted_pypi.testing.memory_upstream import INDEX, MemoryUpstream

X = ProjectName("x")


class Taken:
    """A sink that can be slow."""

    def __init__(self, *, slow: bool = False) -> None:
        self.slow = slow
        self.flow: Flow | None = None
        self.length: int | None = None
        self.data = b""

    def begun(self, flow: Flow, length: int | None) -> None:
        self.flow, self.length = flow, length

    def received(self, data: bytes) -> None:
        self.data += data
        if self.slow and self.flow is not None:
            self.flow.pause()


@pytest_twisted.ensureDeferred
async def test_what_was_put_is_given() -> None:
    memory = MemoryUpstream()
    upstream: Upstream = memory
    file = memory.put("x-1.0.tar.gz", b"body", metadata=b"Name: x", yanked="broken")
    found = await upstream.page(X)
    assert found.page.files == (file,)
    assert (found.index, file.size, file.yanked) == (INDEX, 4, "broken")
    sink = Taken()
    await upstream.fetch(file.url, found.index, sink)
    await upstream.fetch(f"{file.url}.metadata", found.index, sink)
    assert (sink.data, sink.length) == (b"bodyName: x", 7)
    assert (memory.asked, memory.fetched) == ([X], [file.url, f"{file.url}.metadata"])


@pytest_twisted.ensureDeferred
async def test_down_gives_what_was_given_before() -> None:
    memory = MemoryUpstream()
    memory.put("x-1.0.tar.gz")
    before = await memory.page(X)
    memory.down = "nobody answers"
    stale = await memory.page(X)
    assert (stale.page, stale.stale_because) == (before.page, "nobody answers")
    with pytest.raises(UpstreamFailed):
        await memory.page(ProjectName("y"))
    memory.down = None
    with pytest.raises(NoSuchProject):
        await memory.page(ProjectName("y"))


@pytest_twisted.ensureDeferred
async def test_fresh_pages_are_not_asked_for_but_to_confirm() -> None:
    memory = MemoryUpstream()
    memory.put("x-1.0.tar.gz")
    memory.fresh_ns = 10
    await memory.page(X)
    await memory.page(X)
    assert (memory.asked, memory.confirmed) == ([X], [])
    await memory.page(X, confirm=True)
    assert (memory.asked, memory.confirmed) == ([X, X], [X])


@pytest_twisted.ensureDeferred
async def test_a_slow_sink_is_waited_for() -> None:
    memory = MemoryUpstream()
    memory.piece = 3
    file = memory.put("x-1.0.tar.gz", b"abcdefg")
    sink = Taken(slow=True)
    waiting = Deferred.fromCoroutine(memory.fetch(file.url, INDEX, sink))
    assert sink.data == b"abc"
    assert sink.flow is not None
    sink.flow.resume()
    assert (sink.data, waiting.called) == (b"abcdef", False)
    sink.slow = False
    sink.flow.resume()
    await waiting
    assert sink.data == b"abcdefg"
    assert memory.fetches[0].pauses == 2


@pytest_twisted.ensureDeferred
async def test_a_test_may_hand_out_the_pieces() -> None:
    memory = MemoryUpstream()
    memory.by_hand = True
    file = memory.put("x-1.0.tar.gz", b"abcdefg")
    sink = Taken()
    waiting = Deferred.fromCoroutine(memory.fetch(file.url, INDEX, sink))
    fetch = memory.fetches[0]
    fetch.send(2)
    assert sink.data == b"ab"
    fetch.end(UpstreamFailed("it broke off"))
    with pytest.raises(UpstreamFailed):
        await waiting
    cancelled = Deferred.fromCoroutine(memory.fetch(file.url, INDEX, sink))
    cancelled.cancel()
    with pytest.raises(CancelledError):
        await cancelled
    assert memory.fetches[1].cancelled
