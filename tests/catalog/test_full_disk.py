"""A catalog whose disk takes no more goes on in memory, and one that another server keeps is gone on from."""

from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from twisted.logger import Logger

from tests.catalog.conftest import Make, known
from twisted_pypi.boundaries import KnownFile
from twisted_pypi.catalog import Catalog, Writer
from twisted_pypi.catalog.copying import begin_with
from twisted_pypi.catalog.journal import Journal
from twisted_pypi.catalog.schema import open_database
from twisted_pypi.distributions import normalize

FIRST, SECOND = known("acme-1.0.zip"), known("core-1.0.zip")


@contextmanager
def full_disk() -> Iterator[None]:
    """No file grows while this lasts."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def put(catalog: Catalog, file: KnownFile) -> None:
    catalog.write(lambda writer: writer.put(file, None), catalog.apply)


def names(catalog: Catalog) -> list[str]:
    return [each.filename for each in catalog.read.all_files()]


def test_it_goes_on_in_memory(open_catalog: Make, said: list[str]) -> None:
    catalog = open_catalog()
    put(catalog, FIRST)
    location = str(catalog.location)
    with catalog.reading() as lent:
        with full_disk():
            put(catalog, SECOND)
        assert [each.filename for each in lent.all_files()] == [FIRST.filename], "a thread that was reading reads on"
    assert (len(said), location in said[0]) == (1, True), said
    with full_disk():
        put(catalog, known("tool-1.0.zip"))
    assert len(said) == 1
    assert names(catalog) == [FIRST.filename, SECOND.filename, "tool-1.0.zip"]
    with catalog.reading() as reader:
        assert reader.files_of(normalize("tool")) != []
    assert (catalog.location, catalog.files) == (None, 3)
    catalog.close()
    assert names(open_catalog()) == [FIRST.filename], "what was written down is still there"


def test_what_is_wrong_otherwise_does_not_move_it(open_catalog: Make) -> None:
    catalog = open_catalog()

    def job(writer: Writer) -> None:
        writer.put(FIRST, None)
        raise KeyError

    with pytest.raises(KeyError):
        catalog.write(job, catalog.apply)
    assert catalog.location is not None


def test_with_other_processes_it_stays_where_it_is(open_catalog: Make) -> None:
    catalog = open_catalog(journal=Journal(begins=True))
    put(catalog, FIRST)
    with full_disk(), pytest.raises(sqlite3.OperationalError):
        put(catalog, SECOND)
    assert names(catalog) == [FIRST.filename]
    put(catalog, SECOND)
    assert names(catalog) == [FIRST.filename, SECOND.filename]


def test_a_second_server_goes_on_from_what_the_first_has_read(
    open_catalog: Make, tmp_path: Path, said: list[str]
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    first = open_catalog(str(root), state_dir=None)
    put(first, FIRST)
    assert said == []
    second = open_catalog(str(root), state_dir=None, cache_dir=str(tmp_path / "cache"))
    assert str(second.location).startswith(str(tmp_path / "cache"))
    assert (second.files, second.projects) == (1, {"acme": 1})
    assert len(said) == 1
    assert said[0].startswith(f"another server (process {os.getpid()} on {os.uname().nodename}) scans {root} and keeps")
    put(second, SECOND)
    put(first, known("tool-1.0.zip"))
    assert (names(first), names(second)) == (["acme-1.0.zip", "tool-1.0.zip"], ["acme-1.0.zip", "core-1.0.zip"])


@pytest.mark.parametrize("begun", [":memory:", "own.sqlite"])
def test_what_is_gone_on_from(open_catalog: Make, tmp_path: Path, begun: str) -> None:
    first = open_catalog()
    put(first, FIRST)
    folder = str(Path(str(first.location)).parent)
    own = open_database(begun if begun == ":memory:" else str(tmp_path / begun), Logger())
    assert begin_with(folder, own)
    assert own.execute("SELECT filename FROM files").fetchall() == [(FIRST.filename,)]
    assert not begin_with(folder, own), "what a server knows itself stays"
    own.close()


@pytest.mark.parametrize("harm", ["another layout", "garbage", "missing"])
def test_what_cannot_be_gone_on_from(open_catalog: Make, harm: str) -> None:
    first = open_catalog()
    first.close()
    path = Path(str(first.location))
    if harm == "garbage":
        path.write_bytes(b"x" * 9999)
    elif harm == "missing":
        path.unlink()
    else:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 99")
    own = open_database(":memory:", Logger())
    assert not begin_with(str(path.parent), own)
    assert own.execute("SELECT count(*) FROM files").fetchone() == (0,)
    own.close()
