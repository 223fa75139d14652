"""Who took what, in lines of a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from tests.recalling.house import ACME, NOW, at_once, logged
from twisted_pypi.distributions import ProjectName
from twisted_pypi.recalling.downloads_log import FILENAME, INTERVAL, MOST_WAITING, DownloadsLog, takers_in
from twisted_pypi.recalling.report import Taker

FILE = "acme-1.tar.gz"
NS = int(NOW) * 10**9


def made(folder: Path | None, *, largest: int = 1 << 20) -> tuple[DownloadsLog, Clock]:
    clock = Clock()
    clock.advance(NOW)
    return DownloadsLog(lambda: None if folder is None else str(folder), at_once, clock, largest=largest), clock


def lines_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / FILENAME).read_text().splitlines()]


def sizes_in(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir()}


@pytest_twisted.ensureDeferred
async def test_what_is_taken_is_written_in_batches(tmp_path: Path) -> None:
    log, clock = made(tmp_path / "state")
    log(ACME, FILE, "anna", "192.0.2.1", "pip/26")
    log(ACME, FILE, None, "192.0.2.2", "uv" * 1000)
    assert not (tmp_path / "state").exists()
    clock.advance(INTERVAL)
    path = tmp_path / "state" / FILENAME
    assert path.stat().st_mode & 0o777 == 0o600
    first = {"time": "2023-11-14T22:13:20.000+00:00", "project": "acme", "filename": FILE}
    assert lines_of(path.parent) == [
        {**first, "user": "anna", "address": "192.0.2.1", "agent": "pip/26"},
        {**first, "user": None, "address": "192.0.2.2", "agent": "uv" * 150},
    ]
    assert clock.getDelayedCalls() == []
    log(ACME, FILE, "bob", "192.0.2.1", "pip/26")
    await log.stopService()
    assert len(lines_of(path.parent)) == 3


@pytest_twisted.ensureDeferred
async def test_who_took_a_file_is_told_once_each(tmp_path: Path) -> None:
    log, clock = made(tmp_path)
    log(ACME, FILE, "anna", "192.0.2.1", "pip")
    clock.advance(1)
    log(ACME, FILE, "bob", "192.0.2.1", "pip")
    log(ProjectName("other"), FILE, "eve", "192.0.2.1", "pip")
    log(ACME, "acme-2.tar.gz", "eve", "192.0.2.1", "pip")
    clock.advance(1)
    log(ACME, FILE, "anna", "192.0.2.1", "pip")
    # What was said just now counts too.
    assert await log.takers(ACME, FILE) == [
        Taker("anna", "192.0.2.1", "pip", NS, NS + 2 * 10**9, 2),
        Taker("bob", "192.0.2.1", "pip", NS + 10**9, NS + 10**9, 1),
    ]
    found = await log.takers_of([(ACME, FILE), (ACME, "acme-3.tar.gz")])
    assert {file: len(takers) for file, takers in found.items()} == {(ACME, FILE): 2, (ACME, "acme-3.tar.gz"): 0}
    assert await log.takers_of([]) == {}


@pytest_twisted.ensureDeferred
async def test_one_old_file_is_kept(tmp_path: Path) -> None:
    log, _ = made(tmp_path, largest=300)
    for number in range(10):
        log(ACME, FILE, f"user{number}", "192.0.2.1", "pip")
        await log.flush()
    sizes = sizes_in(tmp_path)
    assert sizes.keys() == {FILENAME, f"{FILENAME}.1"}
    assert max(sizes.values()) < 500
    users = [each.user for each in await log.takers(ACME, FILE)]
    assert "user9" in users
    assert "user0" not in users


@pytest_twisted.ensureDeferred
async def test_a_folder_that_cannot_be_written_to_is_said_once_and_costs_nobody_his_file(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file in the place of the folder")
    log, _ = made(tmp_path / "state")
    with logged() as lines:
        for _ in range(2):
            log(ACME, FILE, None, "192.0.2.1", "pip")
            await log.flush()
    assert ["who takes which file cannot be written down" in line for line in lines] == [True]
    nowhere, _ = made(None)
    nowhere(ACME, FILE, None, "192.0.2.1", "pip")
    assert await nowhere.takers(ACME, FILE) == []


@pytest_twisted.ensureDeferred
async def test_what_waits_for_a_slow_disk_has_a_limit(tmp_path: Path) -> None:
    log, _ = made(tmp_path)
    for _ in range(MOST_WAITING + 10):
        log(ACME, FILE, None, "192.0.2.1", "pip")
    await log.flush()
    assert [each.times for each in await log.takers(ACME, FILE)] == [MOST_WAITING]


@given(st.lists(st.binary(max_size=80) | st.sampled_from([b'{"filename": "acme-1.tar.gz"}', b'["acme-1.tar.gz"]'])))
def test_lines_that_are_none_say_nothing(tmp_path_factory: Any, lines: list[bytes]) -> None:
    folder: Path = tmp_path_factory.mktemp("state")
    whole: Callable[[object], bytes] = lambda time: json.dumps(  # noqa: E731  # a shape of a line
        {"time": time, "project": "acme", "filename": FILE, "user": None, "address": "", "agent": ""}
    ).encode()
    data = b"\n".join([*lines, whole(1), whole("2026-01-01"), whole("2026-01-01T00:00:00+00:00"), whole("x")[:-9]])
    (folder / FILENAME).write_bytes(data)
    found = takers_in(str(folder), [(ACME, FILE)])
    assert [taker.times for taker in found[ACME, FILE]] == [1]
