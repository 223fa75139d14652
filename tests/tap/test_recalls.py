"""A whole server whose upstream takes back what was fetched from it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest_twisted
from twisted.internet import reactor

from tests.conformance.answers import Answer
from tests.conformance.assembly import PATIENCE, InMemory, assembled
from tests.conformance.corpus import LOGIN, PASSWORDS
from twisted_pypi.command.recalls import recalls
from twisted_pypi.recalling.looking import EVERY, JITTER
from twisted_pypi.sidecars import format_sidecar, sidecar_name
from twisted_pypi.simple.model import File
from twisted_pypi.testing.archives import wheel
from twisted_pypi.testing.scripted_pages import JSON, Upstreamed
from twisted_pypi.testing.scripted_upstream import ScriptedUpstream
from twisted_pypi.upstream_facts import upstream_sidecar

FOO, BAR = "foo-1.0-py3-none-any.whl", "bar-1.0-py3-none-any.whl"
FILES = {name: wheel(name[:3], "1.0") for name in (FOO, BAR)}


class Mirror:
    """The server, its upstream, and what is asked of it."""

    def __init__(self, memory: InMemory, upstream: ScriptedUpstream) -> None:
        self.memory = memory
        self.upstream = upstream

    async def get(self, target: str, *headers: str) -> Answer:
        head = "\r\n".join((f"GET {target} HTTP/1.1", "Host: x", *headers))
        return await self.memory.ask(head.encode() + b"\r\n\r\n", "GET")

    async def listed(self, name: str) -> list[str]:
        return [each["filename"] for each in (await self.get(f"/simple/{name}/", f"Accept: {JSON}")).json["files"]]

    async def status(self, *headers: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.get("/-/status", "Accept: application/json", *headers)).json
        return found

    async def until_kept(self) -> None:
        """Wait for a file that was fetched: its client may have it before its name is on the disk."""
        end = time.monotonic() + PATIENCE
        while not any(self.memory.root.glob(f".upstream/**/{FOO}")):
            assert time.monotonic() < end
            await self.memory.turn()

    async def until_recalled(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many recalls in the status, and have the next look at the upstream be made meanwhile."""
        await self.until_kept()
        self.memory.reactor.pass_over(EVERY)
        self.memory.reactor.pass_over(JITTER)
        end = time.monotonic() + PATIENCE
        while len(found := (await self.status())["recalls"]) != count:
            assert time.monotonic() < end, found
            await self.memory.turn()
            # Its clock is ahead of the time by now, and does not go by itself.
            self.memory.reactor.pass_over(0.01)
        recalled: list[dict[str, Any]] = found
        return recalled


@asynccontextmanager
async def mirroring(folder: Path) -> AsyncIterator[Mirror]:
    """A server that fetches for clients, with one file that an update has put into its folder."""
    root = folder / "packages"
    root.mkdir()
    (root / BAR).write_bytes(FILES[BAR])
    os.utime(root / BAR, (10**9, 10**9))
    digest = sha256(FILES[BAR]).hexdigest()
    file = File(BAR, "https://files.example.com/bar", {"sha256": digest})
    sidecar = upstream_sidecar(file, "https://index.example.com/simple", 10**18, digest)
    (root / sidecar_name(BAR)).write_bytes(format_sidecar(sidecar))
    (folder / "htpasswd").write_text(PASSWORDS)
    upstream = ScriptedUpstream(reactor)
    await upstream.start()
    for name, data in FILES.items():
        upstream.publish(name[:3], Upstreamed(name, data))
    user = PASSWORDS.partition(":")[0]
    options = ("--passwords", str(folder / "htpasswd"), "--admins", user, "--watch", "off")
    try:
        async with assembled(root, "--fallback", "proxy", "--upstream", f"{upstream.url}/simple", *options) as memory:
            yield Mirror(memory, upstream)
    finally:
        await upstream.stop()


@pytest_twisted.ensureDeferred
async def test_malware_is_recalled_though_nobody_asks_for_its_page(tmp_path: Path) -> None:
    async with mirroring(tmp_path) as mirror:
        assert await mirror.listed("foo") == [FOO]
        assert (await mirror.get(f"/files/foo/{FOO}", "User-Agent: uv/1")).body == FILES[FOO]
        assert (await mirror.get(f"/packages/{BAR}", "User-Agent: uv/2")).body == FILES[BAR]
        assert (await mirror.status())["recalls"] == []
        for name in ("foo", "bar"):
            mirror.upstream.projects[name].status = "quarantined"
        found = {each["filename"]: each for each in await mirror.until_recalled(2)}
        assert {name: (each["how"], each["hidden"], each["kept"]) for name, each in found.items()} == {
            FOO: ("quarantined", True, "cache"),
            BAR: ("quarantined", True, "folders"),
        }
        for target in (f"/files/foo/{FOO}", f"/files/bar/{BAR}", f"/packages/{BAR}", f"/packages/{BAR}.metadata"):
            answer = await mirror.get(target)
            assert (answer.status, "quarantined" in answer.text) == (403, True), target
        assert await mirror.listed("foo") == await mirror.listed("bar") == []
        assert "takers" not in found[FOO]
        takers = {each["filename"]: each["takers"] for each in (await mirror.status(LOGIN))["recalls"]}
        assert {name: [each["agent"] for each in who] for name, who in takers.items()} == {FOO: ["uv/1"], BAR: ["uv/2"]}
        page = await mirror.get("/-/status", "Accept: text/html", LOGIN)
        assert "with uv/1" in page.text
        assert (await mirror.get("/-/status", "Authorization: Basic d3Jvbmc6d3Jvbmc=")).status == 401
    # What lies in the folders says as much, when the server is gone.
    needs_a_hand, said = recalls(["--root", str(tmp_path / "packages")], {})
    assert needs_a_hand
    assert [line.partition(" of ")[0] for line in said.splitlines() if line.startswith("!")] == [f"! {BAR}", f"! {FOO}"]
    assert said.count("taken once by somebody from ") == 2


@pytest_twisted.ensureDeferred
async def test_it_is_still_recalled_after_a_restart_until_the_upstream_takes_that_back(tmp_path: Path) -> None:
    async with mirroring(tmp_path) as mirror:
        await mirror.get(f"/files/foo/{FOO}")
        assert await mirror.listed("bar") == [BAR]
        for name in ("foo", "bar"):
            mirror.upstream.projects[name].status = "quarantined"
        await mirror.until_recalled(2)
        assert json.loads((tmp_path / "packages" / sidecar_name(BAR)).read_text())["recall"]["how"] == "quarantined"
        locked = tmp_path / "packages/.upstream/.locked/foo" / FOO
        assert locked.read_bytes() == FILES[FOO]
        for name in ("foo", "bar"):
            mirror.upstream.projects[name].status = None
        await mirror.until_recalled(0)
        assert (await mirror.get(f"/files/foo/{FOO}")).body == FILES[FOO]
        assert (await mirror.get(f"/packages/{BAR}")).body == FILES[BAR]
        assert (await mirror.listed("foo"), await mirror.listed("bar")) == ([FOO], [BAR])
