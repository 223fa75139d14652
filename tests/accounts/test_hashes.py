"""Passwords against hashes of every scheme."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from passlib.hash import apr_md5_crypt, bcrypt, des_crypt, ldap_sha1, md5_crypt, sha256_crypt, sha512_crypt

from twisted_pypi.accounts.hashes import LONGEST_PASSWORD, PasswordHashes
from twisted_pypi.htpasswd import parse, scheme_of

MAKERS: dict[str, Any] = {
    "$2y$": bcrypt.using(rounds=4, ident="2y"),
    "$2a$": bcrypt.using(rounds=4, ident="2a"),
    "$2b$": bcrypt.using(rounds=4, ident="2b"),
    "$apr1$": apr_md5_crypt,
    "$1$": md5_crypt,
    "{SHA}": ldap_sha1,
    "$5$": sha256_crypt.using(rounds=1000),
    "$6$": sha512_crypt.using(rounds=1000),
    "crypt": des_crypt,
}


@pytest.fixture(scope="module")
def hashes() -> PasswordHashes:
    return PasswordHashes()


# Made by other tools: openssl passwd, and the examples that those formats are published with.
FOREIGN = [
    ("password", "$apr1$salt$Xxd1irWT9ycqoYxGFn4cb."),
    ("Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
    (
        "Hello world!",
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    ),
    ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    ("password", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="),
    ("plain as day", "plain as day"),
]


@pytest.mark.parametrize(("password", "hashed"), FOREIGN)
def test_hashes_of_other_tools(hashes: PasswordHashes, password: str, hashed: str) -> None:
    assert dict(parse(f"alice:{hashed}\n").entries) == {"alice": hashed}
    assert hashes.verify(password.encode(), hashed)
    assert not hashes.verify(password.encode() + b"x", hashed)
    assert not hashes.verify(b"", hashed)


@given(
    scheme=st.sampled_from(sorted(MAKERS)),
    password=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60),
)
@settings(max_examples=150, deadline=None)
def test_every_scheme_knows_its_password(scheme: str, password: str) -> None:
    hashes = PasswordHashes()
    secret = password.encode()[:72].decode(errors="ignore")
    hashed = MAKERS[scheme].hash(secret)
    assert hashes.verify(secret.encode(), hashed)
    assert not hashes.verify(b"\x01" + secret.encode(), hashed)


@pytest.mark.parametrize("scheme", MAKERS)
@pytest.mark.parametrize("password", [b"", b"\0", b"a\0b", b"\xff\xfe", b"x" * 73, b"x" * 10_000, "é".encode()])
def test_no_password_raises(hashes: PasswordHashes, scheme: str, password: bytes) -> None:
    assert not hashes.verify(password, MAKERS[scheme].hash("right"))


def test_bcrypt_looks_at_72_bytes_as_htpasswd_does(hashes: PasswordHashes) -> None:
    hashed = bcrypt.using(rounds=4).hash("ü" * 36)
    assert hashes.verify(("ü" * 36).encode() + b" and so on", hashed)
    assert not hashes.verify(("ü" * 35).encode() + b" and so on", hashed)


def test_other_schemes_look_at_the_whole_password(hashes: PasswordHashes) -> None:
    hashed = sha256_crypt.using(rounds=1000).hash("x" * 100)
    assert hashes.verify(b"x" * 100, hashed)
    assert not hashes.verify(b"x" * 101, hashed)


def test_password_longer_than_any_tool_makes_is_wrong_at_once(hashes: PasswordHashes) -> None:
    secret = "x" * (LONGEST_PASSWORD + 1)
    assert not hashes.verify(secret.encode(), ldap_sha1.hash(secret))


def test_bcrypt_salt_with_stray_padding_is_the_same_hash(hashes: PasswordHashes) -> None:
    hashed = bcrypt.using(rounds=4, salt="." * 22).hash("secret")
    stray = f"{hashed[:28]}/{hashed[29:]}"
    assert stray != hashed
    assert hashes.verify(b"secret", stray)
    assert not hashes.verify(b"other", stray)


def test_nothing_verifies_against_what_is_no_hash(hashes: PasswordHashes) -> None:
    for each in ("", "!", "$argon2id$v=19$x", "$apr1$"):
        assert not hashes.verify(each.encode(), each)


H64 = "[./0-9A-Za-z]"


@given(
    st.one_of(
        st.from_regex(rf"\$2[aby]?\$04\${H64}{{52}}[.CGKOSWaeimquy26]", fullmatch=True),
        st.from_regex(rf"\$(apr1|1)\${H64}{{0,8}}\${H64}{{22}}", fullmatch=True),
        st.from_regex(rf"\$5\$(rounds=1000\$){H64}{{0,16}}\${H64}{{43}}", fullmatch=True),
        st.from_regex(rf"\$6\$(rounds=1000\$){H64}{{0,16}}\${H64}{{86}}", fullmatch=True),
        st.from_regex(rf"{H64}{{12}}[.26AEIMQUYcgkosw]", fullmatch=True),
        st.from_regex(re.compile(r"\{SHA\}[A-Za-z0-9+/]{26}[AEIMQUYcgkosw048]="), fullmatch=True),
    ),
    st.binary(max_size=80),
)
@settings(max_examples=200, deadline=None)
def test_whatever_the_parser_takes_can_be_verified(hashed: str, password: bytes) -> None:
    assert scheme_of(hashed) is not None
    PasswordHashes().verify(password, hashed)
