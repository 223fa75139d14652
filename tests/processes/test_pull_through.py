"""A real server that fetches from a real server: kept, found again, never asked for, thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.clients.archives import sdist, wheel
from tests.clients.fixtures import PASSWORD, USER, Start, serving
from tests.clients.server import Process
from tests.clients.uploading import upload
from tests.processes.mirrored import age_pages, get_file, kept, listed, page, through, times

pytestmark = pytest.mark.clients

LOGIN = f"{USER}:{PASSWORD}"
OLD, NEW = wheel("borrowed", "1.0", payload=bytes(range(256)) * 2000), wheel("borrowed", "1.1")
SOURCE = sdist("borrowed", "1.1")
OTHER = wheel("other", "1.0")
ADDRESS = f"/files/borrowed/{OLD.filename}"
UPSTREAM_ADDRESS = f"/packages/{OLD.filename}"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What the upstream was asked for."""
    return tmp_path / "asked"


@pytest.fixture
def upstream(tmp_path: Path, log: Path) -> Iterator[Process]:
    with serving(tmp_path / "upstream", (OLD, NEW, SOURCE, OTHER), "--access-log", log) as server:
        yield server


@pytest.fixture
def options(upstream: Process) -> tuple[str, ...]:
    """The options of a server that fetches from it."""
    return through(f"{upstream.url}/simple/")


def test_every_file_is_the_upstreams_byte_for_byte_and_is_kept(
    options: tuple[str, ...], log: Path, root: Path, start: Start, upstream: Process
) -> None:
    server = start(root, *options)
    assert listed(server, "borrowed") == {OLD.filename, NEW.filename, SOURCE.filename}
    for _ in range(2):
        for archive in (OLD, NEW, SOURCE):
            assert get_file(server, "borrowed", archive).body == archive.content
    metadata = upstream.get(f"{UPSTREAM_ADDRESS}.metadata").body
    assert get_file(server, "borrowed", OLD, ".metadata").body == metadata
    expected = {f"borrowed/{each.filename}": each.content for each in (OLD, NEW, SOURCE)}
    expected[f"borrowed/{OLD.filename}.metadata"] = metadata
    assert server.comes_true(lambda: kept(root) == expected)
    assert upstream.comes_true(lambda: times(log, f"{UPSTREAM_ADDRESS}.metadata") == 2)
    assert (times(log, UPSTREAM_ADDRESS), times(log, "/simple/borrowed/")) == (1, 1)


def test_an_outage_and_a_restart_take_away_nothing_that_is_kept(
    options: tuple[str, ...], root: Path, start: Start, upstream: Process
) -> None:
    server = start(root, *options)
    before = page(server, "borrowed")
    assert get_file(server, "borrowed", OLD).status == 200
    confirmed = datetime.now(UTC).isoformat()
    upstream.kill()
    assert get_file(server, "borrowed", OLD).body == OLD.content
    assert get_file(server, "borrowed", NEW).status == 502
    assert server.stop() == 0
    for more in ((), ("--offline",)):
        age_pages(root)
        server = start(root, *options, *more)
        again = page(server, "borrowed")
        assert again["files"] == before["files"]
        assert again["meta"]["_stale-since"] < confirmed
        assert get_file(server, "borrowed", OLD).body == OLD.content
        assert get_file(server, "borrowed", NEW).status == 502
        assert server.stop() == 0
        # Where nobody was to be asked, that nobody was is no news.
        assert server.log.count("cannot be asked") == 1
        if not more:
            upstream.start()
    server = start(root, *options)
    assert get_file(server, "borrowed", NEW).body == NEW.content
    assert "_stale-since" not in page(server, "borrowed")["meta"]


def test_a_locked_address_works_cold_after_a_restart(
    options: tuple[str, ...], log: Path, root: Path, start: Start
) -> None:
    server = start(root, *options)
    head = server.get(ADDRESS, method="HEAD")
    assert (head.status, head.headers["Content-Length"], head.body) == (200, str(len(OLD.content)), b"")
    same = server.get(ADDRESS, {"If-None-Match": head.headers["ETag"]})
    assert (same.status, same.body) == (304, b"")
    assert get_file(server, "borrowed", NEW, method="HEAD").status == 200
    part = server.get(ADDRESS, {"Range": "bytes=100-199"})
    assert (part.status, part.body) == (206, OLD.content[100:200])
    assert part.headers["ETag"] == head.headers["ETag"]
    assert server.comes_true(lambda: len(kept(root)) > 0)
    # What was answered by its page alone was not fetched.
    assert kept(root) == {f"borrowed/{OLD.filename}": OLD.content}
    server.stop()
    server = start(root, *options)
    assert get_file(server, "borrowed", NEW).body == NEW.content
    assert get_file(server, "borrowed", OLD).body == OLD.content
    assert server.comes_true(lambda: times(log, f"/packages/{NEW.filename}") == 1)
    assert (times(log, UPSTREAM_ADDRESS), times(log, "/simple/borrowed/")) == (1, 1)


def test_a_cache_that_is_full_lets_go_what_was_used_least_lately(
    options: tuple[str, ...], log: Path, root: Path, start: Start, upstream: Process
) -> None:
    server = start(root, *options, "--cache-size", str(len(OLD.content) + len(NEW.content)))
    for archive in (OLD, NEW):
        assert get_file(server, "borrowed", archive).body == archive.content
    # A file gets its name a moment after the last client got its end.
    assert server.comes_true(lambda: kept(root).keys() == {f"borrowed/{OLD.filename}", f"borrowed/{NEW.filename}"})
    assert get_file(server, "borrowed", OLD).body == OLD.content
    assert get_file(server, "other", OTHER).body == OTHER.content
    assert server.comes_true(lambda: kept(root).keys() == {f"borrowed/{OLD.filename}", f"other/{OTHER.filename}"})
    assert get_file(server, "borrowed", NEW).body == NEW.content
    assert server.comes_true(lambda: kept(root).keys() == {f"borrowed/{NEW.filename}", f"other/{OTHER.filename}"})
    assert upstream.comes_true(lambda: times(log, f"/packages/{NEW.filename}") == 2)


def test_an_upload_to_a_name_that_is_the_upstreams_is_refused(
    options: tuple[str, ...], root: Path, passwords: Path, start: Start, home: Path
) -> None:
    server = start(root, *options, "--passwords", passwords)
    assert get_file(server, "borrowed", OLD).status == 200
    strange = wheel("borrowed", "9.0")
    answer = upload(server.port, strange.put_into(home), LOGIN)
    assert (answer.status, "twisted-pypi own borrowed" in answer.reason) == (403, True), answer.reason
    assert strange.filename not in listed(server, "borrowed")
    assert upload(server.port, wheel("acme-own", "1.0").put_into(home), LOGIN).status == 200
