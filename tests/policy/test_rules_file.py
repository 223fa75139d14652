import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.errors import BadSetting
from twisted_pypi.policy.rules import Rules
from twisted_pypi.policy.rules_file import parse_rules


def test_all_rules() -> None:
    rules = parse_rules(
        """
        min-age = "7d"
        not-after = 2026-05-01
        allow-only = ["foo", "acme-*<2"]
        wheels-only = ["bar"]
        recall = "hide"
        [[allow]]
        name = "foo==1.2.3"
        until = 2026-12-01T12:00:00Z
        because = "a fix we need"
        [[deny]]
        name = "evil"
        because = "it is"
        """
    )
    assert rules.min_age is not None
    assert rules.min_age.ns == 7 * 86_400 * 10**9
    assert rules.not_after is not None
    assert rules.not_after.ns == 1_777_679_999_999_999_999
    assert rules.hide_removed
    assert rules.allow_only is not None
    assert [str(each.versions) for each in rules.allow_only] == ["None", "<2"]
    assert rules.allow[0].until_ns == 1_796_126_400 * 10**9
    assert rules.deny[0].because == "it is"


def test_equal_texts_are_equal_rules() -> None:
    text = 'allow = ["foo<2"]\nwheels-only = ["a*"]\ndeny = [{name = "b", because = "c"}]\nmin-age = 1'
    assert parse_rules(text) == parse_rules(text + "\n# more\n") != Rules()


def test_texts_and_tables_can_be_mixed() -> None:
    rules = parse_rules('allow = ["foo", {name = "bar", because = "x"}]\nrecall = "report"')
    assert [(each.releases.text, each.because) for each in rules.allow] == [("foo", None), ("bar", "x")]
    assert not rules.hide_removed


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("min-age", "the rules are not valid TOML: "),
        ("a = " + "[" * 5000, "the rules are not valid TOML: "),
        ("a = " + "1" * 5000, "the rules are not valid TOML: "),
        ("min_age = 7", "'min_age' is not known, expected one of min-age, .*; did you mean 'min-age'\\?$"),
        ("Deny = []", "'Deny' is not known, .*; did you mean 'deny'\\?$"),
        ("zzz = 1", "'zzz' is not known, expected one of [^;]*$"),
        ('min-age = "7"', "min-age is '7'; expected a time such as '7d' or '12h', or a number of days"),
        ('min-age = "7w"', "min-age is '7w'; expected a time"),
        ("min-age = true", "min-age is true; expected a time"),
        ("min-age = -1", "min-age is -1; expected a time"),
        ("min-age = nan", "min-age is nan; expected a time"),
        ("min-age = inf", "min-age is inf; expected a time"),
        ("min-age = 1e300", "min-age is 1e\\+300; expected a time"),
        ('min-age = "999999d"', "min-age is '999999d'; expected a time"),
        ("min-age = []", "min-age is \\[\\]; expected a time"),
        ('not-after = "2026-05-01"', "not-after is '2026-05-01'; expected a date such as 2026-05-01 .* without quotes"),
        ("not-after = 12:00:00", "not-after is 12:00:00; expected a date"),
        ('allow = "foo"', "allow is 'foo'; expected a list"),
        ("allow = [1]", "name of allow is 1; expected a name"),
        ("[[allow]]\nuntil = 2026-12-01", "name of allow is None; expected a name"),
        ('allow = [{name = "foo", untl = 1}]', "in allow, 'untl' is not known, .*; did you mean 'until'\\?$"),
        ('allow = [{name = "foo", until = "2026-12-01"}]', "until of allow is '2026-12-01'; expected a date"),
        ('allow = [{name = "foo", because = 1}]', "because of allow is 1; expected a text in quotes"),
        ('deny = [{name = "foo", until = 2026-12-01}]', "in deny, 'until' is not known, expected one of name, because"),
        ('deny = ["foo=1"]', "deny: '=1' in 'foo=1' says no versions; expected a specifier such as '==1.2.3'"),
        ('deny = ["foo bar"]', "deny: 'bar' in 'foo bar' says no versions"),
        ('deny = ["foo ; python_version"]', "deny: '; python_version' in "),
        ('deny = ["<2"]', "deny: '<2' names no release; expected a name"),
        ('deny = [""]', "deny: '' names no release"),
        ('deny = ["-x"]', "deny: the pattern '-x' matches no name"),
        ('allow-only = "foo"', "allow-only is 'foo'; expected a list"),
        ('allow-only = [{name = "foo"}]', "allow-only is .*; expected a list of texts"),
        ('allow-only = ["foo=1"]', "allow-only: '=1' in"),
        ('wheels-only = "yes"', "wheels-only is 'yes'; expected true, false, or a list"),
        ("wheels-only = 1", "wheels-only is 1; expected true"),
        ('wheels-only = ["a b"]', "wheels-only: the pattern 'a b' matches no name"),
        ('recall = "hidden"', "recall is 'hidden'; expected 'report' or 'hide'"),
        ("recall = true", "recall is true; expected 'report' or 'hide'"),
        (f'recall = "{"x" * 300}"', "recall is 'x{96}\\.\\.\\.; expected"),
    ],
)
def test_what_cannot_be_used_is_refused_with_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(BadSetting) as caught:
        parse_rules(text)
    assert re.match(sentence, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)


VALUES = st.recursive(
    st.sampled_from(['"7d"', "7", "true", '"foo<2"', "2026-05-01", "nan", '"*"', '"hide"', "12:00:00", '""', "{}"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda found: f"[{', '.join(found)}]")
        | inner.map(lambda found: f"{{name = {found}}}")
    ),
    max_leaves=4,
)
KEYS = st.sampled_from(["min-age", "not-after", "allow", "deny", "allow-only", "wheels-only", "recall", "x"])


@given(st.dictionaries(KEYS, VALUES).map(lambda found: "\n".join(f"{key} = {value}" for key, value in found.items())))
def test_every_file_is_understood_or_refused(text: str) -> None:
    with suppress(BadSetting):
        assert isinstance(parse_rules(text), Rules)


@given(st.text(max_size=40))
def test_any_text_is_understood_or_refused(text: str) -> None:
    for each in (text, f"deny = ['''{text}''']"):
        with suppress(BadSetting):
            assert isinstance(parse_rules(each), Rules)


def test_the_example_of_the_documentation_is_a_rules_file() -> None:
    page = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
    example = page.partition("```toml\n")[2].partition("```")[0]
    keys = {"min-age", "not-after", "allow-only", "wheels-only", "recall", "[[allow]]", "[[deny]]"}
    assert keys <= {line.partition(" ")[0] for line in example.splitlines()}
    assert parse_rules(example).hide_removed
