"""The figures of a server besides its requests: what each is, and how those of several processes become one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

Labels = tuple[tuple[str, str], ...]
"""Names and values of labels, in the order of ``Kind.labels``."""

Values = dict[tuple[str, Labels], float]
"""The values of figures, by their names (without the prefix) and labels."""


class Across(Enum):
    """How the values of several processes become one."""

    SUM = auto()
    MOST = auto()
    FIRST = auto()
    """All are the same, or one alone has it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a figure is."""

    what: str
    """In a sentence, with its unit."""
    labels: tuple[str, ...] = ()
    across: Across = Across.FIRST
    counter: bool = False
    """Does it only grow?"""


def _counter(what: str, *labels: str) -> Kind:
    return Kind(what, labels, Across.SUM, counter=True)


KINDS: Mapping[str, Kind] = {
    "projects": Kind("Projects in the folders."),
    "files": Kind("Files in the folders."),
    "index_bytes": Kind("Bytes of the files in the folders."),
    "troubles": Kind("What is wrong with the folders, as /-/status lists it."),
    "start_timestamp_seconds": Kind("When the server was started, seconds since the epoch."),
    "connections": Kind("Connections of clients that are open.", (), Across.SUM),
    "logins": _counter(
        "Logins that had to be checked, by what came of it: right, wrong, slowed, busy, failed.", "outcome"
    ),
    "page_cache_bytes": Kind("Bytes of finished pages and small files in memory.", (), Across.SUM),
    "page_cache_hits": _counter("Answers from memory: by the remembered head of a request, or by the page.", "by"),
    "page_cache_misses": _counter("Answers that were not in memory and had to be made."),
    "page_cache_drops": _counter("Answers that left the memory: changed, or pushed out for room.", "reason"),
    "scan_end_timestamp_seconds": Kind("When the last scan of the folders ended, seconds since the epoch."),
    "scan_age_seconds": Kind("Seconds since the last scan of the folders ended."),
    "scan_duration_seconds": Kind("Seconds that the last scan of the folders took."),
    "scan_files": Kind("What the last scan of the folders found: files seen, new, changed, gone.", ("found",)),
    "update_end_timestamp_seconds": Kind("When the last update ended, seconds since the epoch."),
    "update_age_seconds": Kind("Seconds since the last update ended."),
    "update_duration_seconds": Kind("Seconds that the last update took."),
    "update_under_way": Kind("1 while there is an update."),
    "update_failed": Kind("1 when the last update failed as a whole."),
    "update_projects": Kind("Projects of the last update by what came of them.", ("state",)),
    "update_files": Kind("Files that the last update fetched."),
    "update_bytes": Kind("Bytes of the files that the last update fetched."),
    "update_held_back_files": Kind("Newer files that the rules kept out of the last update."),
    "upstream_failing": Kind("1 when the last answer of an upstream index was a failure.", ("index",), Across.MOST),
    "upstream_success_timestamp_seconds": Kind(
        "When an upstream index last answered as it should, seconds since the epoch.", ("index",), Across.MOST
    ),
    "upstream_failure_timestamp_seconds": Kind(
        "When an upstream index last did not, seconds since the epoch.", ("index",), Across.MOST
    ),
    "recalled_files": Kind("Files kept here that upstream indexes took back, by how.", ("how",)),
    "kept_back_files": Kind(
        "Files that the last pages of upstream projects left out, by why; with several processes, of the one with most.",
        ("why",),
        Across.MOST,
    ),
    "cache_files": Kind("Files of upstream indexes that are kept."),
    "cache_bytes": Kind("Bytes of the files of upstream indexes that are kept."),
}
"""Every figure, by its name without the prefix; a counter is shown with ``_total`` behind it."""


def together(own: Values, others: Iterable[Values]) -> Values:
    """Return the figures of this process and those of others as one."""
    total = dict(own)
    for each in others:
        for key, value in each.items():
            across = KINDS[key[0]].across
            if key not in total:
                total[key] = value
            elif across is Across.SUM:
                total[key] += value
            elif across is Across.MOST:
                total[key] = max(total[key], value)
    return total


def counters(values: Values) -> Values:
    """Return those that only grow."""
    return {key: value for key, value in values.items() if KINDS[key[0]].counter}


def written(values: Values) -> list[Any]:
    """Return figures as JSON has them."""
    return [[name, [value for _, value in labels], number] for (name, labels), number in values.items()]


def read(rows: Sequence[Any]) -> Values:
    """Return what was written; figures that this process does not know are left out."""
    return {
        (name, tuple(zip(KINDS[name].labels, labels, strict=True))): number
        for name, labels, number in rows
        if name in KINDS and len(labels) == len(KINDS[name].labels)
    }
