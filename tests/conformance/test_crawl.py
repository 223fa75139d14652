"""Everything that the index offers can be had, and is what it says (1.2, 1.3, 2.1)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin

import pytest
import pytest_twisted

from tests.conformance import corpus
from tests.conformance.answers import Answer
from tests.conformance.assembly import InMemory, assembled
from tests.conformance.rows import JSON_ACCEPT, get

_ANCHOR = re.compile(r"<a ([^>]*)>([^<]*)</a>")
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
EXPECTED = {corpus.CORE_NAME, corpus.LOCAL_NAME, corpus.ODD_NAME, "broken-1.0-py3-none-any.whl"}


@pytest_twisted.async_yield_fixture
async def server(tmp_path: Path) -> AsyncIterator[InMemory]:
    async with assembled(corpus.lay_out(tmp_path), "--disable-fallback") as memory:
        yield memory


async def fetch(server: InMemory, path: str, *headers: str) -> Answer:
    """Return what is at a path, which has to be there."""
    answer = await server.ask(get(path, *headers).data([]), "GET")
    assert answer.status == 200, (path, answer)
    return answer


async def pages(server: InMemory, *headers: str) -> dict[str, Answer]:
    """Every page, by its path."""
    listed = await fetch(server, "/simple/", JSON_ACCEPT)
    paths = [f"/simple/{each['name']}/" for each in listed.json["projects"]]
    return {path: await fetch(server, path, *headers) for path in paths}


async def check_file(server: InMemory, path: str, digest: str, size: int | None, metadata: str | None) -> None:
    """See that a file, and its metadata if it has any, is what a page says."""
    answer = await fetch(server, path)
    assert sha256(answer.body).hexdigest() == digest
    assert size is None or len(answer.body) == size
    if metadata is not None:
        assert sha256((await fetch(server, f"{path}.metadata")).body).hexdigest() == metadata


@pytest_twisted.ensureDeferred
async def test_what_the_pages_in_json_offer(server: InMemory) -> None:
    found = []
    for page, answer in (await pages(server, JSON_ACCEPT)).items():
        files: list[dict[str, Any]] = answer.json["files"]
        for each in files:
            path = urljoin(page, each["url"])
            assert unquote(path).rpartition("/")[2] == each["filename"]
            metadata = each.get("core-metadata", {}).get("sha256")
            await check_file(server, path, each["hashes"]["sha256"], each["size"], metadata)
            found.append(each["filename"])
    assert len(found) == len(set(found))
    assert set(found) >= EXPECTED


@pytest.mark.parametrize("path", ["pages", "/packages/"])
@pytest_twisted.ensureDeferred
async def test_what_the_pages_in_html_offer(path: str, server: InMemory) -> None:
    sources = await pages(server)
    if path != "pages":  # the list of all files tells of those that were read, and by now all were
        sources = {path: await fetch(server, path)}
    found = []
    for page, answer in sources.items():
        for attributes, text in _ANCHOR.findall(answer.text):
            link = {name: unescape(value) for name, value in _ATTRIBUTE.findall(attributes)}
            address, _, digest = urljoin(page, link["href"]).partition("#sha256=")
            if not digest:
                continue
            assert unquote(address).rpartition("/")[2] == unescape(text)
            metadata = link.get("data-core-metadata", "sha256=").partition("=")[2] or None
            assert link.get("data-dist-info-metadata") == link.get("data-core-metadata")
            await check_file(server, address, digest, None, metadata)
            found.append(unescape(text))
    assert len(found) == len(set(found))
    assert set(found) >= EXPECTED
