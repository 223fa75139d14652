"""Whose a project is, by what is known here: nothing that is ours goes outside, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any, TypeVar, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher
from twisted.python.failure import Failure

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.config import UploadChecks
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import NoSpace, NotAllowed, Unreadable
from twisted_pypi.owning import Owners
from twisted_pypi.policy.names import NamePatterns
from twisted_pypi.project_records import Origin, ProjectRecord, Status, Whose
from twisted_pypi.sidecars import Source
from twisted_pypi.testing.memory_index import MemoryIndex
from twisted_pypi.testing.memory_records import MemoryRecords
from twisted_pypi.testing.memory_store import MemoryStore, StoredFile
from twisted_pypi.uploading import Uploader, UploadForm

X = ProjectName("x")
INDEX = "https://index.example.com/simple"
NOW = 1_700_000_000
OURS = Origin(Whose.OURS, "x was uploaded here", NOW * 10**9)
UPSTREAMS = Origin(Whose.UPSTREAM, "each file is there", NOW * 10**9)

T = TypeVar("T")


def result(coming: Coroutine[Any, Any, T]) -> T:
    """What comes at once, since nothing here waits."""
    results: list[Any] = []
    Deferred.fromCoroutine(coming).addBoth(results.append)
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return cast("T", results[0])


async def at_once(function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    return function(*args, **kwargs)


class CountingIndex(MemoryIndex):
    """Counts how often it was asked for files."""

    asked = 0
    meanwhile: Callable[[], object] = staticmethod(lambda: None)
    being_read = False

    async def files_of(self, name: ProjectName) -> list[KnownFile]:
        self.asked += 1
        if self.being_read:
            return []
        found = await super().files_of(name)
        self.meanwhile()
        return found


class House:
    """Owners, and an uploader that respects them, over folders in memory."""

    def __init__(self, *private: str, cached: tuple[str, ...] = ()) -> None:
        self.index = CountingIndex()
        self.store = MemoryStore()
        self.records = MemoryRecords()
        self.doubt: str | None = None
        self.owners = Owners(
            NamePatterns(private), self.records, self.index, run_in_thread=at_once, clock=lambda: NOW + 0.5,
            cached=lambda: frozenset(map(ProjectName, cached)), doubt=lambda: self.doubt,
        )  # fmt: skip
        self.uploader = Uploader(
            self.store, self.index, overwrite=True, run_in_thread=at_once, clock=lambda: NOW,
            checks=UploadChecks.NAMES, record_of=self.records.of, owners=self.owners,
        )  # fmt: skip

    def put(self, filename: str, source: Source | None = None, content: bytes = b"") -> KnownFile:
        """Have a file in the folders."""
        known = replace(self.index.put(filename), source=source, sha256=sha256(content).hexdigest())
        result(self.index.added(known, None))
        self.owners.drop(frozenset({known.project}))
        return known

    def upload(self, filename: str, content: bytes = b"") -> None:
        staged = self.store.stage(None, ())
        try:
            staged.write(content)
            known = result(self.uploader.accept(UploadForm({}, filename), lambda: staged, None))
        finally:
            staged.discard()
        self.owners.drop(frozenset({known.project}))

    def whose(self, name: str = "x") -> tuple[Whose | None, str]:
        decision = result(self.owners.owner(ProjectName(name)))
        return decision.whose, decision.because

    def decide(self, **published: bytes) -> Whose | None:
        offered = {f"x-{name[1:]}.zip": frozenset({sha256(body).hexdigest()}) for name, body in published.items()}
        return result(self.owners.decide(X, offered, INDEX)).whose


@pytest.fixture
def said() -> Iterator[list[str]]:
    lines: list[str] = []

    def observe(event: dict[str, Any]) -> None:
        lines.append(formatEvent(event))

    observer = cast("ILogObserver", observe)
    globalLogPublisher.addObserver(observer)
    yield lines
    globalLogPublisher.removeObserver(observer)


@pytest.mark.parametrize(
    ("private", "origin", "held", "whose", "because"),
    [
        ("x*", UPSTREAMS, None, Whose.OURS, "matches --private x*"),
        ("y", OURS, None, Whose.OURS, "x was uploaded here"),
        ("y", UPSTREAMS, None, Whose.UPSTREAM, "each file is there"),
        ("y", UPSTREAMS, Source.UPSTREAM, Whose.UPSTREAM, "each file is there"),
        ("y", UPSTREAMS, Source.UPLOAD, Whose.OURS, "x-1.zip was uploaded here"),
        ("y", None, Source.UPLOAD, Whose.OURS, "x-1.zip was uploaded here"),
        ("y", None, Source.UPSTREAM, Whose.UPSTREAM, "fetched"),
        ("y", UPSTREAMS, "by hand", None, "by hand"),
        ("y", None, "by hand", None, "by hand"),
        ("y", None, None, Whose.UPSTREAM, "no file"),
    ],
)
def test_whose_it_is(
    private: str, origin: Origin | None, held: Source | str | None, whose: Whose, because: str
) -> None:
    house = House(private)
    if origin is not None:
        house.records.change_origin(X, origin)
    if held is not None:
        house.put("x-1.zip", held if isinstance(held, Source) else None)
    found, why = house.whose()
    assert found is whose
    assert because in why


def test_files_are_looked_at_once_until_they_change() -> None:
    house = House("acme-*")
    for _ in range(3):
        house.whose("acme-core")
    house.records.change_origin(X, OURS)
    house.whose()
    assert house.index.asked == 0
    house.records.change_origin(X, None)
    house.put("x-1.zip", Source.UPSTREAM)
    for _ in range(3):
        assert house.whose()[0] is Whose.UPSTREAM
    assert house.index.asked == 1
    house.put("x-2.zip")
    assert house.whose()[0] is None
    assert house.index.asked == 2


def test_what_changed_while_it_was_asked_for_is_not_remembered() -> None:
    house = House()
    house.put("x-1.zip", Source.UPSTREAM)
    house.index.meanwhile = lambda: house.put("x-2.zip")
    house.whose()
    house.index.meanwhile = lambda: None
    assert house.whose()[0] is None


def test_a_project_whose_files_are_not_whole_yet_stays_in() -> None:
    house = House()
    house.index.being_read = True
    assert house.whose() == (None, "its files are being read")
    assert house.decide() is None
    house.records.change_origin(X, UPSTREAMS)
    assert house.whose()[0] is Whose.UPSTREAM


def test_a_project_put_here_by_hand_is_the_upstreams_only_byte_for_byte(said: list[str]) -> None:
    house = House()
    house.put("x-1.zip", content=b"one")
    house.put("x-2.zip", content=b"two")
    assert house.decide(_1=b"one", _2=b"two", _3=b"three") is Whose.UPSTREAM
    origin = house.records.of(X).origin
    assert origin is not None
    assert (origin.whose, origin.decided_ns, set(origin.matched)) == (
        Whose.UPSTREAM,
        NOW * 10**9,
        {"x-1.zip", "x-2.zip"},
    )
    # What the upstream drops is recalled, and no reason to ask again; a file of another kind is.
    assert house.decide() is Whose.UPSTREAM
    house.put("x-4.zip", content=b"ours")
    assert house.decide(_1=b"one", _4=b"theirs") is Whose.OURS
    assert [line for line in said if line.startswith("x is ours, because x-4.zip is another file here")]
    assert house.decide(_1=b"one", _2=b"two", _4=b"ours") is Whose.OURS


def test_an_upload_that_comes_while_a_comparison_is_written_down_wins() -> None:
    house = House()
    known = house.put("x-1.zip", content=b"one")
    settle = house.records.settle_origin

    def slow(name: ProjectName, origin: Origin) -> ProjectRecord:
        house.upload("x-2.zip", b"two")
        return settle(name, origin)

    house.records.settle_origin = slow  # type: ignore[method-assign]  # an upload in the very moment between
    assert house.decide(_1=b"one") is Whose.OURS
    result(house.index.removed(known))
    result(house.uploader.remove("x", "2"))
    assert house.whose()[0] is Whose.OURS


@pytest.mark.parametrize("source", [None, Source.UPSTREAM])
def test_the_last_file_that_is_removed_leaves_a_name_that_was_put_by_hand_ours(source: Source | None) -> None:
    house = House()
    for version in ("1", "2"):
        house.store.files[f"x-{version}.zip"] = StoredFile(b"one")
        house.put(f"x-{version}.zip", source, b"one")
    result(house.uploader.remove("x", "1"))
    assert house.records.of(X).origin is None
    result(house.uploader.remove("x", "2"))
    house.owners.drop(frozenset({X}))
    expected = Whose.UPSTREAM if source else Whose.OURS
    assert house.whose()[0] is expected
    assert (house.records.written == [X]) is (expected is Whose.OURS)


def test_what_was_uploaded_once_is_ours_for_ever() -> None:
    house = House()
    house.upload("x-1.zip", b"one")
    house.upload("x-2.zip", b"two")
    origin = house.records.of(X).origin
    assert origin == OURS
    assert house.records.written == [X]
    for version in ("1", "2"):
        result(house.uploader.remove("x", version))
    assert house.store.files == {}
    assert house.whose() == (Whose.OURS, "x was uploaded here")
    assert house.decide(_1=b"one") is Whose.OURS


def test_an_upload_to_what_was_put_here_by_hand_makes_it_ours() -> None:
    house = House()
    house.put("x-1.zip", content=b"one")
    # The very same bytes are an upload as well.
    house.upload("x-1.zip", b"one")
    assert house.records.of(X).origin == OURS


def test_an_upload_that_fails_keeps_no_name_from_the_upstream() -> None:
    house = House()
    house.store.capacity = 4
    with pytest.raises(NoSpace):
        house.upload("x-1.zip", b"one and more")
    house.store.read_only = True
    with pytest.raises(NotAllowed):
        house.upload("x-1.zip", b"one")
    assert (house.records.written, house.whose()[0]) == ([], Whose.UPSTREAM)


@pytest.mark.parametrize("kind", ["recorded", "held", "mixed", "cached"])
def test_an_upload_to_what_is_an_upstreams_is_refused(kind: str) -> None:
    house = House(cached=("x",) if kind == "cached" else ())
    if kind == "recorded":
        house.records.change_origin(X, UPSTREAMS)
        house.put("x-0.zip")
    if kind in {"held", "mixed"}:
        house.put("x-1.zip", Source.UPSTREAM)
    if kind == "mixed":
        house.put("x-0.zip")
    with pytest.raises(NotAllowed, match=r"is an upstream index's, because .*'twisted-pypi own x' is given"):
        house.upload("x-3.zip", b"three")
    assert house.store.files == {}
    house.records.change_origin(X, Origin(Whose.OURS, "it was said so", 0))
    house.upload("x-3.zip", b"three")


def test_what_is_private_takes_uploads_whatever_was_fetched_of_it() -> None:
    house = House("x", cached=("x",))
    house.records.change_origin(X, UPSTREAMS)
    house.put("x-1.zip", Source.UPSTREAM)
    house.upload("x-3.zip", b"three")
    assert house.records.of(X).origin == OURS


def test_a_record_that_cannot_be_written_fails_no_upload(said: list[str]) -> None:
    house = House()
    house.records.trouble = NotAllowed("the folder cannot be written to")
    house.upload("x-1.zip", b"one")
    assert set(house.store.files) == {"x-1.zip"}
    assert [line for line in said if "that x is ours could not be written down (the folder cannot" in line]
    house.records.trouble = None
    result(house.uploader.remove("x", "1"))
    # The last moment at which the sidecar says it.
    assert house.whose()[0] is Whose.OURS


def test_what_nobody_has_decided_is_named_and_old_uploads_are_written_down() -> None:
    house = House("acme-*")
    house.put("acme_core-1.zip")
    house.put("b-1.zip")
    house.put("b-2.zip", Source.UPSTREAM)
    house.put("a-1.zip")
    house.put("fetched-1.zip", Source.UPSTREAM)
    house.put("x-1.zip")
    house.put("x-2.zip", Source.UPLOAD)
    house.put("known-1.zip")
    house.records.records[ProjectName("known")] = ProjectRecord(Status.ARCHIVED, origin=UPSTREAMS)
    assert result(house.owners.undecided()) == ["a", "b"]
    assert house.records.written == [X]
    assert house.records.of(X).origin == OURS


class History:
    """What happened to a project so far, and whose it has to be because of that."""

    def __init__(self) -> None:
        self.house = House()
        self.ours = False
        self.by_hand: dict[str, str] = {}
        self.fetched: dict[str, str] = {}
        self.matched: dict[str, str] = {}

    def upload(self, version: str, body: bytes) -> None:
        try:
            self.house.upload(f"x-{version}.zip", body)
        except NotAllowed:
            assert not self.ours
        else:
            self.ours = True

    def put(self, version: str, body: bytes) -> None:
        self.by_hand[version] = self.house.put(f"x-{version}.zip", None, body).sha256
        self.fetched.pop(version, None)

    def fetch(self, version: str, body: bytes) -> None:
        # Nothing else is ever updated.
        if self.house.whose()[0] is Whose.UPSTREAM:
            self.fetched[version] = self.house.put(f"x-{version}.zip", Source.UPSTREAM, body).sha256
            self.by_hand.pop(version, None)

    def remove(self, version: str) -> None:
        if f"x-{version}.zip" in self.house.store.files:
            result(self.house.uploader.remove("x", version))
            self._gone(version)
        else:
            self.delete(version)

    def delete(self, version: str) -> None:
        known = result(self.house.index.holding(f"x-{version}.zip"))
        if known is not None:
            self.house.store.files.pop(known.path, None)
            result(self.house.index.removed(known))
            self._gone(version)

    def compare(self, published: dict[str, bytes]) -> None:
        digests = {version: sha256(body).hexdigest() for version, body in published.items()}
        new = self._not_compared()
        held = self.by_hand | self.fetched
        # What matched before, or was fetched, need not be published any more; but other bytes under its name count.
        differs = any(digests.get(version, digest) != digest for version, digest in held.items())
        self.ours = self.ours or bool(new and differs) or any(version not in digests for version in new)
        expected = Whose.OURS if self.ours else Whose.UPSTREAM
        assert self.house.decide(**{f"_{version}": body for version, body in published.items()}) is expected
        if new:
            self.matched |= {version: digest for version, digest in held.items() if digests.get(version) == digest}

    def check(self) -> None:
        whose, _ = self.house.whose()
        if self.ours:
            assert whose is Whose.OURS
        else:
            assert whose is (None if self._not_compared() else Whose.UPSTREAM)

    def _gone(self, version: str) -> None:
        self.by_hand.pop(version, None)
        self.fetched.pop(version, None)
        self.house.owners.drop(frozenset({X}))

    def _not_compared(self) -> dict[str, str]:
        return {version: digest for version, digest in self.by_hand.items() if self.matched.get(version) != digest}


VERSIONS = st.sampled_from("12")
BODIES = st.sampled_from([b"one", b"two"])
STEPS = st.one_of(
    st.tuples(st.sampled_from(["upload", "put", "fetch"]), VERSIONS, BODIES),
    st.tuples(st.sampled_from(["remove", "delete"]), VERSIONS),
    st.tuples(st.just("compare"), st.dictionaries(VERSIONS, BODIES)),
)


@example([("fetch", "1", b"one"), ("put", "2", b"two"), ("compare", {"1": b"two", "2": b"two"})])
@example(
    [("put", "1", b"one"), ("compare", {"1": b"one"}), ("put", "2", b"two"), ("compare", {"1": b"two", "2": b"two"})]
)
@given(st.lists(STEPS, max_size=12))
def test_no_history_lets_a_name_of_ours_outside(steps: list[tuple[Any, ...]]) -> None:
    history = History()
    for step in steps:
        getattr(history, step[0])(*step[1:])
        history.check()


def test_while_ours_may_be_unknown_nothing_goes_outside_that_is_not_certain() -> None:
    house = House("y")
    house.put("x-1.zip", Source.UPSTREAM)
    house.put("z-1.zip", Source.UPLOAD)
    house.records.settle_origin(ProjectName("w"), UPSTREAMS)
    house.doubt = "the folder cannot be read"
    for name in ("x", "unknown"):
        with pytest.raises(
            Unreadable, match=f"whose {name} is cannot be told at the moment: the folder cannot be read"
        ):
            house.whose(name)
    assert [house.whose(name)[0] for name in "wyz"] == [Whose.UPSTREAM, Whose.OURS, Whose.OURS]
    house.doubt = None
    assert [house.whose(name)[0] for name in ("x", "unknown")] == [Whose.UPSTREAM] * 2
