"""A command begins with what a server knows, which may be running."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from twisted_pypi.catalog.location import FILENAME
from twisted_pypi.config import Config
from twisted_pypi.tap.mirror import copy_catalog, upstream_name


def rows(path: Path) -> list[tuple[int]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT * FROM t").fetchall()


def test_the_catalog_is_copied_while_somebody_writes_to_it(tmp_path: Path) -> None:
    state, folder = tmp_path / "state", tmp_path / "copy"
    state.mkdir()
    folder.mkdir()
    with closing(sqlite3.connect(state / FILENAME, isolation_level=None)) as server:
        server.execute("PRAGMA journal_mode = WAL")
        server.execute("CREATE TABLE t (number)")
        server.execute("INSERT INTO t VALUES (1)")
        server.execute("BEGIN IMMEDIATE")
        server.execute("INSERT INTO t VALUES (2)")
        copy_catalog([str(tmp_path / "nowhere"), str(state)], str(folder))
        assert rows(folder / FILENAME) == [(1,)]


@pytest.mark.parametrize("content", [None, b"no database at all" * 100])
def test_without_a_catalog_it_begins_with_nothing(content: bytes | None, tmp_path: Path) -> None:
    state, folder = tmp_path / "state", tmp_path / "copy"
    state.mkdir()
    folder.mkdir()
    if content is not None:
        (state / FILENAME).write_bytes(content)
    copy_catalog([str(state)], str(folder))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("upstreams", "name"),
    [
        ((), "the public index"),
        (("https://me:secret@index.example.com/simple",), "https://index.example.com/simple"),
        (("https://a.example.com/", "https://b.example.com/"), "https://a.example.com/ or https://b.example.com/"),
    ],
)
def test_the_upstream_has_a_name_without_a_login(upstreams: tuple[str, ...], name: str) -> None:
    assert upstream_name(Config(roots=("/a",), upstreams=upstreams)) == name
