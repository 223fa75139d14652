"""The rules file: TOML, one table of rules."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches

from twisted_pypi.errors import BadSetting
from twisted_pypi.policy.moments import DAY_NS, SECOND_NS
from twisted_pypi.policy.names import NamePatterns
from twisted_pypi.policy.releases import Releases, parse_releases
from twisted_pypi.policy.rules import Denial, Exemption, Measure, Rules

_AGE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([smhd])|0", re.IGNORECASE | re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_DAYS = 36_500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_KEYS = ("min-age", "not-after", "allow", "deny", "allow-only", "wheels-only", "recall")


def parse_rules(text: str) -> Rules:
    """Return the rules that a rules file states.

    Raises ``BadSetting``: one sentence that names the key, what was given and
    what was expected.
    """
    try:
        found = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadSetting(f"the rules are not valid TOML: {error}") from None
    for key in found:
        _known(key, _KEYS, "")
    allow_only = found.get("allow-only")
    return Rules(
        min_age=_min_age(found["min-age"]) if "min-age" in found else None,
        not_after=_not_after(found["not-after"]) if "not-after" in found else None,
        allow=tuple(_exemptions(found.get("allow", []))),
        deny=tuple(_denials(found.get("deny", []))),
        allow_only=None if allow_only is None else tuple(_listed("allow-only", allow_only)),
        wheels_only=_wheels_only(found.get("wheels-only", False)),
        hide_removed=_recall(found.get("recall", "report")),
    )


def _known(key: str, known: tuple[str, ...], where: str) -> None:
    if key in known:
        return
    close = get_close_matches(key.lower().replace("_", "-"), known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise BadSetting(f"{where}{key!r} is not known, expected one of {', '.join(known)}{hint}")


def _bad(key: str, value: object, expected: str) -> BadSetting:
    shown = str(value) if isinstance(value, date | time) else repr(value)
    shown = {"True": "true", "False": "false"}.get(shown, shown)
    return BadSetting(f"{key} is {shown if len(shown) < 100 else shown[:97] + '...'}; expected {expected}")


def _min_age(value: object) -> Measure | None:
    """A duration; ``None`` for none at all, which holds nothing back."""
    seconds: float
    if isinstance(value, str) and (found := _AGE.fullmatch(value.strip())):
        seconds = float(found[1]) * _SECONDS[found[2].lower()] if found[1] else 0
        text = value.strip()
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        seconds, text = min(value, _LONGEST_DAYS + 1) * 86400.0, f"{value}d"
    else:
        seconds, text = -1, ""
    if not 0 <= seconds <= _LONGEST_DAYS * 86400:
        raise _bad("min-age", value, f"a time such as '7d' or '12h', or a number of days up to {_LONGEST_DAYS}")
    return Measure(text, round(seconds * SECOND_NS)) if seconds else None


def _not_after(value: object) -> Measure:
    if not isinstance(value, date):
        raise _bad(
            "not-after", value, "a date such as 2026-05-01 or a time such as 2026-05-01T12:00:00Z, without quotes"
        )
    # A day is meant with all its hours.
    end = 0 if isinstance(value, datetime) else DAY_NS - 1
    return Measure(_written(value), _moment(value) + end)


def _moment(value: date) -> int:
    """Nanoseconds since the epoch; a day is its first moment, and what names no time zone is UTC."""
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1) * 1000


def _written(value: date) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _exemptions(value: object) -> Iterator[Exemption]:
    for releases, more in _entries("allow", value, ("name", "until", "because")):
        until = more.get("until")
        if until is not None and not isinstance(until, date):
            raise _bad("until of allow", until, "a date such as 2026-12-01 or a time, without quotes")
        yield Exemption(releases, None if until is None else _moment(until), _because("allow", more))


def _denials(value: object) -> Iterator[Denial]:
    for releases, more in _entries("deny", value, ("name", "because")):
        yield Denial(releases, _because("deny", more))


def _because(key: str, entry: Mapping[str, object]) -> str | None:
    because = entry.get("because")
    if because is not None and not isinstance(because, str):
        raise _bad(f"because of {key}", because, "a text in quotes")
    return because or None


def _entries(key: str, value: object, known: tuple[str, ...]) -> Iterator[tuple[Releases, Mapping[str, object]]]:
    """The releases of a list of texts and tables, with the other keys of the tables."""
    if not isinstance(value, list):
        raise _bad(key, value, "a list such as ['foo==1.2.3', 'acme-*'], or tables headed [[" + key + "]]")
    for entry in value:
        table = entry if isinstance(entry, dict) else {"name": entry}
        for each in table:
            _known(each, known, f"in {key}, ")
        name = table.get("name")
        if not isinstance(name, str):
            raise _bad(f"name of {key}", name, "a name or pattern and versions in quotes, such as 'foo==1.2.3'")
        yield _releases(key, name), table


def _listed(key: str, value: object) -> Iterator[Releases]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _bad(key, value, "a list of texts such as ['foo', 'acme-*', 'bar<2']")
    for each in value:
        yield _releases(key, each)


def _releases(key: str, text: str) -> Releases:
    try:
        return parse_releases(text)
    except BadSetting as error:
        raise BadSetting(f"{key}: {error}") from None


def _wheels_only(value: object) -> bool | NamePatterns:
    if isinstance(value, bool):
        return value
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _bad("wheels-only", value, "true, false, or a list of names such as ['acme-*']")
    try:
        return NamePatterns(value)
    except BadSetting as error:
        raise BadSetting(f"wheels-only: {error}") from None


def _recall(value: object) -> bool:
    if value not in ("report", "hide"):
        raise _bad("recall", value, "'report' or 'hide'")
    return value == "hide"
