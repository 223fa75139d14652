"""Conditional and range requests, as tables."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.web.conditions import (
    http_date,
    is_none_match,
    is_unmodified_since,
    precondition_fails,
    range_still_holds,
    wanted_ranges,
)

MOMENT = 1_700_000_000.5
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ('"b" ,W/"c"', False),
        ("*", True),
        (" * ", True),
        ("a", False),
        ("", False),
        ('"a', False),
        ('"A"', False),
    ],
)
def test_if_none_match(header: str, expected: bool) -> None:
    assert is_none_match(header, '"a"') is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (DATE, True),
        ("Tue, 14 Nov 2023 22:13:19 GMT", False),
        ("Wed, 15 Nov 2023 00:00:00 GMT", True),
        ("yesterday", False),
        ("", False),
        ("Tue, 14 Nov 99999 22:13:19 GMT", False),
    ],
)
def test_if_modified_since(header: str, expected: bool) -> None:
    assert is_unmodified_since(header, MOMENT) is expected


@pytest.mark.parametrize("header", ["Tuesday, 14-Nov-23 22:13:20 GMT", "Tue Nov 14 22:13:20 2023"])
def test_both_older_forms_of_a_date_are_utc(header: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert range_still_holds(header, '"a"', MOMENT)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("tags", "date", "expected"),
    [
        (None, None, False),
        ('"a"', None, False),
        ('"b", "a"', None, False),
        ("*", None, False),
        ('"b"', None, True),
        ('W/"a"', None, True),
        ("", None, True),
        (None, DATE, False),
        (None, "Tue, 14 Nov 2023 22:13:19 GMT", True),
        (None, "yesterday", False),
        ('"a"', "Tue, 14 Nov 2023 22:13:19 GMT", False),
    ],
)
def test_if_match_and_if_unmodified_since(tags: str | None, date: str | None, expected: bool) -> None:
    assert precondition_fails(tags, date, '"a"', MOMENT) is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, True),
        ('"a"', True),
        ('"b"', False),
        ('W/"a"', False),
        (DATE, True),
        ("Tue, 14 Nov 2023 22:13:21 GMT", False),
        ("nonsense", False),
    ],
)
def test_if_range(header: str | None, expected: bool) -> None:
    assert range_still_holds(header, '"a"', MOMENT) is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-4", [(0, 5)]),
        ("bytes=5-", [(5, 10)]),
        ("bytes=-3", [(7, 10)]),
        ("bytes=-30", [(0, 10)]),
        ("bytes=0-100", [(0, 10)]),
        ("bytes=0-" + "9" * 30, [(0, 10)]),
        ("Bytes = 0-0", [(0, 1)]),
        ("bytes=0-1, 4-5 ,-1", [(0, 2), (4, 6), (9, 10)]),
        ("bytes=10-", []),
        ("bytes=-0", []),
        ("bytes=10-20,0-0", [(0, 1)]),
        ("bytes=5-2", None),
        ("bytes=", None),
        ("bytes=a-b", None),
        ("bytes=0-1,x", None),
        ("lines=0-1", None),
        ("bytes 0-1", None),
        ("bytes=--1", None),
        ("bytes=" + ",".join(["0-0"] * 33), None),
    ],
)
def test_range(header: str, expected: list[tuple[int, int]] | None) -> None:
    assert wanted_ranges(header, 10) == expected


@given(st.text(max_size=60) | st.from_regex(r"bytes=[0-9, -]{0,30}", fullmatch=True), st.integers(0, 1 << 40))
def test_whatever_is_asked_lies_in_the_file(header: str, size: int) -> None:
    for start, stop in wanted_ranges(header, size) or []:
        assert 0 <= start < stop <= size


@given(st.text(max_size=60))
def test_no_text_is_an_error(header: str) -> None:
    is_none_match(header, '"a"')
    is_unmodified_since(header, MOMENT)
    range_still_holds(header, '"a"', MOMENT)


def test_dates_are_written_as_http_wants_them() -> None:
    assert http_date(MOMENT) == DATE


def test_a_moment_that_has_no_date_becomes_the_nearest() -> None:
    assert http_date(253_402_300_799.999999) == http_date(10.0**15) == "Fri, 31 Dec 9999 23:59:59 GMT"
    assert http_date(-62_135_647_200) == http_date(-(10.0**15)) == "Mon, 01 Jan 0001 00:00:00 GMT"
