"""The API that marks files and projects, asked of the whole server."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
import pytest_twisted

from tests.conformance.answers import Answer
from tests.conformance.assembly import InMemory, assembled
from tests.conformance.corpus import LOGIN, PASSWORDS
from tests.conformance.forms import upload
from twisted_pypi.testing.archives import wheel

ONE, TWO = "x-1.0-py3-none-any.whl", "x-2.0-py3-none-any.whl"
FORM = "Content-Type: application/x-www-form-urlencoded"
JSON = "Content-Type: application/json"


class Server:
    def __init__(self, memory: InMemory) -> None:
        self.memory = memory

    async def get(self, target: str, *headers: str) -> Answer:
        return await self._ask("GET", target, *headers)

    async def post(self, target: str, body: object, *headers: str) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = [] if any(line.startswith("Content-Type") for line in headers) else [JSON]
        return await self._ask("POST", target, *headers, *kind, LOGIN, body=data)

    async def page(self) -> dict[str, object]:
        answer = await self.get("/simple/x/", "Accept: application/vnd.pypi.simple.v1+json")
        assert answer.status == 200
        found: dict[str, object] = answer.json
        return found

    async def yanked(self) -> list[object]:
        files = (await self.page())["files"]
        assert isinstance(files, list)
        return [file.get("yanked", False) for file in files]

    async def _ask(self, method: str, target: str, *headers: str, body: bytes | None = None) -> Answer:
        length = [] if body is None else [f"Content-Length: {len(body)}"]
        head = "\r\n".join((f"{method} {target} HTTP/1.1", "Host: x", *headers, *length))
        return await self.memory.ask(head.encode() + b"\r\n\r\n" + (body or b""), method)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Server]:
    root = folder / "packages"
    root.mkdir()
    for name, version in ((ONE, "1.0"), (TWO, "2.0")):
        (root / name).write_bytes(wheel("x", version))
    (folder / "htpasswd").write_text(PASSWORDS)
    async with assembled(root, "--passwords", str(folder / "htpasswd"), "--disable-fallback") as memory:
        yield Server(memory)


@pytest_twisted.ensureDeferred
async def test_a_yank_is_on_the_next_page_and_back(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        assert await server.yanked() == [False, False]
        answer = await server.post("/-/projects/X/yank", {"version": "1.0", "reason": "broken"})
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json == {"project": "x", "status": "active", "reason": None, "yanked": {ONE: "broken"}}
        assert await server.yanked() == ["broken", False]
        body = urlencode({"filename": TWO}).encode()
        assert (await server.post("/-/projects/x/yank", body, FORM)).status == 200
        assert await server.yanked() == ["broken", True]
        sidecar = json.loads((tmp_path / "packages" / f".{ONE}.json").read_bytes())
        assert (sidecar["yanked"], sidecar["yanked-by"]) == ("broken", "ada")
        assert (await server.get("/-/projects/x/status")).json["yanked"] == {ONE: "broken", TWO: ""}
        answer = await server.post("/-/projects/x/unyank", {"version": "1.0"})
        assert answer.json["yanked"] == {TWO: ""}
        assert await server.yanked() == [False, True]


@pytest_twisted.ensureDeferred
async def test_each_status_does_what_it_says(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        assert "project-status" not in await server.page()
        new = upload("x", "3.0").data([])
        for status in ("archived", "quarantined"):
            answer = await server.post("/-/projects/x/status", {"status": status, "reason": "done"})
            assert answer.json["status"] == status
            assert (await server.page())["project-status"] == {"status": status, "reason": "done"}
            answer = await server.memory.ask(new, "POST")
            assert (answer.status, answer.reason) == (403, f"the project x takes no uploads: it is {status}: done")
        assert (await server.page())["files"] == []
        for target in (f"/packages/{ONE}", f"/packages/{ONE}.metadata", f"/integrity/x/1.0/{ONE}/provenance"):
            answer = await server.get(target)
            assert (answer.status, "is quarantined: done" in answer.reason) == (403, True), target
        assert ONE.encode() not in (await server.get("/packages/")).body
        assert (await server.get("/pypi/x/json")).status == 404
        found = await server.post("/RPC2", _SEARCH, "Content-Type: text/xml")
        assert (found.status, b"<string>x</string>" in found.body) == (200, False)
        await server.post("/-/projects/x/status", {"status": "deprecated"})
        assert (await server.page())["project-status"] == {"status": "deprecated"}
        assert (await server.get(f"/packages/{ONE}")).status == 200
        assert (await server.memory.ask(new, "POST")).status == 200
        await server.post("/-/projects/x/status", {"status": "active"})
        assert "project-status" not in await server.page()


@pytest.mark.parametrize(
    ("target", "body", "headers", "status"),
    [
        ("x/yank", {"version": "3.0"}, (), 404),
        ("y/yank", {"version": "1.0"}, (), 404),
        ("-/yank", {"version": "1.0"}, (), 404),
        ("%FF/yank", {"version": "1.0"}, (), 404),
        ("x/yank", {}, (), 400),
        ("x/yank", {"version": "1.0", "filename": ONE}, (), 400),
        ("x/yank", {"version": 1}, (), 400),
        ("x/yank", [], (), 400),
        ("x/yank", b"{", (), 400),
        ("x/yank", b"[" * 60_000, (), 400),
        ("x/yank", b"\xff", (FORM,), 400),
        ("x/yank", b"version=1.0", ("Content-Type: text/plain",), 400),
        ("x/yank", {"version": "1.0", "reason": "\0"}, (), 400),
        ("x/yank", {"version": "1.0", "reason": "r" * 70_000}, (), 413),
        ("x/yank", {"version": "1.0"}, ("Sec-Fetch-Site: cross-site",), 403),
        ("x/status", {"status": "gone"}, (), 400),
        ("x/status", {}, (), 400),
        ("x/gone", {"version": "1.0"}, (), 405),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_is_refused_changes_nothing(
    tmp_path: Path, target: str, body: object, headers: tuple[str, ...], status: int
) -> None:
    async with serving(tmp_path) as server:
        answer = await server.post(f"/-/projects/{target}", body, *headers)
        assert answer.status == status, answer
        assert await server.yanked() == [False, False]
        assert sorted(each.name for each in (tmp_path / "packages").glob(".*.json")) == []


@pytest_twisted.ensureDeferred
async def test_it_needs_the_login_of_an_upload(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        for verb in ("yank", "unyank", "status"):
            head = f"POST /-/projects/x/{verb} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n{JSON}\r\n\r\n{{}}"
            assert (await server.memory.ask(head.encode(), "POST")).status == 401
        # Nobody waits for the body of a stranger.
        head = f"POST /-/projects/x/yank HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n{JSON}\r\n\r\n"
        assert (await server.memory.ask(head.encode(), "POST")).status == 401
        assert (await server.get("/-/projects/x/yank")).status == 405
        assert (await server.get("/-/projects/x/status")).status == 200
        assert (await server.get("/-/projects/y/status")).status == 404


_SEARCH = (
    b"<?xml version='1.0'?><methodCall><methodName>search</methodName><params><param><value><struct><member>"
    b"<name>name</name><value><array><data><value><string>x</string></value></data></array></value></member></struct>"
    b"</value></param><param><value><string>or</string></value></param></params></methodCall>"
)
