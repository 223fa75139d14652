import pytest

from twisted_pypi.upstream.page_facts import PageFacts, conditions, lifetime, serial, validator

FACTS = PageFacts("https://a.example.com", "https://a.example.com/x/", "text/html", "d", 0, 1000)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 600),
        ({"cache-control": "max-age=700, public"}, 700),
        ({"cache-control": "public,MAX-AGE = 700"}, 700),
        ({"cache-control": "max-age=700", "age": "100"}, 600),
        ({"cache-control": "max-age=700", "age": "-1"}, 700),
        ({"cache-control": "max-age=700", "age": "690"}, 60),
        ({"cache-control": "max-age=0"}, 60),
        ({"cache-control": "max-age=86400"}, 3600),
        ({"cache-control": "max-age=" + "9" * 5000}, 3600),
        ({"cache-control": "s-max-age=700"}, 600),
        ({"cache-control": "no-cache, max-age=700"}, 60),
        ({"cache-control": "no-store"}, 60),
        ({"cache-control": "max-age=soon"}, 600),
    ],
)
def test_how_long_an_answer_is_fresh(headers: dict[str, str], seconds: int) -> None:
    assert lifetime(headers) == seconds


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), (" 7 ", 7), ("", None), ("-7", None), ("\u0667", None), ("9" * 19, None), ("x", None)],
)
def test_serials_are_numbers(text: str, number: int | None) -> None:
    assert serial({"x-pypi-last-serial": text}) == number
    assert serial({}) is None


@pytest.mark.parametrize("text", ["", "é", '"a\nb"', "x" * 1001])
def test_what_cannot_be_sent_back_is_no_validator(text: str) -> None:
    assert validator({"etag": text}, "etag") is None
    assert validator({"etag": ' W/"x" '}, "etag") == 'W/"x"'


def test_a_tag_goes_before_a_date() -> None:
    assert conditions(None) == {}
    assert conditions(FACTS) == {}
    dated = PageFacts("", "", "", "", 0, 0, None, "yesterday")
    assert conditions(dated) == {"If-Modified-Since": "yesterday"}
    assert conditions(PageFacts("", "", "", "", 0, 0, '"x"', "yesterday")) == {"If-None-Match": '"x"'}


def test_a_time_far_ahead_is_not_believed() -> None:
    assert FACTS.fresh_at(999)
    assert not FACTS.fresh_at(1000)
    assert not FACTS.fresh_at(1000 - 3601 * 10**9)
