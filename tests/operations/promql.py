"""As much of PromQL as it takes to see which metrics and labels an expression names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

KEYWORDS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "bool"})
GROUPING = frozenset({"by", "without", "on", "ignoring"})

_TOKEN = re.compile(
    r"\s+|(?P<string>\"(?:[^\"\\]|\\.)*\")|(?P<range>\[[^\]]*\])|(?P<offset>offset\s+\w+)"
    r"|(?P<name>[A-Za-z_:][\w:]*)|(?P<number>\d+(?:\.\d+)?)|(?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){},])"
)


class NotPromQL(Exception):
    """A text that is no expression."""


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric, and what its labels have to be."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...] = ()
    """Label, operator and value."""


@dataclass(frozen=True, slots=True)
class Expression:
    """What an expression names."""

    selectors: list[Selector] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    """Those that are grouped by."""


def parse(text: str) -> Expression:
    """Return what an expression names.  Raises ``NotPromQL`` for what is none, as far as that is seen here."""
    tokens = list(_tokens(text))
    if not tokens or text.count("(") != text.count(")") or text.count("{") != text.count("}"):
        raise NotPromQL(text)
    found, at = Expression(), 0
    while at < len(tokens):
        kind, token = tokens[at]
        following = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        at += 1
        if kind != "name":
            continue
        if token in GROUPING:
            if following != "(":
                raise NotPromQL(text)
            end = tokens.index(("sign", ")"), at)
            found.labels.update(each for of, each in tokens[at:end] if of == "name")
            at = end + 1
        elif following != "(" and token not in KEYWORDS and following not in GROUPING:
            end = tokens.index(("sign", "}"), at) if following == "{" else at
            found.selectors.append(Selector(token, _matchers(tokens[at + 1 : end], text)))
            at = max(at, end)
    return found


def _matchers(tokens: list[tuple[str, str]], text: str) -> tuple[tuple[str, str, str], ...]:
    inside = [each for each in tokens if each != ("sign", ",")]
    found = list(zip(inside[::3], inside[1::3], inside[2::3], strict=False))
    if len(inside) % 3 or any([kind for kind, _ in each] != ["name", "sign", "string"] for each in found):
        raise NotPromQL(text)
    return tuple((label[1], operator[1], value[1][1:-1]) for label, operator, value in found)


def missing(
    expression: Expression, shown: Mapping[str, Sequence[Mapping[str, str]]], targets: frozenset[str]
) -> list[str]:
    """Return what an expression names that is not shown: by metric, the labels of each of its samples.

    ``targets`` are labels that are put to all samples by whoever collects them.
    """
    found = []
    for selector in expression.selectors:
        samples = shown.get(selector.metric)
        if samples is None:
            found.append(selector.metric)
            continue
        for label, operator, value in selector.matchers:
            values = {each[label] for each in samples if label in each}
            wanted = value.split("|") if operator == "=~" else [value]
            if label not in targets:
                found += [f'{selector.metric}{{{label}="{each}"}}' for each in wanted if each not in values]
    every = {label for each in expression.selectors for sample in shown.get(each.metric, ()) for label in sample}
    return found + sorted(expression.labels - every - targets)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise NotPromQL(f"{text[at:]!r} is no PromQL")
        at = match.end()
        if match.lastgroup in {"string", "name", "number", "sign"}:
            yield match.lastgroup, match[0]
