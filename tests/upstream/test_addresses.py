"""Addresses of other indexes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.upstream.addresses import login_in, parse_address, without_login


@pytest.mark.parametrize(
    ("url", "text", "origin"),
    [
        ("http://index.example.com", "http://index.example.com/", ("http", "index.example.com", 80)),
        ("HTTPS://Index.Example.COM:443/a", "https://index.example.com/a", ("https", "index.example.com", 443)),
        ("https://h:8443/a?b=c d#e", "https://h:8443/a?b=c%20d", ("https", "h", 8443)),
        ("https://me:p%40ss@h/%2Bx/+y/\xe9", "https://h/%2Bx/+y/%C3%A9", ("https", "h", 443)),
        ("http://[2001:DB8::1]:81/", "http://[2001:db8::1]:81/", ("http", "2001:db8::1", 81)),
        ("http://[::1]/", "http://[::1]/", ("http", "::1", 80)),
        ("https://b\xfccher.example/", "https://xn--bcher-kva.example/", ("https", "xn--bcher-kva.example", 443)),
    ],
)
def test_addresses(url: str, text: str, origin: tuple[str, str, int]) -> None:
    address = parse_address(url)
    assert (str(address), tuple(address.origin)) == (text, origin)
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h/x",
        "ftp://h/",
        "http://",
        "http://h:99999/",
        "http://h:x/",
        "http://h:0/",
        "http://[x/",
        "http://a b/",
        "http://-/",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match=r"^expected an address"):
        parse_address(url)


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("../../files/a.whl#sha256=x", "https://h/files/a.whl"),
        ("/x", "https://h/x"),
        ("//other/x", "https://other/x"),
        ("https://me:secret@other/x", "https://other/x"),
        ("?q", "https://h/simple/foo/?q"),
    ],
)
def test_references(reference: str, text: str) -> None:
    assert str(parse_address("https://h/simple/foo/").joined(reference)) == text


@pytest.mark.parametrize(
    ("url", "login", "shown"),
    [
        ("https://h/x", None, "https://h/x"),
        ("https://me@h/x", ("me", ""), "https://h/x"),
        ("https://me:a%3Ab%40@h/x", ("me", "a:b@"), "https://h/x"),
        ("https://:token@h:8/x?y", ("", "token"), "https://h:8/x?y"),
        ("me:secret@h/x", None, "(an address that cannot be read)"),
        ("h/x", None, "h/x"),
    ],
)
def test_logins(url: str, login: tuple[str, str] | None, shown: str) -> None:
    assert (login_in(url), without_login(url)) == (login, shown)


def test_what_cannot_be_read_is_not_shown() -> None:
    assert without_login("https://me:secret@[h/x") == "(an address that cannot be read)"


@given(st.text(), st.sampled_from(["", "http://", "https://h/", "https://u:p@"]))
def test_strangers(text: str, before: str) -> None:
    try:
        address = parse_address(before + text)
    except ValueError:
        return
    assert str(address).isascii()
    assert str(address).isprintable()
    assert " " not in str(address)
    assert parse_address(str(address)) == address
