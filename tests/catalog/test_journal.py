"""What one process writes into the catalog, as another one hears of it."""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from tests.catalog.conftest import Make, known
from twisted_pypi.catalog import Catalog, Committed, Place, Writer
from twisted_pypi.catalog.journal import Journal, why_not_shared
from twisted_pypi.catalog.locking import LOCK, locked
from twisted_pypi.distributions import ProjectName, parse_filename

ACME, OTHER = ProjectName("acme-core"), ProjectName("other")
FILE = "acme_core-1.0-py3-none-any.whl"


def _ignore(_: Committed) -> None:
    """Nobody is told."""


def _seen(catalog: Catalog, filename: str) -> None:
    catalog.write(lambda writer: writer.seen(Place(0, "", filename), parse_filename(filename)), _ignore)


@pytest.fixture
def both(open_catalog: Make) -> tuple[Catalog, Catalog]:
    """The catalog as two processes have it, with one project from before."""
    first = open_catalog(journal=Journal(begins=True, kept=3))
    _seen(first, FILE)
    return first, open_catalog(journal=Journal(begins=False, kept=3), location=first.location)


def _news(catalog: Catalog) -> list[Committed] | None:
    assert catalog.journal is not None
    return catalog.journal.news()


def test_what_was_there_before_is_no_news(both: tuple[Catalog, Catalog]) -> None:
    _, second = both
    assert second.projects == {ACME: 1}
    assert _news(second) == []


def test_each_hears_of_what_both_write_in_one_order(both: tuple[Catalog, Catalog]) -> None:
    first, second = both
    assert _news(first) == [Committed(rows=Counter({ACME: 1}), changed={ACME}, unread=True)]
    first.write(lambda writer: writer.put(known(FILE), None), _ignore)
    second.write(lambda writer: writer.records([OTHER]), _ignore)
    second.write(lambda writer: writer.remove(Place(0, "", FILE)), _ignore)
    expected = [
        Committed(files=1, changed={ACME}),
        Committed(records={OTHER}),
        Committed(rows=Counter({ACME: -1}), files=-1, changed={ACME}),
    ]
    assert (_news(first), _news(second)) == (expected, expected)
    assert (_news(first), _news(second)) == ([], [])


def test_what_did_not_change_anything_is_not_told(both: tuple[Catalog, Catalog]) -> None:
    first, second = both
    _seen(first, FILE)
    assert _news(second) == []


def test_a_transaction_that_fails_is_not_told(both: tuple[Catalog, Catalog]) -> None:
    first, second = both

    def fail(_: object) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        first.write(fail, _ignore)
    assert _news(second) == []


def test_who_is_too_far_behind_counts_anew(both: tuple[Catalog, Catalog]) -> None:
    first, second = both
    for number in range(5):
        _seen(first, f"other-{number}-py3-none-any.whl")
    assert _news(second) is None
    second.count_anew()
    assert second.projects == {ACME: 1, OTHER: 5}
    assert _news(second) == []
    _seen(first, "other-9-py3-none-any.whl")
    assert _news(second) == [Committed(rows=Counter({OTHER: 1}), changed={OTHER}, unread=True)]


def test_troubles_are_those_said_last(both: tuple[Catalog, Catalog], open_catalog: Make) -> None:
    first, second = both
    assert second.journal is not None
    for sentences in (["b", "a"], ["c"], []):
        first.write(partial(Writer.troubles, sentences=sentences), _ignore)
        assert second.journal.troubles() == sorted(sentences)
    first.write(lambda writer: writer.troubles(["c"]), _ignore)
    first.close()
    open_catalog(journal=Journal(begins=True))
    assert second.journal.troubles() == []


def test_one_process_alone_keeps_no_journal(open_catalog: Make) -> None:
    catalog = open_catalog()
    _seen(catalog, FILE)
    with catalog.reading() as read:
        tables = read._connection.execute("SELECT name FROM sqlite_master WHERE name = 'journal'").fetchall()  # noqa: SLF001  # nothing else says it
    assert tables == []


def test_a_folder_can_be_shared_unless_it_cannot_be_made_or_is_taken(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    blocked, free = str(tmp_path / "file" / "state"), str(tmp_path / "state")
    reason = why_not_shared([blocked])
    assert reason is not None
    assert blocked in reason
    assert why_not_shared([blocked, free]) is None
    lock = locked(f"{free}/{LOCK}")
    try:
        assert "keeps its catalog there" in (why_not_shared([free]) or "")
    finally:
        os.close(lock)
