from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.distributions import ProjectName
from twisted_pypi.policy.moments import iso
from twisted_pypi.policy.rules import HeldBackFile, Rules
from twisted_pypi.policy.rules_file import parse_rules
from twisted_pypi.simple.model import File, ProjectPage

SECOND = 10**9
DAY = 86_400 * SECOND
FOO = ProjectName("foo")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


NOW = at("2026-11-22T10:00")


def file(name: str, uploaded: str | None = "2026-11-22T10:00") -> File:
    return File(name, "https://x.example.com/", {}, upload_time_ns=None if uploaded is None else at(uploaded))


def judge(rules: str, name: str, uploaded: str | None = "2026-11-22T10:00", project: str = "foo") -> str | None:
    found = parse_rules(rules).judge(ProjectName(project), file(name, uploaded), NOW)
    return None if found is None else found.sentence


@pytest.mark.parametrize(
    ("rules", "name", "uploaded", "sentence"),
    [
        ("", "foo-1.tar.gz", None, None),
        ('min-age = "7d"', "foo-1.tar.gz", "2026-11-22T10:00", "held back until 2026-11-29T10:00:00Z, rule min-age = 7d"),
        ('min-age = "7d"', "foo-1.tar.gz", "2026-11-15T10:00", None),
        ('min-age = "7d"', "foo-1.tar.gz", "2026-11-15T10:00:01", "held back until 2026-11-22T10:00:01Z, rule min-age = 7d"),
        ("min-age = 7", "foo-1.tar.gz", "2026-11-22T10:00", "held back until 2026-11-29T10:00:00Z, rule min-age = 7d"),
        ("min-age = 0.5", "foo-1.tar.gz", "2026-11-22T10:00", "held back until 2026-11-22T22:00:00Z, rule min-age = 0.5d"),
        ('min-age = "90m"', "foo-1.tar.gz", "2026-11-22T10:00", "held back until 2026-11-22T11:30:00Z, rule min-age = 90m"),
        ('min-age = "0"', "foo-1.tar.gz", None, None),
        ("min-age = 0", "foo-1.tar.gz", None, None),
        (
            'min-age = "7d"', "foo-1.tar.gz", None,
            "held back, rule min-age = 7d, because the index does not say when it was uploaded",
        ),
        # A day with all its hours, or a moment.
        ("not-after = 2026-05-01", "foo-1.tar.gz", "2026-05-01T23:59:59", None),
        (
            "not-after = 2026-05-01", "foo-1.tar.gz", "2026-05-02",
            "held back, rule not-after = 2026-05-01, because it was uploaded at 2026-05-02T00:00:00Z",
        ),
        ("not-after = 2026-05-01T12:00:00", "foo-1.tar.gz", "2026-05-01T12:00", None),
        (
            "not-after = 2026-05-01T14:00:00+02:00", "foo-1.tar.gz", "2026-05-01T12:00:01",
            "held back, rule not-after = 2026-05-01T14:00:00+02:00, because it was uploaded at 2026-05-01T12:00:01Z",
        ),
        ("not-after = 2026-05-01T12:00:00Z", "foo-1.tar.gz", "2026-05-01T12:00:00", None),
        (
            "not-after = 2026-05-01", "foo-1.tar.gz", None,
            "held back, rule not-after = 2026-05-01, because the index does not say when it was uploaded",
        ),
        # Denied, by names, versions and globs.
        ('deny = ["foo"]', "foo-1.tar.gz", None, "held back, rule deny = foo"),
        ('deny = ["Foo"]', "foo-1.tar.gz", None, "held back, rule deny = Foo"),
        ('deny = ["foo<2"]', "foo-1.tar.gz", None, "held back, rule deny = foo<2"),
        ('deny = ["foo<2"]', "foo-2-py3-none-any.whl", None, None),
        ('deny = ["foo==1.*"]', "foo-1.9rc1.tar.gz", None, "held back, rule deny = foo==1.*"),
        ('deny = ["f*>=1,!=1.5"]', "foo-1.5.tar.gz", None, None),
        ('deny = ["f*>=1,!=1.5"]', "foo-1.6.tar.gz", None, "held back, rule deny = f*>=1,!=1.5"),
        ('deny = ["foo<2"]', "foo-dev.tar.gz", None, "held back, rule deny = foo<2"),
        ('deny = ["foo<2"]', "odd", None, "held back, rule deny = foo<2"),
        ('deny = ["foo===odd"]', "foo-odd.tar.gz", None, "held back, rule deny = foo===odd"),
        ('deny = ["bar", "foo-*"]', "foo-1.tar.gz", None, None),
        (
            '[[deny]]\nname = "foo==1"\nbecause = "it steals tokens"', "foo-1.tar.gz", None,
            "held back, rule deny = foo==1, because it steals tokens",
        ),
        # Only what is allowed.
        ('allow-only = ["foo"]', "foo-1.tar.gz", None, None),
        ('allow-only = ["foo<2", "bar"]', "foo-1.tar.gz", None, None),
        ('allow-only = ["foo<2"]', "foo-2.tar.gz", None, "held back, rule allow-only, because it is not in the list"),
        ('allow-only = ["foo<2"]', "foo-dev.tar.gz", None, "held back, rule allow-only, because it is not in the list"),
        ("allow-only = []", "foo-1.tar.gz", None, "held back, rule allow-only, because it is not in the list"),
        ('allow-only = ["foo"]\ndeny = ["foo==1"]', "foo-1.tar.gz", None, "held back, rule deny = foo==1"),
        # Only wheels.
        ("wheels-only = true", "foo-1.tar.gz", None, "held back, rule wheels-only = true, because it is not a wheel"),
        ("wheels-only = true", "foo-1-py3-none-any.whl", None, None),
        ("wheels-only = false", "foo-1.tar.gz", None, None),
        ('wheels-only = ["f*"]', "foo-1.zip", None, "held back, rule wheels-only = f*, because it is not a wheel"),
        ('wheels-only = ["bar"]', "foo-1.zip", None, None),
        # Exceptions.
        ('min-age = 7\nallow = ["foo==1"]', "foo-1.tar.gz", "2026-11-22", None),
        ('min-age = 7\nallow = ["foo"]', "foo-dev.tar.gz", None, None),
        ('min-age = 7\nallow = ["foo==1"]', "foo-dev.tar.gz", None,
         "held back, rule min-age = 7d, because the index does not say when it was uploaded"),
        ('not-after = 2026-05-01\nallow = ["f*"]', "foo-1.tar.gz", "2026-11-22", None),
        ('min-age = 7\n[[allow]]\nname = "foo==1"\nuntil = 2026-11-23', "foo-1.tar.gz", "2026-11-22", None),
        (
            'min-age = 7\n[[allow]]\nname = "foo==1"\nuntil = 2026-11-22', "foo-1.tar.gz", "2026-11-22",
            "held back until 2026-11-29T00:00:00Z, rule min-age = 7d",
        ),
        ('deny = ["foo"]\nallow = ["foo"]', "foo-1.tar.gz", None, "held back, rule deny = foo"),
    ],
)  # fmt: skip
def test_a_verdict(rules: str, name: str, uploaded: str | None, sentence: str | None) -> None:
    assert judge(rules, name, uploaded) == sentence


def test_a_verdict_names_its_rule_and_its_end() -> None:
    rules = parse_rules("min-age = 7")
    assert rules.judge(FOO, file("foo-1.tar.gz"), NOW) == HeldBackFile(
        "min-age = 7d", "held back until 2026-11-29T10:00:00Z, rule min-age = 7d", NOW + 7 * DAY
    )


def test_no_rules_hold_nothing_back() -> None:
    assert Rules().judge(FOO, file("foo-1.tar.gz", None), NOW) is None
    assert parse_rules("# nothing\n") == Rules()


def test_the_exception_that_counts_is_told() -> None:
    rules = parse_rules('min-age = 7\n[[allow]]\nname = "foo"\nuntil = 2026-12-01\nbecause = "a fix we need"')
    found = rules.exemption(FOO, file("foo-1.tar.gz"), NOW)
    assert found is not None
    assert (found.releases.text, found.until_ns, found.because) == ("foo", at("2026-12-01"), "a fix we need")
    assert rules.exemption(FOO, file("foo-1.tar.gz", "2026-01-01"), NOW) is None
    assert rules.exemption(ProjectName("bar"), file("bar-1.tar.gz"), NOW) is None
    assert rules.exemption(FOO, file("foo-1.tar.gz"), at("2026-12-01")) is None


@pytest.mark.parametrize(
    ("rules", "uploads", "moment"),
    [
        ("", ["2026-11-22"], None),
        ('deny = ["foo"]', ["2026-11-22"], None),
        ("min-age = 7", [], None),
        ("min-age = 7", [None, "2026-11-01"], None),
        ("min-age = 7", ["2026-11-21", "2026-11-20", "2026-11-01"], "2026-11-27"),
        ("not-after = 2026-11-20", ["2026-11-21"], None),
        ('min-age = 7\nallow = ["foo"]', ["2026-11-21"], None),
        ('min-age = 7\nallow = [{name = "foo", until = 2026-11-23}]', ["2026-11-21"], "2026-11-23"),
        ('min-age = 7\nallow = [{name = "foo", until = 2026-11-30}]', ["2026-11-21"], None),
        ('min-age = 7\nallow = [{name = "bar", until = 2026-11-23}]', ["2026-11-21"], "2026-11-28"),
        ('min-age = 7\ndeny = ["foo"]', ["2026-11-21"], None),
        ('not-after = 2026-05-01\nallow = [{name = "foo", until = 2026-11-23}]', [None], "2026-11-23"),
        ("min-age = 7\nnot-after = 2026-05-01", ["2026-11-21"], None),
    ],
)
def test_when_the_next_verdict_changes(rules: str, uploads: list[str | None], moment: str | None) -> None:
    page = ProjectPage(FOO, tuple(file(f"foo-{number}.tar.gz", each) for number, each in enumerate(uploads)))
    assert parse_rules(rules).next_change(page, NOW) == (None if moment is None else at(moment))


MOMENTS = st.integers(-40, 40).map(lambda days: NOW + days * DAY)
FILES = st.tuples(st.sampled_from(["1", "2", "odd"]), st.none() | MOMENTS).map(
    lambda found: File(f"foo-{found[0]}.tar.gz", "https://x.example.com/", {}, upload_time_ns=found[1])
)
RULES = st.sampled_from(
    [
        "min-age = 7",
        "not-after = 2026-11-20",
        'min-age = 3\nallow = [{name = "foo==1", until = 2026-11-23}]',
        'min-age = 30\nallow = [{name = "foo", until = 2026-12-23}, "foo==2"]\ndeny = ["foo==1"]',
    ]
)


@given(RULES, st.lists(FILES, max_size=4), st.integers(1, 60 * 24))
def test_no_verdict_changes_before_the_moment_that_was_told(text: str, files: list[File], hours: int) -> None:
    rules, page = parse_rules(text), ProjectPage(FOO, tuple(files))

    def verdicts(moment: int) -> list[HeldBackFile | None]:
        return [rules.judge(FOO, each, moment) for each in files]

    told = rules.next_change(page, NOW)
    later = NOW + hours * 3600 * SECOND
    if told is None or later < told:
        assert verdicts(later) == verdicts(NOW)
    if told is not None:
        assert verdicts(told) != verdicts(NOW) == verdicts(told - 1)


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:01Z"),
        (10**40, "9999-12-31T23:59:59Z"),
        (-(10**40), "0001-01-01T00:00:00Z"),
        (at("2026-11-29T10:00"), "2026-11-29T10:00:00Z"),
    ],
)
def test_moments_are_written_for_people(ns: int, text: str) -> None:
    assert iso(ns) == text
