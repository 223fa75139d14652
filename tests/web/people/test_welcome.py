import hashlib
import html
import re
from base64 import b64encode
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from twisted_pypi.testing.memory_index import MemoryIndex
from twisted_pypi.web.people.templates import Templates
from twisted_pypi.web.people.welcome import LARGEST_WELCOME, Welcome
from twisted_pypi.web.replies import Reply

P = ParamSpec("P")
T = TypeVar("T")
BASE = "http://pypi.example.com:8080/team"


async def at_once(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    return function(*args, **kwargs)


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates()


@pytest.fixture
def index() -> MemoryIndex:
    index = MemoryIndex()
    for each in ("a-1.0.zip", "a-2.0.zip", "sub/b-1.0.zip"):
        index.put(each)
    return index


def text_of(reply: Reply) -> str:
    assert isinstance(reply.body, bytes)
    return reply.body.decode()


class Codes(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag == "pre":
            self._inside = True
            self.lines.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "pre"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.lines[-1] += data


@pytest_twisted.ensureDeferred
async def test_the_page_says_how_much_is_here_and_what_to_paste(templates: Templates, index: MemoryIndex) -> None:
    reply = await Welcome(templates, index, at_once, version="1.2").page(BASE)
    page = text_of(reply)
    assert reply.status == 200
    assert dict(reply.headers)[b"Content-Type"] == b"text/html; charset=utf-8"
    assert re.findall(r"<strong>(.*?)</strong> (\w+)", page) == [("2", "projects"), ("3", "files")]
    assert f"pip install --index-url {BASE}/simple/ --trusted-host pypi.example.com PACKAGE" in Codes(page).lines
    assert f"twine upload --repository-url {BASE}/ dist/*" in Codes(page).lines
    assert f'href="{BASE}/simple/"' in page
    assert f'href="{BASE}/packages/"' in page
    assert "twisted_pypi 1.2" in page
    assert "login" not in page


@pytest_twisted.ensureDeferred
async def test_one_is_not_a_plural(templates: Templates) -> None:
    index = MemoryIndex()
    index.put("a-1.0.zip")
    page = text_of(await Welcome(templates, index, at_once, version="1").page(BASE))
    assert re.findall(r"<strong>(.*?)</strong> (\w+)", page) == [("1", "project"), ("1", "file")]


@pytest_twisted.ensureDeferred
async def test_what_is_off_is_not_offered(templates: Templates, index: MemoryIndex) -> None:
    page = text_of(await Welcome(templates, index, at_once, version="1", uploads=False, login_to_read=True).page(BASE))
    assert "twine" not in page
    assert "Uploads are off" in page
    assert "Installing needs a login" in page


@pytest_twisted.ensureDeferred
async def test_an_address_cannot_break_out_of_its_place(templates: Templates, index: MemoryIndex) -> None:
    page = text_of(await Welcome(templates, index, at_once, version="1").page('http://x"><script>alert(1)</script>'))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest_twisted.ensureDeferred
async def test_the_policy_allows_this_very_style_and_nothing_else(templates: Templates, index: MemoryIndex) -> None:
    reply = await Welcome(templates, index, at_once, version="1").page(BASE)
    page = text_of(reply)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = dict(reply.headers)[b"Content-Security-Policy"].decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    (meta,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="(.*?)">', page)
    assert policy.startswith(html.unescape(meta))
    assert "style=" not in page
    assert "<script" not in page
    assert "prefers-color-scheme: dark" in style
    assert "url(" not in style


OWN = """<h1>{{URL}} {{ VERSION }} {{!NUMPKGS}}</h1><a href="{{PACKAGES}}">all</a> <a href="{{SIMPLE}}">simple</a>
{{OTHER}} {{URL.upper()}} {{''.__class__}} {URL} % if URL: <% import os %> {{ }} ä"""


@pytest_twisted.ensureDeferred
async def test_the_old_servers_page_is_filled_in(templates: Templates, index: MemoryIndex, tmp_path: Path) -> None:
    own = tmp_path / "welcome.html"
    own.write_text(OWN, encoding="utf-8")
    welcome = Welcome(templates, index, at_once, version="1.2", path=str(own))
    reply = await welcome.page(BASE)
    assert text_of(reply) == (
        f'<h1>{BASE}/ 1.2 3</h1><a href="/team/packages/">all</a> <a href="/team/simple/">simple</a>\n'
        "{{OTHER}} {{URL.upper()}} {{''.__class__}} {URL} % if URL: <% import os %> {{ }} ä"
    )
    assert b"Content-Security-Policy" not in dict(reply.headers)
    own.write_text("<p>{{SIMPLE}}", encoding="utf-8")
    assert text_of(await welcome.page("http://x")) == "<p>/simple/"
    assert text_of(await welcome.page("http://x/<b>")) == "<p>/&lt;b&gt;/simple/"


@pytest.mark.parametrize("fault", ["missing", "a folder", "too large"])
@pytest_twisted.ensureDeferred
async def test_a_page_that_cannot_be_read_is_reported_once(
    templates: Templates, index: MemoryIndex, tmp_path: Path, fault: str
) -> None:
    own = tmp_path / "welcome.html"
    if fault == "a folder":
        own.mkdir()
    if fault == "too large":
        own.write_bytes(b"x" * (LARGEST_WELCOME + 1))
    welcome = Welcome(templates, index, at_once, version="1", path=str(own))
    with capturedLogs() as events:
        for _ in range(3):
            assert "Package index" in text_of(await welcome.page(BASE))
    assert [event["path"] for event in events if event["log_namespace"].endswith("Welcome")] == [str(own)]


@pytest_twisted.ensureDeferred
async def test_a_page_that_comes_back_counts_again(templates: Templates, index: MemoryIndex, tmp_path: Path) -> None:
    own = tmp_path / "welcome.html"
    welcome = Welcome(templates, index, at_once, version="1", path=str(own))
    with capturedLogs() as events:
        await welcome.page(BASE)
        own.write_bytes(b"mine \xff")
        assert text_of(await welcome.page(BASE)) == "mine \ufffd"
        own.unlink()
        await welcome.page(BASE)
    assert len([event for event in events if event["log_namespace"].endswith("Welcome")]) == 2


@given(st.text(), st.text())
def test_no_text_is_an_error(own: str, base_url: str) -> None:
    path = "own"

    async def in_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        del function, args, kwargs
        return own  # type: ignore[return-value]  # stands in for reading the file

    welcome = Welcome(_TEMPLATES, MemoryIndex(), in_thread, version="1", path=path)
    replies: list[Reply] = []
    Deferred.fromCoroutine(welcome.page(base_url)).addCallback(replies.append)
    assert replies[0].status == 200
    builtin: list[Reply] = []
    Deferred.fromCoroutine(Welcome(_TEMPLATES, MemoryIndex(), at_once, version="1").page(base_url)).addCallback(
        builtin.append
    )
    assert builtin[0].status == 200


_TEMPLATES = Templates()
