import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.distributions import normalize
from twisted_pypi.errors import BadSetting
from twisted_pypi.policy.names import NamePatterns

NAMES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,8}[A-Za-z0-9])?", fullmatch=True)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("acme", "acme", True),
        ("acme", "acme-x", False),
        ("acme-*", "acme-x", True),
        ("acme-*", "acme", False),
        ("acme-*", "my-acme-x", False),
        ("Acme_*", "acme-x", True),
        ("ACME.__Core", "acme-core", True),
        ("acme?", "acme2", True),
        ("acme?", "acme", False),
        ("[ab]cme", "bcme", True),
        ("[!ab]cme", "acme", False),
        ("[a-c]x", "bx", True),
        ("[_x]cme", "xcme", True),
        ("*", "anything", True),
        ("*-internal", "acme-internal", True),
        ("  acme  ", "acme", True),
    ],
)
def test_a_pattern(pattern: str, name: str, *, matches: bool) -> None:
    assert NamePatterns([pattern]).match(normalize(name)) == (pattern if matches else None)


@pytest.mark.parametrize("pattern", ["", " ", "acme corp", "acme/", "[a", "a]", "[]", "-acme", "acme-", "é", "a,b"])
def test_a_pattern_that_matches_no_name_is_refused(pattern: str) -> None:
    with pytest.raises(BadSetting, match="matches no name of a project; expected letters"):
        NamePatterns(["fine", pattern])


def test_the_first_pattern_that_matches_is_told() -> None:
    patterns = NamePatterns(["other", "acme-*", "*"])
    assert patterns.match(normalize("acme-x")) == "acme-*"
    assert patterns.match(normalize("x")) == "*"


def test_none_match_nothing() -> None:
    assert not NamePatterns()
    assert NamePatterns().match(normalize("acme")) is None
    assert NamePatterns(["a"])


def test_equal_patterns_are_equal() -> None:
    assert NamePatterns(["a", "b"]) == NamePatterns(iter(["a", "b"])) != NamePatterns(["b", "a"])
    assert len({NamePatterns(["a"]), NamePatterns(["a"])}) == 1


@given(NAMES)
def test_every_spelling_of_a_name_is_its_own_pattern(name: str) -> None:
    assert NamePatterns([name]).match(normalize(name)) == name
    assert NamePatterns([name.upper()]).match(normalize(name.lower()))


@given(NAMES, NAMES)
def test_a_prefix_with_a_star_matches_what_begins_so(prefix: str, rest: str) -> None:
    assert NamePatterns([prefix + "-*"]).match(normalize(f"{prefix}_{rest}"))
    assert NamePatterns([prefix + "*"]).match(normalize(prefix + rest))
