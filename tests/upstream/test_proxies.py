"""Which proxy leads to an address."""

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.errors import BadSetting
from twisted_pypi.upstream.addresses import Origin, parse_address
from twisted_pypi.upstream.logins import Login
from twisted_pypi.upstream.proxies import parse_no_proxy, proxies_of

A, B = "http://a:3128", "http://b:3128"


@pytest.mark.parametrize(
    ("environment", "http", "https"),
    [
        ({}, None, None),
        ({"HTTP_PROXY": A}, "a", None),
        ({"https_proxy": A}, None, "a"),
        ({"ALL_PROXY": A}, "a", "a"),
        ({"all_proxy": A, "HTTPS_PROXY": B}, "a", "b"),
        ({"https_proxy": A, "HTTPS_PROXY": B}, None, "a"),
        ({"https_proxy": "", "HTTPS_PROXY": B}, None, None),
        ({"https_proxy": " ", "ALL_PROXY": B}, "b", None),
        ({"ALL_PROXY": A, "NO_PROXY": "*"}, None, None),
        ({"ALL_PROXY": A, "no_proxy": "", "NO_PROXY": "*"}, "a", "a"),
    ],
)
def test_variables(environment: dict[str, str], http: str | None, https: str | None) -> None:
    proxies = proxies_of(environment)
    found = [proxies.for_address(parse_address(f"{scheme}://index.example.com/")) for scheme in ("http", "https")]
    assert [each and each.origin.host for each in found] == [http, https]


@pytest.mark.parametrize(
    ("value", "origin"),
    [
        ("proxy", Origin("http", "proxy", 80)),
        ("proxy:3128/", Origin("http", "proxy", 3128)),
        ("https://me:s%3Acret@proxy", Origin("https", "proxy", 443)),
        ("http://[::1]:8", Origin("http", "::1", 8)),
    ],
)
def test_proxies(value: str, origin: Origin) -> None:
    proxy = proxies_of({"HTTPS_PROXY": value}).by_scheme["https"]
    assert proxy.origin == origin
    assert proxy.login == (Login("me", "s:cret") if "@" in value else None)
    assert "cret" not in repr(proxy)


@pytest.mark.parametrize("value", ["socks5://me:secret@h:1080", "http://me:secret@h:port", "http://me:secret@"])
def test_proxies_that_cannot_be_used(value: str) -> None:
    with pytest.raises(BadSetting, match=r"^https_proxy cannot be used: expected an address") as caught:
        proxies_of({"https_proxy": value})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "host", "port", "covered"),
    [
        ("example.com", "example.com", 80, True),
        ("example.com", "index.example.com", 80, True),
        (".example.com", "example.com", 80, True),
        ("*.example.com", "index.example.com", 80, True),
        ("Example.COM.", "index.example.com", 80, True),
        ("example.com", "index.example.com.", 80, True),
        ("example.com", "badexample.com", 80, False),
        ("index.example.com", "example.com", 80, False),
        ("a, b c,,d", "c", 80, True),
        ("a, b c,,d", "e", 80, False),
        ("*", "x", 1, True),
        ("*", "10.0.0.1", 1, True),
        ("*:80", "x", 81, False),
        ("h:8080", "h", 8080, True),
        ("h:8080", "h", 80, False),
        ("10.0.0.1", "10.0.0.1", 80, True),
        ("0.0.1", "10.0.0.1", 80, False),
        ("10.0.0.1:81", "10.0.0.1", 80, False),
        ("10.0.0.1:81", "10.0.0.1", 81, True),
        ("10.0.0.0/8", "10.255.0.1", 80, True),
        ("10.0.0.7/8", "10.255.0.1", 80, True),
        ("10.0.0.0/8", "11.0.0.1", 80, False),
        ("10.0.0.0/8", "10.example.com", 80, False),
        ("::1", "::1", 80, True),
        ("[::1]", "::1", 80, True),
        ("[::1]:81", "::1", 80, False),
        ("[::1]:81", "::1", 81, True),
        ("fd00::/8", "fd12::1", 80, True),
        ("0.0.0.0/0", "::1", 80, False),
        ("h:x", "h", 80, False),
        ("[x", "x", 80, False),
    ],
)
def test_no_proxy(text: str, host: str, port: int, covered: bool) -> None:
    assert any(each.covers(host, port) for each in parse_no_proxy(text)) == covered


@given(st.text(), st.sampled_from(["h", "a.example.com", "10.0.0.1", "::1"]), st.integers(1, 65535))
def test_strangers(text: str, host: str, port: int) -> None:
    for each in parse_no_proxy(text):
        each.covers(host, port)


@given(st.ip_addresses(v=4), st.integers(0, 32), st.ip_addresses(v=4))
def test_networks(address: IPv4Address, bits: int, other: IPv4Address) -> None:
    covered = any(each.covers(str(other), 80) for each in parse_no_proxy(f"{address}/{bits}"))
    assert covered == (other in IPv4Network((address, bits), strict=False))
