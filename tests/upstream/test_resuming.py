"""How a body is taken up again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.upstream.resuming import ContentRange, parse_content_range, strong_etag


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("bytes 0-0/1", ContentRange(0, 0, 1)),
        (" bytes 5-9/10 ", ContentRange(5, 9, 10)),
        ("bytes 5-9/*", ContentRange(5, 9, None)),
        ("bytes 5-9/9", None),
        ("bytes 5-4/10", None),
        ("bytes */10", None),
        ("bytes=5-9/10", None),
        ("items 5-9/10", None),
        ("bytes -5-9/10", None),
        ("bytes \u0665-9/10", None),
        ("", None),
    ],
)
def test_content_range(value: str, found: ContentRange | None) -> None:
    assert parse_content_range(value) == found


@given(st.one_of(st.text(), st.from_regex(r"bytes [0-9]*-[0-9]*/([0-9]*|\*)", fullmatch=True)))
def test_strangers(value: str) -> None:
    found = parse_content_range(value)
    assert found is None or 0 <= found.first <= found.last
    assert found is None or found.length is None or found.last < found.length


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(1, 10**12))
def test_every_range(first: int, more: int, rest: int) -> None:
    wanted = ContentRange(first, first + more, first + more + rest)
    assert parse_content_range(f"bytes {wanted.first}-{wanted.last}/{wanted.length}") == wanted


@pytest.mark.parametrize(
    ("value", "strong"),
    [
        ('"a"', True),
        ('""', True),
        ('W/"a"', False),
        ("a", False),
        ('"a', False),
        ('"a"b"', False),
        (None, False),
        ("", False),
    ],
)
def test_strong_etags(value: str | None, strong: bool) -> None:
    assert strong_etag(value) == (value if strong else None)
