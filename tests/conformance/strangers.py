"""What strangers may send, as Hypothesis strategies: requests of every shape that a parser lets through."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote

from hypothesis import strategies as st

from tests.conformance import corpus
from tests.conformance.rows import Request

T = TypeVar("T")


def rarely(draw: st.DrawFn, strange: st.SearchStrategy[T], usual: T) -> T:
    """Return what is usual nine times of ten."""
    return draw(strange) if draw(st.sampled_from(range(10))) == 5 else usual


_FIRST = (
    *("simple", "%2Bsimple", "+simple", "packages", "pypi", "legacy", "RPC2", "-", "health", "acme-core", "Acme_Core"),
    "",
)
_WORDS = (
    *_FIRST,
    *[
        "json",
        "1.0",
        "..",
        ".",
        "%2e%2e",
        "%2f",
        "%00",
        "%0d%0a",
        "%ff",
        "%",
        "%zz",
        "*",
        "~",
        "a,b+c",
        "a%2Cb%2Bc",
        "status",
        "metadata",
    ],
    *[
        "htpasswd",
        "outside",
        "outside-1.0.tar.gz",
        ".hidden-1.0.tar.gz",
        ".folder",
        ".twisted-pypi",
        "catalog.sqlite",
        "notes.txt",
    ],
    "x" * 300,
)
_FILES = tuple(
    f"/packages/{quote(path)}{ending}"
    for path in corpus.FILES
    if "many" not in path
    for ending in ("", "", ".metadata", ".asc", "/")
)
_PAGES = [
    "/simple/",
    "/simple/acme-core/",
    "/simple/odd/",
    "/simple/linked/",
    "/%2Bsimple/broken/",
    "/packages/",
    "/",
    "/health",
]
_DOCUMENTS = ("/pypi/acme-core/json", "/pypi/acme-core/1.0/json", "/odd/json")
_THERE = st.one_of(st.sampled_from(_PAGES), st.sampled_from(_FILES), st.sampled_from(_DOCUMENTS))
_QUOTED = st.one_of(
    st.binary(max_size=12).map(quote), st.text(max_size=12).map(lambda each: quote(each, errors="replace"))
)
_SEGMENTS = st.lists(st.one_of(st.sampled_from(_WORDS), _QUOTED), max_size=4)
_KNOWN_QUERIES = (
    "?format=text/html",
    "?format=application/vnd.pypi.simple.v1+json",
    "?format=x",
    "?",
    "?&&",
    "?format",
)
_QUERIES = st.one_of(st.sampled_from(_KNOWN_QUERIES), st.binary(max_size=12).map(lambda data: "?format=" + quote(data)))


@st.composite
def targets(draw: st.DrawFn) -> str:
    """The target of a request: something that is there, or made of what is."""
    path = draw(_THERE)
    if draw(st.sampled_from(range(3))) == 1:
        path = "/" + "/".join([draw(st.sampled_from(_FIRST)), *draw(_SEGMENTS)])
    authority = rarely(draw, st.sampled_from(("http://index.example.com", "HTTPS://x:1")), "")
    return f"{authority}{path}{rarely(draw, _QUERIES, '')}"


_SIMPLE = "application/vnd.pypi.simple."
_TYPES = ("*/*", "text/html", "text/*", "application/*", "application/json", f"{_SIMPLE}v1+json", f"{_SIMPLE}v1+html")
_WEIGHTS = ("", ";q=0", ";q=1", ";q=0.5", ";q=0.001", ";q=", ";q=2", ";level=1;q=.3", ';x=",";q=0.2', ";")
_ACCEPTED = st.tuples(st.sampled_from((*_TYPES, "x", "")), st.sampled_from(_WEIGHTS)).map("".join)
_NUMBER = st.one_of(st.just(""), st.integers(0, 3 << 20).map(str), st.integers(0, 10**30).map(str))
_RANGES = st.lists(st.tuples(_NUMBER, _NUMBER).map("-".join), min_size=1, max_size=40).map(",".join)
_ETAG = f'"{corpus.CORE_SHA256}"'
_TAGS = ("*", '"x"', 'W/"x"', _ETAG, f"W/{_ETAG}", f'"x", {_ETAG}', '"', "")
_DATES = (
    corpus.LONG_AGO_HTTP,
    "Sun, 22 Nov 2099 00:00:00 GMT",
    "Sun Sep 13 12:26:40 2020",
    "Mon, 99 Xyz 99999 99:99:99 GMT",
    "0",
)
_LOGINS = (corpus.LOGIN.partition(": ")[2], "Basic eDp5", "Basic", "Bearer x", "Basic \xff")

_VALUES: dict[str, st.SearchStrategy[str]] = {
    "Accept": st.lists(_ACCEPTED, max_size=5).map(", ".join),
    "Accept-Encoding": st.sampled_from(
        ("gzip", "gzip;q=0", "identity;q=0", "*;q=0", "*", "br, gzip;q=0.1", "zstd", "")
    ),
    "Authorization": st.sampled_from(_LOGINS),
    "Range": _RANGES.map(lambda parts: f"bytes={parts}"),
    "If-Range": st.sampled_from((*_TAGS, *_DATES)),
    "If-Match": st.sampled_from(_TAGS),
    "If-None-Match": st.sampled_from(_TAGS),
    "If-Modified-Since": st.sampled_from(_DATES),
    "If-Unmodified-Since": st.sampled_from(_DATES),
    "X-Forwarded-For": st.sampled_from(("1.2.3.4", "x", "1.2.3.4, 5.6.7.8")),
    "Forwarded": st.sampled_from(("for=1.2.3.4;host=x", "for=")),
}
_TEXT = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=20)


@st.composite
def header_lines(draw: st.DrawFn) -> tuple[str, ...]:
    """Header lines, most of them with values that mean something."""
    names = draw(st.lists(st.sampled_from(sorted(_VALUES)), max_size=4, unique=True))
    return tuple(f"{name}: {rarely(draw, _TEXT, draw(_VALUES[name])).strip()}" for name in names)


METHODS = (*["GET"] * 14, "HEAD", "HEAD", "DELETE", "OPTIONS", "PUT", "get", "X-Y")
REQUESTS = st.builds(Request, target=targets(), headers=header_lines(), method=st.sampled_from(METHODS))
"""Requests without a body."""
