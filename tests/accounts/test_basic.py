"""The Authorization header of the Basic scheme."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.cred.credentials import IUsernamePassword
from zope.interface.verify import verifyObject

from twisted_pypi.accounts.basic import BasicLogin, parse_basic


@pytest.mark.parametrize(
    ("header", "username", "password"),
    [
        (b"Basic " + b64encode(b"alice:secret"), b"alice", b"secret"),
        (b"basic   " + b64encode(b"alice:secret") + b"  ", b"alice", b"secret"),
        (b"BASIC " + b64encode(b"alice:a:b:c"), b"alice", b"a:b:c"),
        (b"Basic " + b64encode(b":"), b"", b""),
        (b"Basic " + b64encode("zoë:päss".encode()), "zoë".encode(), "päss".encode()),
        (b"Basic " + b64encode("zoë:päss".encode("latin-1")), "zoë".encode(), "päss".encode()),
    ],
)
def test_header_is_a_user_name_and_a_password(header: bytes, username: bytes, password: bytes) -> None:
    login = parse_basic(header)
    assert login is not None
    assert (login.username, login.password) == (username, password)
    assert login.name == username.decode()


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Basic",
        b"Basic ",
        b"Basic !!!",
        b"Basic YWxpY2U6c2VjcmV",
        b"Basic " + b64encode(b"no colon"),
        b"Bearer " + b64encode(b"alice:secret"),
        b64encode(b"alice:secret"),
        b'Digest username="alice"',
    ],
)
def test_what_is_broken_or_of_another_scheme_is_no_login(header: bytes) -> None:
    assert parse_basic(header) is None


@given(st.binary())
def test_no_header_raises(header: bytes) -> None:
    parse_basic(header)
    parse_basic(b"Basic " + header)
    parse_basic(b"Basic " + b64encode(header))


def test_login_is_a_twisted_credential() -> None:
    login = BasicLogin(b"alice", b"secret")
    verifyObject(IUsernamePassword, login)
    assert login.checkPassword(b"secret")
    assert not login.checkPassword(b"other")
