"""What ``/-/status`` tells whom."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.web.test_files import Open, Plain
from twisted_pypi.boundaries import Recall, User
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import LoginRequired, Unreadable
from twisted_pypi.mirroring.outcomes import Arrived, NotTaken, PassSummary, ProjectOutcome, State
from twisted_pypi.recalling.report import RecalledFile, Taker, read_recalled
from twisted_pypi.sharing import SharedMemory
from twisted_pypi.storage.scan import ScanSummary
from twisted_pypi.testing.memory_index import MemoryIndex
from twisted_pypi.testing.wire import ClockWithDate, Wire, body, head, status
from twisted_pypi.upstream.health import IndexHealth
from twisted_pypi.web.bodies import IndexRequest
from twisted_pypi.web.people.status import StatusPage
from twisted_pypi.web.people.templates import Templates
from twisted_pypi.web.progress import MOST_FILES, MOST_NOTABLE, Notice, Noticed, Progress
from twisted_pypi.web.resource import Leaf
from twisted_pypi.web.site import IndexSite
from twisted_pypi.web.status import Mirror, Status

S = 10**9
ACME = ProjectName("acme")
TAKER = Taker("<bob>", "192.0.2.1", "pip/26", 5 * S, 9 * S, 2)
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


def recalled(how: str, version: str, *, hidden: bool = False, reason: str | None = None) -> RecalledFile:
    recall = Recall(how, 60 * S, confirmed=False, hidden=hidden, reason=reason)
    name = f"acme-{version}.tar.gz"
    return RecalledFile(ACME, name, "0" * 64, recall, "https://index.example.com/simple", 30 * S, cached=True)


class Scans:
    """Who scanned."""

    def __init__(self, last: ScanSummary | None) -> None:
        self.last = last


class House:
    """Everything that a report is made of."""

    def __init__(self) -> None:
        self.found = [recalled("quarantined", "1", hidden=True, reason="<script>"), recalled("yanked", "2")]
        self.away: str | None = None
        self.last: PassSummary | None = PassSummary(
            S, 2 * S, {State.CURRENT: 3, State.UPDATED: 1},
            (ProjectOutcome(ACME, State.UPDATED, fetched=(Arrived("acme-3.tar.gz", 9, "newer", "acme-3.tar.gz"),)),),
        )  # fmt: skip
        self.problem: str | None = None
        self.under_way = False
        self.scans = Scans(None)

    async def recalls(self) -> list[RecalledFile]:
        if self.away is not None:
            raise Unreadable(self.away)
        return self.found

    def troubles(self) -> list[str]:
        return ["a glitch"]

    async def takers_of(self, files: Any) -> Mapping[Any, list[Taker]]:
        return {each: [TAKER] if "-1." in each[1] else [] for each in files}

    async def identify(self, request: IndexRequest) -> User | None:
        sent = request.getHeader(b"authorization")
        if sent == b"Basic wrong":
            raise LoginRequired("the login is wrong")
        return None if sent is None else User(sent.removeprefix(b"Basic ").decode())


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def wire(house: House) -> Iterator[Wire]:
    index = MemoryIndex()
    index.put("acme-1.tar.gz")
    health = IndexHealth("https://index.example.com/simple", None, 3 * S, "it answered 503", failing=True)
    mirror = Mirror(house, house, lambda: [health], lambda: (2, 3000))
    house.scans = Scans(ScanSummary(10, 12.5, 7, 3, 2, 1))
    progress = Progress(house.scans, house, 5)
    report = Status(
        index, index.counts, "1.2", lambda: ["the disk is full"], progress, clock=lambda: 100_000.7,
        mirror=mirror, admins=["anna"], identify=house.identify, pages=StatusPage(Templates()),
    )  # fmt: skip
    wire = serve(report)
    yield wire
    wire.hang_up()


def serve(report: Status) -> Wire:
    leaf = Leaf(Open(), {b"GET": (None, report.get)})  # type: ignore[arg-type]  # it needs no more than this
    return Wire(
        IndexSite(leaf, Plain(), access_log=None, error_pages=Plain(), addresses=Plain(), reactor=ClockWithDate())
    )


def get(wire: Wire, accept: str = "*/*", user: str | None = None) -> bytes:
    login = "" if user is None else f"Authorization: Basic {user}\r\n"
    return wire.send(f"GET /-/status HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n{login}\r\n".encode())


def test_json_for_programs(wire: Wire) -> None:
    answer = get(wire)
    assert (status(answer), head(answer)[b"content-type"]) == (200, b"application/json")
    assert (head(answer)[b"cache-control"], head(answer)[b"vary"]) == (b"no-store", b"Accept")
    found = json.loads(body(answer))
    assert {key: found[key] for key in ("version", "projects", "files", "troubles", "cache")} == {
        "version": "1.2", "projects": 1, "files": 1, "troubles": ["the disk is full", "a glitch"],
        "cache": {"files": 2, "bytes": 3000},
    }  # fmt: skip
    assert found["upstreams"] == [
        {
            "index": "https://index.example.com/simple", "failing": True, "failure": "it answered 503",
            "last-success": None, "last-failure": "1970-01-01T00:00:03Z",
        }
    ]  # fmt: skip
    assert (found["started"], found["uptime"]) == ("1970-01-01T00:00:05Z", 99_995)
    assert found["scan"] == {
        "began": "1970-01-01T00:00:10Z", "ended": "1970-01-01T00:00:13Z", "seconds": 2.5,
        "files": 7, "new": 3, "changed": 2, "gone": 1,
    }  # fmt: skip
    last = found["update"]["last"]
    assert (last["states"], last["files"], last["bytes"]) == ({"current": 3, "updated": 1}, 1, 9)
    assert last["notable"][0]["fetched"] == ["acme-3.tar.gz"]
    assert [(each["filename"], each["how"], each["fetched"]) for each in found["recalls"]] == [
        ("acme-1.tar.gz", "quarantined", "1970-01-01T00:00:30Z"),
        ("acme-2.tar.gz", "yanked", "1970-01-01T00:00:30Z"),
    ]
    assert read_recalled(found["recalls"][0]) == (recalled("quarantined", "1", hidden=True, reason="<script>"), None)


def test_what_an_update_did_with_each_project(wire: Wire, house: House) -> None:
    files = tuple(Arrived(f"acme-{n}.tar.gz", 1, "newer", f"acme-{n}.tar.gz") for n in range(MOST_FILES + 1))
    not_put = Arrived("acme-99.tar.gz", 1, "newer")
    left = (NotTaken("acme-100.tar.gz", "it is too new: <2 days"),)
    house.last = PassSummary(
        S, 3 * S, {State.UPDATED: 1}, (ProjectOutcome(ACME, State.UPDATED, "", (not_put, *files), left, "1", "100"),)
    )
    last = json.loads(body(get(wire)))["update"]["last"]
    assert (last["seconds"], last["not-named"], last["files"]) == (2, 0, MOST_FILES + 1)
    (told,) = last["notable"]
    assert (told["held"], told["offered"]) == ("1", "100")
    assert told["fetched"] == [each.filename for each in files[:MOST_FILES]]
    assert told["left"] == [{"filename": "acme-100.tar.gz", "because": "it is too new: <2 days"}]
    page = body(get(wire, BROWSER)).decode()
    assert "acme-100.tar.gz not taken: it is too new: &lt;2 days" in page
    assert "fetched in 2 seconds" in page


@pytest.mark.parametrize(("user", "knows"), [(None, False), ("bob", False), ("anna", True)])
def test_who_took_what_is_for_admins_alone(wire: Wire, user: str | None, *, knows: bool) -> None:
    found = json.loads(body(get(wire, user=user)))
    assert ["takers" in each for each in found["recalls"]] == [knows, knows]
    page = body(get(wire, BROWSER, user)).decode()
    assert ("taken 2 times by &lt;bob&gt; from 192.0.2.1 with pip/26, last at 1970-01-01T00:00:09Z" in page) is knows
    assert ("Who took them is shown to a login that is named in --admins" in page) is not knows
    if knows:
        assert read_recalled(found["recalls"][0])[1] == [TAKER]
        assert found["recalls"][1]["takers"] == []


def test_a_wrong_login_is_refused(wire: Wire) -> None:
    assert status(get(wire, user="wrong")) == 401


def test_a_page_for_people(wire: Wire, house: House) -> None:
    answer = get(wire, BROWSER)
    assert (status(answer), head(answer)[b"content-type"]) == (200, b"text/html; charset=utf-8")
    assert (head(answer)[b"vary"], b"content-security-policy" in head(answer)) == (b"Accept", True)
    page = body(answer).decode()
    for text in (
        "the disk is full", "a glitch", '<strong class="status">quarantined</strong> acme-1.tar.gz of acme',
        "<strong>yanked</strong> acme-2.tar.gz", "(&lt;script&gt;)", "it answered 503", "3.0 kB", "3 current, 1 updated",
    ):  # fmt: skip
        assert text in page
    assert "Started at 1970-01-01T00:00:05Z, 1 day, 3:46:35 ago." in page
    assert "took 2.5 seconds: 7 files seen, 3 new, 2 changed, 1 gone" in page
    assert "acme-3.tar.gz fetched" in page
    house.last, house.problem, house.found = None, "no such folder", []
    house.scans.last = None
    page = body(get(wire, BROWSER)).decode()
    for text in (
        "There was none since the start.", "no such folder", "Nothing that is kept here was taken back.",
        "None has ended since the start.",
    ):  # fmt: skip
        assert text in page


def test_what_cannot_be_told_is_a_trouble(wire: Wire, house: House) -> None:
    house.away = "the folder is not there"
    found = json.loads(body(get(wire)))
    assert found["recalls"] == []
    assert found["troubles"][-1].endswith("cannot be told at the moment: the folder is not there")


def test_a_server_that_asks_no_other_says_nothing_of_them() -> None:
    index = MemoryIndex()
    progress = Progress(Scans(None), None, 0)
    wire = serve(Status(index, index.counts, "1.2", list, progress, clock=lambda: 1, pages=StatusPage(Templates())))
    assert json.loads(body(get(wire))) == {
        "version": "1.2", "started": "1970-01-01T00:00:00Z", "uptime": 1, "projects": 0, "files": 0, "troubles": [],
        "scan": None,
    }  # fmt: skip
    page = body(get(wire, BROWSER)).decode()
    assert "There are none." in page
    assert not any(word in page for word in ("Recalled", "Upstream", "Update", "upstream"))
    wire.hang_up()


def test_failures_are_named_however_much_else_there_is(house: House) -> None:
    many = [ProjectOutcome(ProjectName(f"a{n:04}"), State.UPDATED) for n in range(MOST_NOTABLE + 5)]
    broken = ProjectOutcome(ProjectName("zzz"), State.ERROR, "it answered 503")
    house.last = PassSummary(S, 2 * S, {State.UPDATED: len(many), State.ERROR: 1}, (*many, broken))
    last = Progress(Scans(None), house, 0).document()["update"]["last"]
    assert (len(last["notable"]), last["not-named"]) == (MOST_NOTABLE, 6)
    assert [each["project"] for each in last["notable"][:2]] == ["zzz", "a0000"]


def test_other_processes_tell_what_the_one_that_scans_knows(house: House) -> None:
    memory, clock = SharedMemory(2), ClockWithDate()
    memory.open()
    other = Noticed(SharedMemory(2, 1, memory.descriptor), 9)
    assert other.document() == {"started": 9, "scan": None}
    scans = Scans(None)
    progress = Progress(scans, house, 5)
    notice = Notice(progress, memory, clock)
    notice.startService()
    assert other.document() == json.loads(json.dumps(progress.document()))
    scans.last, house.under_way = ScanSummary(10, 12.5, 7, 3, 2, 1), True
    clock.advance(1)
    assert (other.document()["scan"]["files"], other.document()["update"]["under-way"]) == (7, True)
    assert other.document()["started"] == 5
    notice.stopService()
    assert clock.getDelayedCalls() == []
    memory.close()
