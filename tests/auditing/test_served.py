"""The audit log of the whole server: who did what, from where, with which client."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_twisted

from tests.conformance.assembly import InMemory, assembled
from tests.conformance.corpus import LOGIN, PASSWORDS
from tests.conformance.forms import upload
from twisted_pypi.serving.starting import CannotStart

KEYS = ["time", "kind", "project", "version", "files", "user", "address", "client", "reason", "detail", "times"]
CLIENT = ("User-Agent: twine/6.2 (test)", "X-Forwarded-For: 192.0.2.7, 198.51.100.9")
ONE = "x-1.0-py3-none-any.whl"


class Server:
    def __init__(self, memory: InMemory, path: Path) -> None:
        self.memory = memory
        self.path = path

    async def post(self, target: str, login: str | None = LOGIN, **fields: str) -> int:
        body = urlencode(fields).encode()
        lines = (
            f"POST {target} HTTP/1.1", "Host: x", *CLIENT, *([login] if login else []),
            "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}",
        )  # fmt: skip
        return (await self.memory.ask("\r\n".join(lines).encode() + b"\r\n\r\n" + body, "POST")).status

    async def upload(self, version: str) -> int:
        return (await self.memory.ask(upload("x", version, *CLIENT).data([]), "POST")).status

    def read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    async def lines(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many lines in all."""
        for _ in range(2000):
            if len(found := self.read()) >= count:
                return found
            self.memory.reactor.pass_over(0.05)
            await self.memory.turn()
        raise AssertionError(self.read())


@asynccontextmanager
async def serving(folder: Path, *options: str) -> AsyncIterator[Server]:
    root = folder / "packages"
    root.mkdir()
    (folder / "htpasswd").write_text(PASSWORDS)
    options = ("--passwords", str(folder / "htpasswd"), "--disable-fallback", "--overwrite", *options)
    audit = folder / "audit.jsonl"
    async with assembled(
        root, "--audit-log", str(audit), *options, "--trusted-proxy", "192.168.1.1", "--trusted-proxy", "198.51.100.9"
    ) as memory:
        yield Server(memory, audit)


@pytest_twisted.ensureDeferred
async def test_everything_that_somebody_does_by_requests(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        assert await server.upload("1.0") == 200
        assert await server.upload("1.0") == 200, "the same again is fine, and nothing happens"
        assert await server.post("/-/projects/X/yank", version="1.0", reason="broken") == 200
        assert await server.post("/-/projects/X/unyank", filename=ONE) == 200
        assert await server.post("/-/projects/X/status", status="deprecated", reason="old") == 200
        assert await server.post("/", **{":action": "remove_pkg", "name": "x", "version": "1.0"}) == 200
        lines = await server.lines(6)
        assert [line["kind"] for line in lines] == ["login", "upload", "yank", "unyank", "status", "removal"]
        for line in lines:
            assert list(line) == KEYS
            assert (line["user"], line["address"], line["client"]) == ("ada", "192.0.2.7", "twine/6.2 (test)")
        for line in (lines[1], lines[2], lines[3], lines[5]):
            assert (line["project"], line["version"]) == ("x", "1.0")
            assert [(file["filename"], len(file["sha256"])) for file in line["files"]] == [(ONE, 64)]
        assert [line["reason"] for line in lines] == [None, None, "broken", None, "old", None]
        assert (lines[4]["project"], lines[4]["detail"], lines[4]["files"]) == ("x", "deprecated", [])
        for _ in range(20):
            server.memory.reactor.pass_over(1)
            await server.memory.turn()
        assert len(server.read()) == 6, "a removal by a request is not noticed a second time"


@pytest_twisted.ensureDeferred
async def test_logins_that_failed_and_what_was_tried_with_them(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        wrong = f"Authorization: Basic {b64encode(b'ada:wrong').decode()}"
        assert await server.post("/", wrong, **{":action": "submit"}) == 401
        assert await server.post("/", None, **{":action": "submit"}) == 401, "no login is no failure"
        for _ in range(20):
            await server.post("/", wrong, **{":action": "submit"})
        lines = await server.lines(10)
        assert {line["kind"] for line in lines} == {"login-failed"}
        assert {line["user"] for line in lines} == {"ada"}
        assert lines[0]["address"] == "192.0.2.7"
        assert lines[0]["detail"] == "the user name or the password is wrong"
        server.memory.reactor.pass_over(61)
        summary = (await server.lines(11))[10]
        assert (summary["times"], summary["user"], summary["address"]) == (11, None, "192.0.2.7")


@pytest_twisted.ensureDeferred
async def test_an_upload_in_place_of_another_says_so(tmp_path: Path) -> None:
    async with serving(tmp_path, "--upload-checks", "names") as server:
        for content in (b"one", b"two"):
            request = upload("x", "1.0", *CLIENT, content=content).data([])
            assert (await server.memory.ask(request, "POST")).status == 200
        first, second = [line for line in await server.lines(3) if line["kind"] == "upload"]
        assert first["detail"] is None
        assert first["files"][0]["sha256"] in second["detail"]


@pytest_twisted.ensureDeferred
async def test_what_is_removed_by_hand_is_noticed(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        assert await server.upload("1.0") == 200
        await server.lines(2)
        (tmp_path / "packages" / ONE).unlink()
        for _ in range(100):
            server.memory.reactor.pass_over(1)
            await server.memory.turn()
        line = (await server.lines(3))[2]
        assert (line["kind"], line["project"], line["version"]) == ("removal", "x", "1.0")
        assert (line["user"], line["address"], line["detail"]) == (None, None, "found to be gone")
        assert line["files"][0]["filename"] == ONE


@pytest_twisted.ensureDeferred
async def test_the_last_line_before_the_end_is_there(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        assert await server.upload("1.0") == 200
    assert [line["kind"] for line in server.read()] == ["login", "upload"]
    assert server.path.stat().st_mode & 0o777 == 0o600


@pytest_twisted.ensureDeferred
async def test_without_a_place_for_it_the_server_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="cannot be opened"):
        async with serving(tmp_path, "--audit-log", str(tmp_path / "no" / "folder")):
            pass
