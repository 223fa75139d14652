"""Why a file is given out or not, by the command: from folders that nobody serves, and from a server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from twisted_pypi.command import twisted_pypi
from twisted_pypi.command.why import why
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import TwistedPyPIError
from twisted_pypi.policy.explanation import ExplainedFile, Explanation, State, write_document
from twisted_pypi.project_records import Whose
from twisted_pypi.sidecars import Sidecar, Source, format_sidecar, sidecar_name
from twisted_pypi.simple.model import File
from twisted_pypi.storage.upstream_cache import DirectoryCache
from twisted_pypi.testing.archives import wheel
from twisted_pypi.upstream.page_facts import PageFacts, page_digest
from twisted_pypi.upstream.pages import KeptPages

INDEX = "https://index.example.com/simple"
FOO = ProjectName("foo")
JSON = "application/vnd.pypi.simple.v1+json"
YEAR = 365 * 86_400 * 10**9


def name_of(version: str, project: str = "foo") -> str:
    return f"{project}-{version}-py3-none-any.whl"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "packages"
    root.mkdir()
    for project in ("mine", "hand"):
        data = wheel(project, "1.0")
        (root / name_of("1.0", project)).write_bytes(data)
        if project == "mine":
            sidecar = format_sidecar(Sidecar(sha256(data).hexdigest(), 10**18, source=Source.UPLOAD))
            (root / sidecar_name(name_of("1.0", project))).write_bytes(sidecar)
    return root


def keep_page(root: Path) -> None:
    """What the server wrote down when it asked last, a year ago."""
    files = [
        {"filename": name_of(version), "url": f"https://files.example.com/{version}", "upload-time": "2020-01-01T00:00:00Z",
         "hashes": {"sha256": sha256(version.encode()).hexdigest()}}
        for version in ("1.0", "2.0", "3.0")
    ]  # fmt: skip
    body = json.dumps({"meta": {"api-version": "1.4"}, "name": "foo", "versions": [], "files": files}).encode()
    url, then = f"{INDEX}/foo/", time.time_ns() - YEAR
    facts = PageFacts(INDEX, url, JSON, page_digest(url, JSON, body), then, then)
    KeptPages(lambda: str(root / ".twisted-pypi")).store(FOO, facts, body)
    cache = DirectoryCache(str(root), reserve=0)
    staged = cache.stage(3)
    staged.write(b"2.0")
    cache.keep(
        staged,
        FOO,
        File(name_of("2.0"), "https://files.example.com/2.0", {"sha256": sha256(b"2.0").hexdigest()}),
        INDEX,
    )


def test_what_is_in_the_folders(root: Path) -> None:
    options = ["--root", str(root), "--disable-fallback"]
    first, second = why(["mine", *options], {}).splitlines()
    assert first == f"mine is ours, because {name_of('1.0', 'mine')} was uploaded here."
    assert second.startswith(
        f"{name_of('1.0', 'mine')} is local, at {name_of('1.0', 'mine')}: it was uploaded here (2001-"
    )
    said = why(["hand", "1.0", *options], {})
    assert said.startswith("hand is held to be ours until it is compared with the upstream, because ")
    assert said.endswith("it was put here by hand."), "and nobody knows when"
    assert why(["Hand", "2.0", *options], {}).endswith("There is no file of hand 2.0.")
    assert why(["acme-x", *options, "--private", "acme-*"], {}).startswith(
        "acme-x is ours, because its name matches --private acme-*."
    )


def test_what_is_kept_of_an_upstream_without_asking_it(root: Path) -> None:
    keep_page(root)
    (root / ".rules.toml").write_text('deny = ["foo==1.0"]\n')
    options = ["--root", str(root), "--fallback", "proxy", "--upstream", INDEX]
    lines = why(["foo", *options], {}).splitlines()
    assert lines[0] == "foo is the upstream's, because no file of it is here."
    assert lines[1].startswith("What the upstream has is shown as it was at ")
    assert lines[2] == f"{name_of('1.0')} is held back, rule deny = foo==1.0."
    assert lines[3].startswith(f"{name_of('2.0')} is cached, fetched from {INDEX} (")
    assert lines[4] == f"{name_of('3.0')} is available: it is fetched from {INDEX} when somebody asks for it."
    found = json.loads(why(["foo", "1", *options, "--json"], {}))
    assert [(file["version"], file["state"]) for file in found["files"]] == [("1.0", "denied")]
    assert "Nothing of the upstream is shown: " in why(["bar", *options], {})


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "0 names are given: expected twisted-pypi why NAME"),
        (["a", "b", "c"], "3 names are given"),
        (["-"], "0 names are given"),
        ([".", "--root", "{root}"], "is not the name of a project"),
        (["foo", "--root", "/nowhere"], "/nowhere is not there"),
        (["foo", "--url", "ftp://x"], "is no address of a server"),
        (["foo", "--url", "http://127.0.0.1:9"], "does not answer"),
    ],
)
def test_what_cannot_be_said(root: Path, argv: list[str], said: str) -> None:
    with pytest.raises(TwistedPyPIError, match=said):
        why([each.format(root=root) for each in argv], {})


@contextmanager
def serving(answer: bytes, status: int = 200) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    asked: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("Authorization")))
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def test_what_a_server_says(capsys: pytest.CaptureFixture[str]) -> None:
    files = tuple(ExplainedFile(name_of(version), version, State.CACHED, "is cached") for version in ("1.0", "2.0"))
    explanation = Explanation(FOO, Whose.UPSTREAM, "no file of it is here", files)
    with serving(json.dumps(write_document(explanation)).encode()) as (url, asked):
        twisted_pypi.main(["why", "Foo", "2", "--url", f"{url}/simple/"])
    assert capsys.readouterr().out == (
        f"foo is the upstream's, because no file of it is here.\n{name_of('2.0')} is cached.\n"
    )
    assert asked == [("/-/why/foo", None)]


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [(b"[]", 200, "answers something else"), (b"<html>", 200, "answers something else"), (b"", 401, r"\(401\)")],
)
def test_what_a_server_answers_else(answer: bytes, status: int, said: str) -> None:
    with serving(answer, status) as (url, _), pytest.raises(TwistedPyPIError, match=said):
        why(["foo", "--url", url], {})
