"""Password files, line by line."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from passlib.hash import (
    apr_md5_crypt,
    bcrypt,
    des_crypt,
    ldap_sha1,
    md5_crypt,
    sha256_crypt,
    sha512_crypt,
)

from twisted_pypi.htpasswd import HIGHEST_BCRYPT_COST, Scheme, decode, parse, scheme_of

SHA = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="
OTHER_SHA = "{SHA}" + "A" * 27 + "="
BCRYPT = "$2y$05$" + "a" * 21 + "u" + "b" * 30 + "."
APR1 = "$apr1$FzzW248D$Cc8px1Kz87qYd8HH8jqMX0"


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("", {}),
        ("\n\n  \n# a comment:x\n  # another:y\n", {}),
        (f"alice:{SHA}\n", {"alice": SHA}),
        (f"alice:{SHA}", {"alice": SHA}),
        (f"\ufeffalice:{SHA}\r\nbob:{APR1}\r\n", {"alice": SHA, "bob": APR1}),
        (f"  alice:{SHA}\t \n", {"alice": SHA}),
        (f"alice:{SHA}:Alice of Sales:more\n", {"alice": SHA}),
        ("Zoë:geheim\n", {"Zoë": "geheim"}),
        ("with blank:two words\n", {"with blank": "two words"}),
        (f"alice:{SHA}\x0b\nbob\u2028:x\n", {"alice": SHA}),
    ],
)
def test_lines_of_users(text: str, entries: dict[str, str]) -> None:
    assert dict(parse(text).entries) == entries


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("alice", "no colon"),
        (f":{SHA}", "no user name"),
        ("alice:", "no password hash"),
        ("alice::extra", "no password hash"),
        ("a" * 256 + ":x", "256 characters"),
        ("al\x00ice:x", "cannot be printed"),
        ("alice:x\x00y", "cannot be printed"),
        ("al\udce9ice:x", "cannot be printed"),
        ("alice:!", "locked"),
        ("alice:*", "locked"),
        ("alice:!!", "locked"),
        ("alice:*0", "locked"),
        ("alice:!" + BCRYPT, "locked"),
        ("alice:$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", r"\$argon2"),
        ("alice:$y$j9T$abc$def", r"\$y\$"),
        ("alice:{SSHA}abc", "{SSHA}"),
        ("alice:$money$bag", "this kind are not known"),
        ("alice:" + BCRYPT[:-1], "damaged"),
        ("alice:" + BCRYPT + "x", "damaged"),
        ("alice:$apr1$FzzW248D", "damaged"),
        ("alice:$ap", "damaged"),
        ("alice:{SHA}short", "damaged"),
        ("alice:{SHA", "damaged"),
        ("alice:$6$rounds=10$salt$" + "a" * 86, "damaged"),
        ("alice:" + BCRYPT.replace("$05$", "$31$"), "cost"),
        ("alice:" + BCRYPT.replace("$05$", "$03$"), "cost"),
        ("alice:$6$rounds=999999999$salt$" + "a" * 86, "cost"),
    ],
)
def test_bad_line_is_reported_by_its_number_and_skipped(line: str, reason: str) -> None:
    table = parse(f"first:{SHA}\n{line}\nlast:{APR1}\n")
    assert dict(table.entries) == {"first": SHA, "last": APR1}
    assert [number for number, _ in table.problems] == [2]
    assert re.search(reason, table.problems[0][1])


def test_first_line_of_a_user_counts() -> None:
    table = parse(f"alice:{SHA}\nbob:{APR1}\nalice:{OTHER_SHA}\n")
    assert dict(table.entries) == {"alice": SHA, "bob": APR1}
    assert table.problems == ((3, "the user 'alice' was on line 1 already, and the first line counts"),)


def test_first_line_of_a_user_counts_even_when_it_lets_nobody_in() -> None:
    table = parse(f"alice:!\nalice:{SHA}\n")
    assert dict(table.entries) == {}
    assert [number for number, _ in table.problems] == [1, 2]


@pytest.mark.parametrize(
    ("hashed", "scheme"),
    [
        ("secret", Scheme.PLAIN),
        ("$ecret", Scheme.PLAIN),
        ("{curly", Scheme.PLAIN),
        ("!important", Scheme.PLAIN),
        ("_score", Scheme.PLAIN),
        ("5en6G6MezRroT3XKqkdPOmY/BfQ=", Scheme.PLAIN),
        ("GJID3YdLrXUtM", Scheme.DES_CRYPT),
        ("correcthorse2", Scheme.DES_CRYPT),
        ("correcthorse1", Scheme.PLAIN),
        ("correcthorseA2", Scheme.PLAIN),
        ("$2a$05$" + "a" * 53, Scheme.BCRYPT),
        ("$2b$05$" + "a" * 53, Scheme.BCRYPT),
        (BCRYPT, Scheme.BCRYPT),
        ("$2x$05$" + "a" * 53, None),
        (BCRYPT.replace("$05$", f"${HIGHEST_BCRYPT_COST}$"), Scheme.BCRYPT),
        ("$2y$\u0660\u0665$" + "a" * 53, None),
        ("$5$salt$" + "a" * 43, Scheme.SHA256_CRYPT),
        ("$6$$" + "a" * 86, Scheme.SHA512_CRYPT),
        ("$1$0qLX7bb6$szFSS9ZOrzhuh8pRL.Kk5/", Scheme.MD5_CRYPT),
        ("", None),
    ],
)
def test_schemes(hashed: str, scheme: Scheme | None) -> None:
    assert scheme_of(hashed) is scheme


@pytest.mark.parametrize(
    ("text", "cut_off"),
    [
        (f"alice:{SHA}\nbo", True),
        (f"alice:{SHA}\nbob:", True),
        (f"alice:{SHA}\nbob:{BCRYPT[:20]}", True),
        (f"alice:{SHA}\nbob:$ap", True),
        (f"alice:{SHA}\n:x", True),
        (f"alice:{SHA}\nbo\n", False),
        (f"alice:{SHA}\nbob:{BCRYPT}", False),
        (f"alice:{SHA}\nbob:!", False),
        (f"alice:{SHA}\n# the en", False),
        (f"alice:{SHA}\n   ", False),
        ("", False),
    ],
)
def test_text_that_ends_within_a_line(text: str, cut_off: bool) -> None:
    assert parse(text).cut_off is cut_off


def test_typical_hash_is_of_the_commonest_scheme_and_cost() -> None:
    dear = BCRYPT.replace("$05$", "$12$")
    text = f"a:{SHA}\nb:{BCRYPT}\nc:{dear}\nd:{dear[:-3]}Oe.\n"
    assert parse(text).typical == dear
    assert parse("# nobody\n").typical is None


def test_decoding_takes_each_line_for_itself() -> None:
    data = b"\xef\xbb\xbfanna:x\nzo\xc3\xab:y\nzo\xeb:z\n"
    assert dict(parse(decode(data)).entries) == {"anna": "x", "zoë": "y"}
    assert decode(b"zo\xeb:z\n") == "zoë:z\n"


def test_sentences_hold_no_part_of_a_secret() -> None:
    secret = "$hunter2$is my password"
    assert "hunter2" not in repr(parse(f"alice:{secret}\n").problems)


names = st.text(
    st.characters(codec="utf-8", exclude_characters=":#", exclude_categories=["C", "Z"]), min_size=1, max_size=40
)
passwords = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
handlers = {
    Scheme.BCRYPT: bcrypt.using(rounds=4),
    Scheme.APR1: apr_md5_crypt,
    Scheme.MD5_CRYPT: md5_crypt,
    Scheme.SHA1: ldap_sha1,
    Scheme.SHA256_CRYPT: sha256_crypt.using(rounds=1000),
    Scheme.SHA512_CRYPT: sha512_crypt.using(rounds=1000),
    Scheme.DES_CRYPT: des_crypt,
}


@given(
    names,
    st.sampled_from([each for each in Scheme if each is not Scheme.PLAIN]),
    passwords,
    st.sampled_from(["\n", "\r\n", "", ":x\n"]),
)
def test_every_generated_hash_is_taken_whole(name: str, scheme: Scheme, password: str, end: str) -> None:
    hashed = handlers[scheme].hash(password)
    table = parse(f"{name}:{hashed}{end}")
    assert dict(table.entries) == {name: hashed}
    assert scheme_of(hashed) is scheme
    assert (table.problems, table.cut_off) == ((), False)


@given(st.text())
def test_any_text_is_a_table(text: str) -> None:
    table = parse(text)
    assert all(scheme_of(hashed) is not None for hashed in table.entries.values())
    assert [number for number, _ in table.problems] == sorted({number for number, _ in table.problems})


@given(st.binary())
def test_any_bytes_are_text(data: bytes) -> None:
    parse(decode(data))
