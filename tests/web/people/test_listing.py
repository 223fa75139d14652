import html
import re
import tracemalloc
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

import pytest_twisted

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.testing.memory_index import MemoryIndex, known_file
from twisted_pypi.web.people.listing import Listing
from twisted_pypi.web.people.templates import Templates
from twisted_pypi.web.replies import Reply


def pieces_of(reply: Reply) -> list[bytes]:
    assert not isinstance(reply.body, bytes)
    return list(reply.body)


def page_of(reply: Reply) -> str:
    return b"".join(pieces_of(reply)).decode()


@pytest_twisted.ensureDeferred
async def test_every_file_is_a_link_that_find_links_understands() -> None:
    index = MemoryIndex()
    known = known_file("sub dir/b-1.0+local.zip", requires_python=">=3.8,<4")
    await index.added(known, None)
    other = index.put("a-1.0.zip", size=1500, uploaded_ns=1_700_000_000 * 10**9)
    reply = await Listing(Templates(), index).page()
    page = page_of(reply)
    rows = re.findall(r'<li><a href="([^"]*)"([^>]*)>([^<]*)</a> <small>(.*?)</small></li>', page)
    assert [(html.unescape(href), attributes, text) for href, attributes, text, _ in rows] == [
        (f"a-1.0.zip#sha256={other.sha256}", "", "a-1.0.zip"),
        (
            f"sub%20dir/b-1.0%2Blocal.zip#sha256={known.sha256}",
            ' data-requires-python="&gt;=3.8,&lt;4"',
            known.filename,
        ),
    ]
    assert rows[0][3] == "1.5 kB, 2023-11-14"
    assert "2 files" in page
    assert dict(reply.headers)[b"Content-Type"] == b"text/html; charset=utf-8"
    assert b"default-src 'none'" in dict(reply.headers)[b"Content-Security-Policy"]


@pytest_twisted.ensureDeferred
async def test_a_path_cannot_break_out_of_its_place() -> None:
    index = MemoryIndex()
    path = 'a"><script>#?:%/x-1.0.zip'
    index.put(path)
    page = page_of(await Listing(Templates(), index).page())
    assert "<script" not in page
    (href,) = re.findall(r'<li><a href="([^"#]*)#', page)
    assert unquote(href) == path
    assert ":" not in href


@pytest_twisted.ensureDeferred
async def test_nothing_is_said_to_be_nothing() -> None:
    assert "Nothing here yet." in page_of(await Listing(Templates(), MemoryIndex()).page())


class Endless(MemoryIndex):
    """Makes its files up as they are asked for, and counts them."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count
        self.made = 0

    def _make(self) -> Iterator[KnownFile]:
        for number in range(self.count):
            self.made += 1
            yield known_file(f"project/project-{number}.0-py3-none-any.whl")

    async def all_files(self) -> Iterable[KnownFile]:
        return self._make()


@pytest_twisted.ensureDeferred
async def test_the_list_is_made_while_it_is_sent() -> None:
    index = Endless(20_000)
    reply = await Listing(Templates(), index).page()
    assert index.made == 0
    assert not isinstance(reply.body, bytes)
    pieces = iter(reply.body)
    next(pieces)
    assert 0 < index.made < 200
    tracemalloc.start()
    try:
        sizes = [len(piece) for piece in pieces]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert index.made == 20_000
    assert min(sizes) > 0
    assert max(sizes) < 20_000
    assert peak < 1 << 20
