"""Rules that are changed while a real server runs, and what it and the command say of them."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.clients.archives import Archive, wheel
from tests.clients.fixtures import Start
from tests.clients.server import PROGRAMS, Process, clean_variables, twistd_pypi
from tests.processes.mirrored import get_file, listed, through, times

pytestmark = pytest.mark.clients

OLD, YOUNG = wheel("borrowed", "1.0"), wheel("borrowed", "1.1")
DAY = 86_400
NOTICED = 20
"""Seconds; a rules file is in force when two looks, two seconds apart, found it the same; a busy machine gets more."""

Says = Callable[..., str]


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Process]:
    """An index with a file that is a month old, and one of this hour."""
    folder = tmp_path / "upstream"
    for archive, days in ((OLD, 30.0), (YOUNG, 0.05)):
        path = archive.put_into(folder)
        os.utime(path, (time.time() - days * DAY,) * 2)
    with twistd_pypi(folder, "--access-log", tmp_path / "asked", log=tmp_path / "upstream.log") as server:
        assert server.comes_true(lambda: len(listed(server, "borrowed")) == 2)
        yield server


@pytest.fixture
def options(upstream: Process) -> tuple[str, ...]:
    return through(f"{upstream.url}/simple/")


@pytest.fixture
def rules(root: Path) -> Path:
    """The rules file that is found by its name."""
    return root / ".rules.toml"


@pytest.fixture
def server(rules: Path, options: tuple[str, ...], root: Path, start: Start) -> Process:
    rules.write_text("")
    return start(root, *options)


def shows(server: Process, *archives: Archive) -> bool:
    """Does the project's page come to have these files?  It is 200 all the time."""
    expected = {each.filename for each in archives}
    return server.comes_true(lambda: listed(server, "borrowed") == expected, within=NOTICED)


def refusal(server: Process, archive: Archive) -> str:
    """The sentence by which a file and its metadata are refused; empty: they are not."""
    answers = [get_file(server, "borrowed", archive, suffix) for suffix in ("", ".metadata")]
    statuses = {each.status for each in answers}
    if statuses == {200}:
        return ""
    assert statuses == {403}
    first, second = (each.text for each in answers)
    assert first == second
    return first


def why(*arguments: str | Path) -> str:
    command: list[str | Path] = [PROGRAMS / "twisted-pypi", "why", "borrowed", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=clean_variables(), timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def reread(server: Process, rules: Path, text: str) -> None:
    """Change the rules and say so; that they are noticed by themselves is a test of its own."""
    rules.write_text(text)
    server.send(signal.SIGHUP)


@pytest.mark.parametrize("fetched", [False, True], ids=["before it was fetched", "after"])
def test_too_young_until_it_is_allowed(
    fetched: bool, server: Process, rules: Path, root: Path, options: tuple[str, ...], tmp_path: Path
) -> None:
    assert shows(server, OLD, YOUNG)
    if fetched:
        assert refusal(server, YOUNG) == ""
    reread(server, rules, 'min-age = "7d"\n')
    assert shows(server, OLD)
    sentence = refusal(server, YOUNG)
    # A part of a second counts as a whole one: at the time that is said it is there.
    uploaded = datetime.fromtimestamp(math.ceil((tmp_path / "upstream" / YOUNG.filename).stat().st_mtime), UTC)
    until = f"{uploaded + timedelta(days=7):%Y-%m-%dT%H:%M:%SZ}"
    assert f"{YOUNG.filename} is held back until {until}, rule min-age = 7d" in sentence
    assert refusal(server, OLD) == ""
    for said in (why("--url", f"{server.url}/"), why("--root", root, *options)):
        assert f"{OLD.filename} " in said
        assert f"{YOUNG.filename} is held back until {until}, rule min-age = 7d" in said
        assert "borrowed is the upstream's, because " in said
    allowed = '[[allow]]\nname = "borrowed==1.1"\nbecause = "needed"\nuntil = '
    tomorrow, yesterday = (datetime.now(UTC) + timedelta(days=days) for days in (1, -1))
    reread(server, rules, f'min-age = "7d"\n{allowed}{tomorrow:%Y-%m-%dT%H:%M:%SZ}\n')
    assert shows(server, OLD, YOUNG)
    assert refusal(server, YOUNG) == ""
    reread(server, rules, f'min-age = "7d"\n{allowed}{yesterday:%Y-%m-%dT%H:%M:%SZ}\n')
    assert shows(server, OLD)
    assert refusal(server, YOUNG) == sentence


def test_an_exception_ends_by_itself(rules: Path, options: tuple[str, ...], root: Path, start: Start) -> None:
    until = datetime.now(UTC) + timedelta(seconds=5)
    rules.write_text(f'min-age = "7d"\n[[allow]]\nname = "borrowed==1.1"\nuntil = {until:%Y-%m-%dT%H:%M:%SZ}\n')
    server = start(root, *options)
    assert listed(server, "borrowed") == {OLD.filename, YOUNG.filename}
    assert shows(server, OLD)
    assert YOUNG.filename in refusal(server, YOUNG)


def test_denied_it_is_an_empty_page_and_never_a_404(server: Process, rules: Path, tmp_path: Path) -> None:
    assert refusal(server, OLD) == ""
    rules.write_text('[[deny]]\nname = "borrowed"\nbecause = "it phones home"\n')
    assert shows(server)
    for archive in (OLD, YOUNG):
        sentence = f"{archive.filename} is held back, rule deny = borrowed, because it phones home"
        assert sentence in refusal(server, archive)
    assert times(tmp_path / "asked", f"/packages/{YOUNG.filename}") == 0
    reread(server, rules, 'deny = ["borrowed<1.1"]\n')
    assert shows(server, YOUNG)


def test_a_rules_file_that_is_broken_leaves_the_last_good_one(server: Process, rules: Path) -> None:
    reread(server, rules, 'deny = ["borrowed==1.1"]\n')
    assert shows(server, OLD)
    rules.write_text('deny = ["other"]\nmin-agee = "7d"\n')
    assert server.comes_true(lambda: "its last good version stays in force" in server.log, within=NOTICED)
    assert "min-agee" in server.log
    assert listed(server, "borrowed") == {OLD.filename}
    assert "rule deny = borrowed==1.1" in refusal(server, YOUNG)
    rules.unlink()
    assert server.comes_true(lambda: server.log.count("its last good version stays in force") == 2, within=NOTICED)
    assert listed(server, "borrowed") == {OLD.filename}
    reread(server, rules, "")
    assert shows(server, OLD, YOUNG)


@pytest.mark.parametrize("program", ["twistd -n --pidfile= pypi --root", "twist pypi --root", "pypi-server run"])
def test_no_start_with_rules_that_cannot_be_used_or_cannot_bite(
    program: str, rules: Path, options: tuple[str, ...], root: Path
) -> None:
    rules.write_text('min-age = "a week"\n')
    for more, said in ((options, "min-age is 'a week'; expected"), (("--fallback", "redirect"), "rules")):
        words = program.split()
        command: list[str | Path] = [PROGRAMS / words[0], *words[1:], root, *more]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=clean_variables(), timeout=60)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
        assert done.stderr.startswith(f"{words[0]} {'pypi' if 'pypi' in words else 'run'}".removesuffix(" run"))
        assert done.stderr.count("\n") == 1, done.stderr
