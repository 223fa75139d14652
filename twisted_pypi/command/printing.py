"""What commands print: JSON documents, whole or as they come, and words that several of them use."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime


def as_json(document: object) -> str:
    """A document as it is printed."""
    return json.dumps(document, indent=1)


def print_items(key: str, items: Iterable[Mapping[str, object]], head: Mapping[str, object] | None = None) -> int:
    """Print one JSON document with a list that is written as it comes, and return how long that was."""
    begin = json.dumps(dict(head or {}))[:-1]
    sys.stdout.write(f"{begin}{', ' if head else ''}{json.dumps(key)}: [")
    count = 0
    for count, item in enumerate(items, 1):
        sys.stdout.write(f"{',' if count > 1 else ''}\n {json.dumps(item)}")
    sys.stdout.write("\n]}\n" if count else "]}\n")
    return count


def moment(ns: int) -> str:
    """A time for JSON: ISO 8601 in UTC, to the second."""
    return f"{datetime.fromtimestamp(ns // 1_000_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def counted(number: int, what: str) -> str:
    """A number of things."""
    return f"{number} {what}{'' if number == 1 else 's'}"
