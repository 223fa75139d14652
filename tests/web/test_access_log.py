"""What strangers send, as it stands in the access log."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.web.access_log import quoted

_WHOLE = re.compile(r'(?:[ !#-\[\]-~]|\\"|\\\\|\\x[0-9a-f]{2})*')


@pytest.mark.parametrize(
    ("sent", "logged"),
    [
        (b"pip/26.3", "pip/26.3"),
        (b'pip/26.3 {"ci":null}', r"pip/26.3 {\"ci\":null}"),
        (b"a\\b", r"a\\b"),
        (b'\\"', r"\\\""),
        (b"a\nb", r"a\x0ab"),
        (b'"\x7f', r"\"\x7f"),
        ("\N{SNOWMAN}".encode(), r"\xe2\x98\x83"),
        (b"", ""),
    ],
)
def test_what_ends_a_line_or_a_quote_is_escaped(sent: bytes, logged: str) -> None:
    assert quoted(sent) == logged


@given(st.binary() | st.text(st.characters(max_codepoint=127)).map(str.encode))
def test_what_is_logged_is_printable_and_says_what_was_sent(sent: bytes) -> None:
    logged = quoted(sent)
    assert _WHOLE.fullmatch(logged)
    back = re.sub(
        rb'\\(x([0-9a-f]{2})|["\\])',
        lambda found: bytes([int(found[2], 16)]) if found[2] else found[1],
        logged.encode(),
    )
    assert back == sent
