"""``pypi-server -U`` and its sisters, in processes of their own, from a real server as the upstream."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.clients.archives import Archive, sdist, wheel
from tests.clients.fixtures import Start, serving
from tests.clients.server import PROGRAMS, Process, clean_variables
from tests.processes import updating_itself
from tests.processes.mirrored import listed
from tests.processes.slow_upstream import slow_upstream
from tests.processes.updating_itself import Updating
from twisted_pypi.command.mark import mark
from twisted_pypi.mirroring.schedule import FIRST
from twisted_pypi.sidecars import sidecar_name

pytestmark = pytest.mark.clients

COMMANDS = {
    "pypi-server -U": ["pypi-server", "-U"],
    "pypi-server update": ["pypi-server", "update"],
    "twisted-pypi update": ["twisted-pypi", "update"],
}
OLD, NEW = wheel("acme-core", "1.0"), wheel("acme-core", "1.1")
OTHER = [sdist("acme-extra", "2.0"), sdist("acme-extra", "3.0a1"), sdist("acme-extra", "2.1")]


@pytest.fixture(scope="module", autouse=True)
def updating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Updating]:
    """A server that updates by itself; it begins with that half a minute after its start, which the others use."""
    with updating_itself.updating_itself(tmp_path_factory.mktemp("itself")) as found:
        yield found


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Process]:
    with serving(
        tmp_path / "upstream", [OLD, NEW, *OTHER, wheel("acme-secret", "9.0")], "--access-log", tmp_path / "asked"
    ) as server:
        yield server


def command(words: list[str], index: str, *more: str | Path) -> list[str | Path]:
    return [PROGRAMS / words[0], *words[1:], "--upstream", index, *more]


def run(words: list[str], index: str, *more: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(words, index, *more), capture_output=True, text=True, check=False, env=clean_variables(), timeout=60
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def files(folder: Path) -> dict[str, bytes]:
    """Everything that is not hidden."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in found if "/." not in f"/{path.relative_to(folder)}"
    }


def contents(*archives: Archive, below: str = "") -> dict[str, bytes]:
    return {f"{below}{archive.filename}": archive.content for archive in archives}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_first_what_it_would_do_and_then_that(words: list[str], upstream: Process, tmp_path: Path, root: Path) -> None:
    index = f"{upstream.url}/simple"
    OLD.lay_into(root / "sub")
    OTHER[0].lay_into(root)
    wheel("acme-secret", "1.0").lay_into(root)
    wheel("handmade", "1.0").lay_into(root)
    before = files(root)
    said = run(words, index, "--private", "*-secret", root)
    assert said.stdout.startswith("checking 4 packages for newer version\n")
    assert sorted(said.stdout.splitlines()[1]) == ["-", "?", "?", "?"]
    assert "was not asked about them: acme-core, acme-extra, handmade. With -x" in said.stderr
    assert (files(root), "/simple/" in (tmp_path / "asked").read_text()) == (before, False)
    said = run(words, index, "--private", "*-secret", "--compare", root)
    assert re.match(r"checking 4 packages for newer version\n(?=.*-)[u-]{4}\n\nhandmade: ours, because ", said.stdout)
    assert "acme-core 1.0 -> 1.1: would update\n    would fetch acme_core-1.1-py3-none-any.whl" in said.stdout
    assert "whose they are (--private NAME keeps a name in): acme-core, acme-extra, handmade" in said.stderr
    assert (files(root), (root / ".projects").exists()) == (before, False)
    said = run(words, index, "--private", "*-secret", "-x", root)
    assert "Fetched 2 files of 2 projects" in said.stdout
    assert files(root) == before | contents(NEW, below="sub/") | contents(OTHER[2])
    said = run(words, index, "--private", "*-secret", "-x", "-v", root)
    assert "\n\nacme-secret: not asked for, because its name matches --private *-secret\nhandmade: not " in said.stdout
    assert said.stdout.endswith("\nNothing to update.\n")
    assert (tmp_path / "asked").read_text().count("/simple/handmade/") == 2
    assert (said.stderr, "secret" in (tmp_path / "asked").read_text()) == ("", False)
    found = json.loads(run(words, index, "--private", "*-secret", "-x", "-u", "--json", root).stdout)
    assert [(each["project"], each["state"], len(each["files"])) for each in found["outcomes"]] == [
        ("acme-extra", "updated", 1)
    ]
    assert files(root)[OTHER[1].filename] == OTHER[1].content


def test_a_server_on_the_same_folder_goes_on_and_shows_it(upstream: Process, root: Path, start: Start) -> None:
    OLD.lay_into(root)
    server = start(root)
    assert server.comes_true(lambda: OLD.filename in server.get("/simple/acme-core/").text)
    run(COMMANDS["pypi-server -U"], f"{upstream.url}/simple", "-x", root)
    assert server.comes_true(lambda: NEW.filename in server.get("/simple/acme-core/").text)
    assert server.get(f"/packages/{NEW.filename}").body == NEW.content
    assert server.running


def test_another_folder_and_a_list_of_what_is_left_alone(upstream: Process, root: Path, tmp_path: Path) -> None:
    OLD.lay_into(root)
    OTHER[0].lay_into(root)
    (tmp_path / "ignored").write_text("Acme.Extra # not this one\n")
    new = tmp_path / "new"
    new.mkdir()
    for said in ("Fetched 1 file of 1 project", "Nothing to update"):
        done = run(
            COMMANDS["pypi-server update"], f"{upstream.url}/simple", "-x",
            "-d", new, "--ignorelist-file", tmp_path / "ignored", root,
        )  # fmt: skip
        assert said in done.stdout
    assert (files(new), files(root)) == (contents(NEW), contents(OLD, OTHER[0]))
    assert "acme-extra" not in (tmp_path / "asked").read_text()


def test_what_fails_is_said_and_counts_only_when_that_is_asked_for(root: Path, tmp_path: Path) -> None:
    OLD.lay_into(root)
    OLD.lay_into(tmp_path / "other")
    nowhere = "http://127.0.0.1:1/simple"
    # Each tries for some seconds.
    with ThreadPoolExecutor() as pool:
        strict = pool.submit(run, COMMANDS["pypi-server -U"], nowhere, "-x", "--strict", tmp_path / "other", code=1)
        said = run(COMMANDS["pypi-server -U"], nowhere, "-x", root)
        strict.result()
    assert said.stdout.startswith("checking 1 packages for newer version\ne\n\nacme-core: error\n    ")
    assert said.stdout.endswith("Nothing to update; 1 project failed.\n")
    assert files(root) == files(tmp_path / "other") == contents(OLD)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 130)])
def test_broken_off_it_leaves_nothing_that_is_not_whole(
    number: int, code: int, root: Path, tmp_path: Path, start: Start
) -> None:
    OLD.lay_into(root)
    variables = clean_variables() | {"TMPDIR": str(tmp_path)}
    with slow_upstream("acme-core", [OLD, NEW]) as upstream:
        words = command(COMMANDS["pypi-server -U"], upstream.url, "-x", root)
        with subprocess.Popen(words, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert upstream.waiting.wait(30)
            process.send_signal(number)
            said = process.communicate(timeout=30)[1].decode()
        assert process.returncode == code
        assert ("the next update goes on" in said, "Traceback" in said) == (number != signal.SIGKILL, False)
        assert (files(root), list(root.glob(".acme*")), list(root.glob(".upload*"))) == (contents(OLD), [], [])
        assert NEW.filename not in start(root).get("/simple/acme-core/").text
        upstream.go.set()
        run(COMMANDS["pypi-server -U"], upstream.url, "-x", root)
    assert files(root) == contents(OLD, NEW)


def test_on_a_terminal_there_is_a_bar(upstream: Process, root: Path) -> None:
    OLD.lay_into(root)
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            command(COMMANDS["pypi-server -U"], f"{upstream.url}/simple", "-x", root),
            check=True,
            env=clean_variables() | {"COLUMNS": "200"},
            stdout=theirs,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )
        shown = os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert re.search(r"\r\x1b\[K\[[.#]{24}\] +\d+%  .* of .*kB  acme_core-1\.1", shown)
    assert "Fetched 1 file of 1 project" in shown


def test_what_is_quarantined_upstream_is_recalled_by_an_update(upstream: Process, tmp_path: Path, root: Path) -> None:
    index = f"{upstream.url}/simple"
    OLD.lay_into(root)
    run(COMMANDS["twisted-pypi update"], index, "-x", root)
    mark("status", ["acme-core", "quarantined", "--reason", "it steals", "--root", str(tmp_path / "upstream/packages")])
    end = time.monotonic() + 30
    while b"quarantined" not in upstream.get("/simple/acme-core/").body:
        assert time.monotonic() < end
        time.sleep(0.05)
    said = run(COMMANDS["twisted-pypi update"], index, root)
    assert "quarantined there" not in said.stderr
    said = run(COMMANDS["twisted-pypi update"], index, "-x", root)
    assert re.search(rf"{NEW.filename} of acme-core, fetched from .*, was quarantined there, .*it steals", said.stderr)
    sidecar = json.loads((root / sidecar_name(NEW.filename)).read_text())
    assert (sidecar["recall"]["how"], sidecar["recall"]["hidden"]) == ("quarantined", True)
    # What was put there by hand has no sidecar, and stays.
    assert not (root / sidecar_name(OLD.filename)).exists()


def test_a_server_updates_by_itself_and_outlives_an_outage(updating: Updating) -> None:
    server = updating.server
    old, new, newest = (each.filename for each in (updating_itself.OLD, updating_itself.NEW, updating_itself.NEWEST))
    assert server.comes_true(lambda: listed(server, "borrowed") == {old, new}, within=FIRST + 30)
    assert server.get(f"/packages/{new}").body == updating_itself.NEW.content
    updating.upstream.kill()
    assert server.comes_true(lambda: "could not be updated" in server.log)
    updating.publish()
    updating.upstream.start()
    assert server.comes_true(lambda: newest in listed(server, "borrowed"), within=60)
    assert not [each for each in updating.asked() if "acme" in each]
    assert server.stop() == 0
