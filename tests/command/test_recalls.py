"""What was taken back, by the command: from folders that nobody serves, and from a server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from twisted_pypi.boundaries import Recall
from twisted_pypi.command import twisted_pypi
from twisted_pypi.command.recalls import recalls
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import TwistedPyPIError
from twisted_pypi.recalling.report import RecalledFile, Taker, write_recall
from twisted_pypi.sidecars import format_sidecar, sidecar_name
from twisted_pypi.simple.model import File
from twisted_pypi.storage.upstream_cache import DirectoryCache
from twisted_pypi.testing.archives import wheel
from twisted_pypi.upstream_facts import upstream_sidecar, with_recall

INDEX = "https://index.example.com/simple"
FOO = ProjectName("foo")
S = 10**9
THEN = 1_700_000_000


def name_of(version: str) -> str:
    return f"foo-{version}-py3-none-any.whl"


def file_of(version: str, data: bytes) -> File:
    return File(name_of(version), f"https://files.example.com/{version}", {"sha256": sha256(data).hexdigest()})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "packages"
    (root / "sub").mkdir(parents=True)
    return root


def hold(root: Path, version: str, recall: Recall | None) -> None:
    """Have a file that an update fetched."""
    data = wheel("foo", version)
    (root / "sub" / name_of(version)).write_bytes(data)
    sidecar = upstream_sidecar(file_of(version, data), INDEX, THEN * S, sha256(data).hexdigest())
    (root / "sub" / sidecar_name(name_of(version))).write_bytes(format_sidecar(with_recall(sidecar, recall)))


def keep(root: Path, version: str, recall: Recall | None) -> None:
    """Have a file that was fetched for a client."""
    cache = DirectoryCache(str(root), clock=lambda: THEN)
    data = wheel("foo", version)
    staged = cache.stage(None)
    staged.write(data)
    cache.mark(cache.keep(staged, FOO, file_of(version, data), INDEX), recall)


def log(root: Path, *filenames: str) -> None:
    (root / ".twisted-pypi").mkdir()
    line = {
        "time": "2023-11-14T22:20:00+00:00",
        "project": "foo",
        "user": "anna",
        "address": "192.0.2.1",
        "agent": "uv\x1b",
    }
    lines = [json.dumps({**line, "filename": each}) for each in filenames]
    (root / ".twisted-pypi/downloads.jsonl").write_text("\n".join(lines))


def recall(how: str, *, confirmed: bool = False, hidden: bool = False, reason: str | None = None) -> Recall:
    return Recall(how, (THEN + 60) * S, confirmed, hidden, reason)


def test_what_lies_in_the_folders(root: Path) -> None:
    assert recalls(["--root", str(root)], {}) == (False, "Nothing that is kept here was taken back.")
    hold(root, "1.0", recall("quarantined", hidden=True, reason="it\x1b[2J steals"))
    hold(root, "1.1", None)
    keep(root, "1.0", recall("quarantined", hidden=True))
    keep(root, "2.0", recall("yanked"))
    log(root, name_of("1.0"), name_of("1.0"))
    needs_a_hand, said = recalls(["--root", str(root)], {})
    fetched = f"of foo, fetched from {INDEX} at 2023-11-14T22:13:20Z, was"
    since = "there, as was first seen at 2023-11-14T22:14:20Z"
    taken = "    taken 2 times by anna from 192.0.2.1 with uv?, last at 2023-11-14T22:20:00Z"
    hidden = "it is kept from clients, and stays on the disk."
    assert needs_a_hand
    assert said.splitlines() == [
        f"! {name_of('1.0')} {fetched} quarantined {since} (it?[2J steals); {hidden}",
        taken,
        f"! {name_of('1.0')} {fetched} quarantined {since}; {hidden}",
        taken,
        (
            f"- {name_of('2.0')} {fetched} yanked {since};"
            " installers pass it over unless it is asked for by its very version."
        ),
        "    taken by nobody, as far back as the log of downloads goes",
    ]


@pytest.mark.parametrize(
    ("recall", "code"),
    [
        (recall("removed"), 0),
        (recall("removed", confirmed=True), 1),
        (recall("yanked", confirmed=True), 0),
        (recall("quarantined", hidden=True), 1),
        (recall("something else"), 1),
    ],
)
def test_the_exit_code(root: Path, recall: Recall, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    hold(root, "1.0", recall)
    with pytest.raises(SystemExit) as ended:
        twisted_pypi.main(["recalls", "--root", str(root)])
    assert ended.value.code == code
    assert capsys.readouterr().out.startswith("! " if code else "- ")


@contextmanager
def serving(said: object) -> Iterator[tuple[str, list[str | None]]]:
    """A server that always says the same, and the logins that were sent to it."""
    logins: list[str | None] = []

    class Says(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert (self.path, self.headers["Accept"]) == ("/team/-/status", "application/json")
            logins.append(self.headers["Authorization"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Says)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/team/simple/", logins
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def told(takers: list[Taker] | None) -> dict[str, Any]:
    found = RecalledFile(FOO, name_of("1.0"), "0" * 64, recall("removed", confirmed=True), INDEX, None, cached=False)
    return {"version": "1", "troubles": [], "recalls": [write_recall(found, takers)]}


def test_what_a_server_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Lines())
    with serving(told([Taker("anna", "192.0.2.1", "uv", S, S, 1)])) as (url, logins):
        needs_a_hand, said = recalls(["--url", url, "-u", "root"], {})
    assert needs_a_hand
    assert said.splitlines() == [
        (
            f"! {name_of('1.0')} of foo was removed there, as was first seen at 2023-11-14T22:14:20Z;"
            " it is still given out, as the rules say."
        ),
        "    taken once by anna from 192.0.2.1 with uv, last at 1970-01-01T00:00:01Z",
    ]
    assert logins == ["Basic cm9vdDpzZWNyZXQ="]
    with serving(told(None)) as (url, _):
        assert json.loads(recalls(["--url", url, "--json"], {})[1])["recalls"] == told(None)["recalls"]
    with serving(told(None)) as (url, _):
        said = recalls(["--url", url], {})[1]
    assert said.splitlines()[1:] == ["Who took them is told to a login that is named in --admins (-u USER)."]


class Lines:
    def isatty(self) -> bool:
        return False

    def readline(self) -> str:
        return "secret\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--root", "/nowhere"], "/nowhere is not there"),
        (["--url", "ftp://x"], "is no address"),
        (["--url", "http://127.0.0.1:1", "--root", "x"], "does not go with --url"),
        (["-u", "anna", "--root", "/"], "-u goes with --url"),
    ],
)
def test_what_cannot_be_done_is_said(argv: list[str], said: str) -> None:
    with pytest.raises(TwistedPyPIError, match=said):
        recalls(argv, {})


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"version": "1", "troubles": []}, "it knows of no recalls"),
        ([], "answers something else"),
        ({"version": "1", "troubles": [], "recalls": [{}]}, "answers something else"),
        ({"version": "1", "troubles": [], "recalls": [None]}, "answers something else"),
    ],
)
def test_a_server_that_knows_nothing_of_it(answer: object, said: str) -> None:
    with serving(answer) as (url, _), pytest.raises(TwistedPyPIError, match=said):
        recalls(["--url", url], {})
