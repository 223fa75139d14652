"""What becomes of an upload's bytes, whoever goes away and whenever."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from twisted.internet.defer import Deferred
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from tests.conformance.forms import BOUNDARY, form
from tests.web.test_bodies import Addresses, Errors
from twisted_pypi.testing.archives import wheel
from twisted_pypi.testing.memory_index import MemoryIndex
from twisted_pypi.testing.memory_store import MemoryStore
from twisted_pypi.testing.wire import ClockWithDate, Wire, status
from twisted_pypi.uploading import Uploader
from twisted_pypi.web.bodies import IndexRequest, Intake
from twisted_pypi.web.intake import BLOCK
from twisted_pypi.web.replies import text_reply
from twisted_pypi.web.resource import answer
from twisted_pypi.web.sending import send
from twisted_pypi.web.site import IndexSite
from twisted_pypi.web.uploads import Uploads

SMALL = wheel("acme", "1.0")
LARGE = wheel("acme", "1.0", content=sha256(b"seed").digest() * (BLOCK // 16))
FILENAME = "acme-1.0-py3-none-any.whl"


class Threads:
    """One thread, in which work waits until it is let go."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Deferred[Any], Callable[[], Any]]] = []
        self.turns = 0

    def __call__(self, function: Any, /, *args: Any, **kwargs: Any) -> Deferred[Any]:
        self.turns += 1
        result: Deferred[Any] = Deferred()
        self.waiting.append((result, lambda: function(*args, **kwargs)))
        return result

    def let_go(self) -> None:
        """Do what waits, and what comes to wait because of that."""
        while self.waiting:
            result, work = self.waiting.pop(0)
            try:
                done = work()
            except Exception:  # noqa: BLE001  # as a thread does
                result.errback()
            else:
                result.callback(done)


class House(Resource):
    """Where uploads go; ``closed`` answers them without taking them over."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.threads = Threads()
        self.store = MemoryStore()
        uploader = Uploader(
            self.store, MemoryIndex(), overwrite=False, run_in_thread=self.threads, clock=lambda: 1_700_000_000.0
        )
        self.uploads = Uploads(self.store, uploader, self.threads, largest=None, at_once=1)
        self.closed = False
        self.wire = self.another()

    def another(self) -> Wire:
        site = IndexSite(
            self, self, access_log=None, error_pages=Errors(), addresses=Addresses(), reactor=ClockWithDate()
        )
        return Wire(site)

    async def receive(self, request: IndexRequest, length: int | None) -> Intake:
        return await self.uploads.receive(request, length)

    def render(self, request: IRequest) -> int:
        assert isinstance(request, IndexRequest)
        if self.closed:
            send(request, text_reply(401, "who are you?"))
        else:
            answer(request, self.uploads.post(request))
        return NOT_DONE_YET


def upload_of(content: bytes) -> bytes:
    fields = {":action": "file_upload", "name": "acme", "version": "1.0", "filetype": "bdist_wheel", "pyversion": "py3"}
    fields |= {"metadata_version": "2.1", "sha256_digest": sha256(content).hexdigest()}
    data = form(fields, FILENAME, content)
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data


def test_a_small_upload_takes_one_turn_of_a_thread_before_it_is_published() -> None:
    house = House()
    house.wire.send(upload_of(SMALL))
    assert house.store.staged == set()
    house.threads.let_go()
    assert status(house.wire.received()) == 200
    assert house.threads.turns == 1
    assert house.store.files[FILENAME].data == SMALL
    assert house.store.staged == set()


def test_a_large_upload_is_written_while_it_comes() -> None:
    house = House()
    request = upload_of(LARGE)
    house.wire.send(request[: len(request) * 3 // 4])
    house.threads.let_go()
    (staged,) = house.store.staged
    assert staged.size >= BLOCK
    house.wire.send(request[len(request) * 3 // 4 :])
    house.threads.let_go()
    assert status(house.wire.received()) == 200
    assert house.store.files[FILENAME].data == LARGE
    assert house.store.staged == set()


def test_a_client_that_goes_away_early_leaves_nothing() -> None:
    house = House()
    request = upload_of(LARGE)
    house.wire.send(request[: len(request) * 3 // 4])
    house.threads.let_go()
    assert house.store.staged
    house.wire.hang_up()
    house.threads.let_go()
    assert (house.store.staged, house.store.files) == (set(), {})


def test_a_client_that_goes_away_late_does_not_take_the_file_from_whoever_publishes_it() -> None:
    house = House()
    request = upload_of(LARGE)
    house.wire.send(request[: len(request) * 3 // 4])
    house.threads.let_go()
    house.wire.send(request[len(request) * 3 // 4 :])
    (staged,) = house.store.staged
    house.wire.hang_up()
    assert not staged.gone
    house.threads.let_go()
    assert house.store.files[FILENAME].data == LARGE
    assert house.store.staged == set()


def test_an_upload_that_is_answered_before_it_is_taken_over_makes_room_for_another() -> None:
    house = House()
    house.closed = True
    assert status(house.wire.send(upload_of(SMALL))) == 401
    house.closed = False
    other = house.another()
    other.send(upload_of(SMALL))
    house.threads.let_go()
    assert status(other.received()) == 200


def test_bytes_that_are_not_wanted_are_forgotten_once() -> None:
    house = House()
    house.wire.send(
        upload_of(SMALL + b"not its digest").replace(sha256(SMALL + b"not its digest").hexdigest().encode(), b"0" * 64)
    )
    house.threads.let_go()
    assert status(house.wire.received()) == 400
    assert (house.store.staged, house.store.files) == (set(), {})
