"""What proxies report, and who is believed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.web.forwarded import client_address, external_base
from twisted_pypi.web.proxies import TrustedProxies

Fields = list[tuple[str, str]]


class Known:
    """Trusts 10.x addresses and loopback, and notes who was ignored."""

    def __init__(self) -> None:
        self.reported: list[str] = []

    def is_trusted(self, host: str) -> bool:
        return host.startswith("10.") or host in {"127.0.0.1", "::1", "fd00::1"}

    def ignored(self, peer: str) -> None:
        self.reported.append(peer)


class Sent:
    """The headers of a request."""

    def __init__(self, fields: Fields) -> None:
        self._fields = [(name.lower().encode(), value.encode("latin-1")) for name, value in fields]

    def __call__(self, name: bytes) -> list[bytes]:
        return [value for each, value in self._fields if each == name]


def forwarded_for(value: str) -> Fields:
    return [("X-Forwarded-For", value)]


def forwarded(value: str) -> Fields:
    return [("Forwarded", value)]


@pytest.mark.parametrize(
    ("peer", "fields", "address"),
    [
        ("127.0.0.1", [], "127.0.0.1"),
        ("192.0.2.9", [], "192.0.2.9"),
        ("192.0.2.9", forwarded_for("192.0.2.1"), "192.0.2.9"),
        ("10.0.0.1", forwarded_for("192.0.2.1"), "192.0.2.1"),
        ("::ffff:10.0.0.1", forwarded_for("192.0.2.1"), "192.0.2.1"),
        ("10.0.0.1", forwarded_for("6.6.6.6, 192.0.2.1"), "192.0.2.1"),
        ("10.0.0.1", forwarded_for("6.6.6.6,192.0.2.1 , 10.0.0.2"), "192.0.2.1"),
        ("10.0.0.1", [*forwarded_for("6.6.6.6"), *forwarded_for("192.0.2.1"), *forwarded_for("10.1.1.1")], "192.0.2.1"),
        ("10.0.0.1", forwarded_for("10.0.0.3, 10.0.0.2"), "10.0.0.3"),
        ("10.0.0.1", forwarded_for("192.0.2.1:4711"), "192.0.2.1"),
        ("10.0.0.1", forwarded_for("2001:DB8:0::1"), "2001:db8::1"),
        ("10.0.0.1", forwarded_for("[2001:db8::1]"), "2001:db8::1"),
        ("10.0.0.1", forwarded_for("[2001:db8::1]:4711"), "2001:db8::1"),
        ("10.0.0.1", forwarded_for("::ffff:192.0.2.1"), "192.0.2.1"),
        ("10.0.0.1", forwarded_for("192.0.2.1, unknown"), "10.0.0.1"),
        ("10.0.0.1", forwarded_for("192.0.2.1, _hidden, 10.0.0.2"), "10.0.0.2"),
        ("10.0.0.1", forwarded_for("192.0.2.1, <script>"), "10.0.0.1"),
        ("10.0.0.1", forwarded_for("192.0.2.1,"), "10.0.0.1"),
        ("10.0.0.1", forwarded_for("[2001:db8::1]evil"), "10.0.0.1"),
        ("10.0.0.1", forwarded_for(""), "10.0.0.1"),
        ("10.0.0.1", forwarded("for=192.0.2.1;proto=https;by=10.0.0.1"), "192.0.2.1"),
        ("10.0.0.1", forwarded('For="[2001:db8::1]:4711"'), "2001:db8::1"),
        ("10.0.0.1", forwarded('for=6.6.6.6, for="192.0.2.1:80" , For=10.0.0.2'), "192.0.2.1"),
        ("10.0.0.1", forwarded('for=6.6.6.6;x=", for=192.0.2.1'), "192.0.2.1"),
        ("10.0.0.1", forwarded("for=192.0.2.1, proto=https"), "10.0.0.1"),
        ("10.0.0.1", forwarded("for=192.0.2.1, for=unknown"), "10.0.0.1"),
        ("10.0.0.1", forwarded("for=192.0.2.1, for=_SEVKISEK"), "10.0.0.1"),
        ("10.0.0.1", [*forwarded("for=6.6.6.6"), *forwarded_for("192.0.2.1")], "192.0.2.1"),
        ("10.0.0.1", [*forwarded("for=6.6.6.6"), ("X-Forwarded-Proto", "https")], "10.0.0.1"),
        ("", forwarded_for("192.0.2.1"), ""),
    ],
)
def test_address_of_the_client(peer: str, fields: Fields, address: str) -> None:
    assert client_address(peer, Sent(fields), Known()) == address


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded"]
)
def test_headers_of_strangers_are_reported(header: str) -> None:
    known = Known()
    client_address("192.0.2.9", Sent([(header, "https")]), known)
    assert known.reported == ["192.0.2.9"]
    client_address("192.0.2.9", Sent([("Host", "x")]), known)
    client_address("10.0.0.1", Sent([(header, "https")]), known)
    assert known.reported == ["192.0.2.9"]


def base(
    fields: Fields, *, peer: str = "10.0.0.1", scheme: str = "http", host: str | None = "in:8080", prefix: str = ""
) -> str:
    return external_base(peer, scheme, None if host is None else host.encode("latin-1"), Sent(fields), prefix, Known())


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ([], "http://in:8080"),
        ([("X-Forwarded-Proto", "https")], "https://in:8080"),
        ([("X-Forwarded-Proto", "HTTPS"), ("X-Forwarded-Host", "PyPI.example.com")], "https://pypi.example.com"),
        ([("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "pypi.example.com:443")], "https://pypi.example.com"),
        ([("X-Forwarded-Proto", "http"), ("X-Forwarded-Host", "pypi.example.com:443")], "http://pypi.example.com:443"),
        ([("X-Forwarded-Host", "pypi.example.com:8443")], "http://pypi.example.com:8443"),
        ([("X-Forwarded-Host", "[2001:DB8::1]:8443")], "http://[2001:db8::1]:8443"),
        ([("X-Forwarded-Prefix", "/pypi")], "http://in:8080/pypi"),
        ([("X-Forwarded-Prefix", "/pypi/")], "http://in:8080/pypi"),
        ([("X-Forwarded-Prefix", "/")], "http://in:8080"),
        ([("X-Forwarded-Prefix", "/outer"), ("X-Forwarded-Prefix", "/inner")], "http://in:8080/outer/inner"),
        ([("X-Forwarded-Prefix", "/outer, /inner")], "http://in:8080/outer/inner"),
        (forwarded('for=192.0.2.1;proto=https;host="pypi.example.com:8443"'), "https://pypi.example.com:8443"),
        (forwarded("for=6.6.6.6;host=evil.example, for=192.0.2.1;host=good.example"), "http://good.example"),
        (forwarded("for=192.0.2.1;host=outer.example, for=10.0.0.2;host=inner.example"), "http://outer.example"),
        (
            [*forwarded_for("6.6.6.6, 192.0.2.1"), ("X-Forwarded-Host", "evil.example, good.example")],
            "http://good.example",
        ),
        ([*forwarded_for("192.0.2.1, 10.0.0.2"), ("X-Forwarded-Proto", "https, http")], "https://in:8080"),
        ([*forwarded_for("192.0.2.1, 10.0.0.2"), ("X-Forwarded-Proto", "https")], "https://in:8080"),
    ],
)
def test_url_by_a_trusted_proxy(fields: Fields, url: str) -> None:
    assert base(fields) == url
    assert base(fields, prefix="/own") == url + "/own"


@pytest.mark.parametrize(
    "field",
    [
        ("X-Forwarded-Proto", "javascript"),
        ("X-Forwarded-Proto", "https://x"),
        ("X-Forwarded-Host", "evil.example/path"),
        ("X-Forwarded-Host", "user@evil.example"),
        ("X-Forwarded-Host", '"><script>'),
        ("X-Forwarded-Host", "a b"),
        ("X-Forwarded-Host", "-x"),
        ("X-Forwarded-Host", "x:0"),
        ("X-Forwarded-Host", "x:65536"),
        ("X-Forwarded-Host", "x:"),
        ("X-Forwarded-Host", "[::g]"),
        ("X-Forwarded-Host", "[1.2.3.4]"),
        ("X-Forwarded-Host", "ex\u00e4mple"),
        ("X-Forwarded-Host", ""),
        ("X-Forwarded-Prefix", "//evil.example"),
        ("X-Forwarded-Prefix", "pypi"),
        ("X-Forwarded-Prefix", "/a/../b"),
        ("X-Forwarded-Prefix", "/.."),
        ("X-Forwarded-Prefix", "/a?b"),
        ("X-Forwarded-Prefix", "/a%0d"),
        ("X-Forwarded-Prefix", '/"onclick='),
        ("X-Forwarded-Prefix", "/a" * 200),
        ("Forwarded", "for=192.0.2.1;proto=ftp;host=<b>"),
    ],
)
def test_what_is_not_valid_is_left_out(field: tuple[str, str]) -> None:
    assert base([field]) == "http://in:8080"


def test_strangers_choose_nothing() -> None:
    fields = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Prefix", "/x")]
    assert base(fields, peer="192.0.2.9") == "http://in:8080"
    assert base(forwarded("proto=https;host=evil.example"), peer="192.0.2.9") == "http://in:8080"


@pytest.mark.parametrize(
    ("scheme", "host", "url"),
    [
        ("http", None, "http://localhost"),
        ("http", "", "http://localhost"),
        ("http", '"><script>', "http://localhost"),
        ("https", "pypi.example.com:443", "https://pypi.example.com"),
        ("http", "[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_host_that_the_client_sent(scheme: str, host: str | None, url: str) -> None:
    assert base([], scheme=scheme, host=host) == url


values = st.text(st.characters(codec="latin-1")) | st.from_regex(r"[\[\]\",;=:. /a-f0-9]{0,40}", fullmatch=True)
names = st.sampled_from(["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix", "Forwarded"])
SAFE_URL = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?(?:/[A-Za-z0-9._~@+-]+)*")
ADDRESS = re.compile(r"[0-9a-f:.]*(?:%[^<>\"'&\s]*)?")


@given(st.lists(st.tuples(names, values), max_size=6), values)
def test_no_header_raises_or_smuggles(fields: Fields, host: str) -> None:
    known = Known()
    assert SAFE_URL.fullmatch(external_base("10.0.0.1", "http", host.encode("latin-1"), Sent(fields), "", known))
    assert ADDRESS.fullmatch(client_address("10.0.0.1", Sent(fields), known))


def test_it_works_with_the_trusted_proxies_of_the_settings() -> None:
    proxies = TrustedProxies(["127.0.0.0/8", "10.0.0.0/8"])
    assert client_address("127.0.0.1", Sent(forwarded_for("6.6.6.6, 192.0.2.1, 10.9.8.7")), proxies) == "192.0.2.1"
