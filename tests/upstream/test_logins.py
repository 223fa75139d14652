"""Logins for other indexes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.errors import BadSetting
from twisted_pypi.upstream.addresses import parse_address
from twisted_pypi.upstream.logins import Login, logins_of, read_netrc
from twisted_pypi.upstream.netrc import Machine, parse_netrc


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("# nothing\n\n", {}),
        ("machine H.example.com login me password x", {("h.example.com", None): ("me", "x")}),
        ("machine h\n\tlogin me\n\tpassword x\n", {("h", None): ("me", "x")}),
        ("machine h:8443 login me password x", {("h", 8443): ("me", "x")}),
        ("machine [::1]:81 user me account a password x", {("::1", 81): ("me", "x")}),
        ("machine [::1] password x", {("::1", None): ("", "x")}),
        ("machine ::1 password x", {("::1", None): ("", "x")}),
        ('machine h login "m e" password "a \\"b\\" \\\\"', {("h", None): ("m e", 'a "b" \\')}),
        ("machine h login me password #x # the password\n# machine i\n", {("h", None): ("me", "#x")}),
        ("machine h login me password default", {("h", None): ("me", "default")}),
        ("machine h login machine password login", {("h", None): ("machine", "login")}),
        ('# it is "ours\nmachine h password pass"word', {("h", None): ("", 'pass"word')}),
        ("\ufeffmachine h password x\r\nmachine i password y", {("h", None): ("", "x"), ("i", None): ("", "y")}),
    ],
)
def test_netrc(text: str, found: dict[tuple[str, int | None], tuple[str, str]]) -> None:
    assert parse_netrc(text) == {Machine(*key): value for key, value in found.items()}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("\nmachine", 2, "expected something after `machine`"),
        ("machine h", 1, "expected a `password`"),
        ("machine h login", 1, "expected something after `login`"),
        ("machine h login me secret", 1, "expected a `password`"),
        ("machine h password x secret", 1, "expected `machine HOST login USER password PASSWORD`"),
        ("machine h password secret\nmachine h password other", 2, "it has one already"),
        ("machine h password secret password other", 1, "expected one `password`"),
        ("machine h\nlogin a\nuser b password secret", 3, "expected one `login`"),
        ("machine h login a:b password secret", 1, "expected a user name without a colon"),
        ("machine h\npassword x\ndefault login me password secret", 3, "`default` is not allowed here"),
        ("macdef init\nsecret", 1, "`macdef` is not allowed here"),
        ('machine h password "secret', 1, "expected a closing quote"),
        ('machine h password "secret"x', 1, "expected a closing quote"),
        ("machine h password sec\x07ret", 1, "expected no control characters"),
        ("machine h:99x password secret", 1, "expected a host name"),
        ("machine h:0 password secret", 1, "expected a host name"),
        ("machine https://h password secret", 1, "expected a host name"),
        ("login me password secret", 1, "expected `machine HOST"),
    ],
)
def test_netrc_that_cannot_be_used(text: str, line: int, said: str) -> None:
    with pytest.raises(BadSetting) as caught:
        parse_netrc(text)
    assert str(caught.value).startswith(f"line {line} of the file of logins cannot be used: ")
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


WORDS = st.sampled_from(
    ["machine", "login", "password", "user", "account", "default", "macdef", "h", "h:1", '"', "#", "\n", '"a b"', "\\"]
)


@given(st.one_of(st.text(), st.lists(WORDS).map(" ".join)))
def test_strangers(text: str) -> None:
    try:
        found = parse_netrc(text)
    except BadSetting:
        return
    for machine, (user, _) in found.items():
        assert machine.host
        assert machine.port is None or machine.port > 0
        assert ":" not in user


@given(
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1),
    st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters=":"), min_size=1),
)
def test_what_is_quoted_is_read_as_it_was(password: str, user: str) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    text = f"machine h login {quoted(user)} password {quoted(password)}"
    assert parse_netrc(text) == {Machine("h", None): (user, password)}


NETRC = "machine index.example.com login file password f\nmachine index.example.com:8080 login port password p\n"


@pytest.mark.parametrize(
    ("upstreams", "url", "user"),
    [
        ([], "https://index.example.com/x", "file"),
        ([], "https://index.example.com:8443/x", "file"),
        ([], "https://index.example.com:8080/x", "port"),
        ([], "http://index.example.com:8080/x", "port"),
        # A page must not be able to have a login sent in the clear.
        ([], "http://index.example.com/x", None),
        (["http://index.example.com/simple/"], "http://index.example.com/x", "file"),
        ([], "https://files.index.example.com/x", None),
        (["https://me:x@index.example.com/simple/"], "https://index.example.com/files/x", "me"),
        (["https://me:x@other.example.com/simple/"], "http://other.example.com/x", None),
        (["https://me:x@other.example.com/simple/"], "https://other.example.com:444/x", None),
        (["https://me:x@other.example.com:443/simple/"], "https://other.example.com/x", "me"),
    ],
)
def test_which_login_goes_where(upstreams: list[str], url: str, user: str | None) -> None:
    login = logins_of(upstreams, NETRC).for_address(parse_address(url))
    assert (login and login.user) == user


def test_an_address_that_cannot_be_used() -> None:
    with pytest.raises(BadSetting, match="address number 2 of the upstream indexes cannot be used: expected") as caught:
        logins_of(["https://h/", "https://me:secret@h:port/"])
    assert "secret" not in str(caught.value)


def test_nothing_shows_a_login() -> None:
    logins = logins_of(["https://me:secret@h/"], "machine i login you password secret")
    assert "secret" not in repr(logins) + repr(logins.for_address(parse_address("https://h/")))
    assert "me" not in repr(Login("me", "x"))
    assert Login("me", "p\xe4ss").header() == "Basic bWU6cMOkc3M="


def test_the_file(tmp_path: Path) -> None:
    path = tmp_path / "netrc"
    with pytest.raises(BadSetting, match="cannot be read: No such file"):
        read_netrc(str(path))
    path.write_bytes(b"\xff")
    with pytest.raises(BadSetting, match="expected text in UTF-8"):
        read_netrc(str(path))
    for mode, warned in ((0o600, False), (0o400, False), (0o640, True), (0o604, True)):
        path.write_text(NETRC)
        path.chmod(mode)
        text, warning = read_netrc(str(path))
        assert (text, warning is not None) == (NETRC, warned)
        path.chmod(0o600)
