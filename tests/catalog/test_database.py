import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.catalog.conftest import Make, known
from twisted_pypi.boundaries import KnownFile
from twisted_pypi.catalog import Catalog, Place, Writer
from twisted_pypi.distributions import normalize
from twisted_pypi.errors import Busy

FILE = known("acme-1.0.zip")


def put(catalog: Catalog, file: KnownFile = FILE) -> None:
    catalog.write(lambda writer: writer.put(file, b"Name: acme"), catalog.apply)


def test_what_is_written_is_there_after_a_restart(open_catalog: Make) -> None:
    catalog = open_catalog()
    put(catalog)
    catalog.close()
    again = open_catalog()
    assert again.read.files_of(normalize("acme")) == [FILE]
    assert again.read.metadata(FILE.sha256) == b"Name: acme"
    assert (again.projects, again.files) == ({"acme": 1}, 1)


@pytest.mark.parametrize("harm", ["not a database", "middle", "newer", "older layout"])
def test_a_database_that_is_of_no_use_is_begun_anew(open_catalog: Make, said: list[str], harm: str) -> None:
    catalog = open_catalog()
    for number in range(500):
        put(catalog, known(f"acme-1.{number}.zip"))
    catalog.close()
    path = Path(str(catalog.location))
    content = path.read_bytes()
    if harm == "not a database":
        path.write_bytes(b"x" * 9999)
    elif harm == "middle":
        path.write_bytes(content[:8192] + b"x" * (len(content) - 12288) + content[-4096:])
    else:
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA user_version = {99 if harm == 'newer' else 0}")
        connection.close()
    said.clear()
    again = open_catalog()
    assert again.projects == {}
    assert len(said) == 1
    assert str(path) in said[0]
    put(again)
    assert again.read.files_of(normalize("acme")) == [FILE]


def test_a_state_folder_that_disappears_while_it_is_used_does_no_harm(open_catalog: Make) -> None:
    catalog = open_catalog()
    put(catalog)
    shutil.rmtree(Path(str(catalog.location)).parent)
    catalog.write(lambda writer: writer.put(known("core-1.0.zip"), None), catalog.apply)
    assert len(list(catalog.read.all_files())) == 2
    catalog.close()
    assert open_catalog().projects == {}


def test_where_nothing_can_be_written_it_is_in_memory(open_catalog: Make, tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "file").write_bytes(b"")
    catalog = open_catalog(state_dir=str(tmp_path / "file" / "state"))
    assert catalog.location is None
    assert len(said) == 1
    put(catalog)
    with catalog.reading() as reader:
        assert reader.files_of(normalize("acme")) == [FILE]
    assert catalog.read.files_of(normalize("acme")) == [FILE]


def test_without_a_state_folder_it_is_in_the_first_root_or_else_in_the_cache(
    open_catalog: Make, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    catalog = open_catalog(str(root), state_dir=None)
    assert catalog.location == str(root / ".twisted-pypi" / "catalog.sqlite")
    (tmp_path / "file").write_bytes(b"")
    catalog = open_catalog(str(tmp_path / "file"), state_dir=None, cache_dir=str(tmp_path / "cache"))
    assert str(catalog.location).startswith(str(tmp_path / "cache" / "twisted-pypi"))


def test_where_it_does_not_belong_the_log_says_why(open_catalog: Make, tmp_path: Path, said: list[str]) -> None:
    root = tmp_path / "root"
    (root / ".twisted-pypi" / "catalog.sqlite").mkdir(parents=True)
    catalog = open_catalog(str(root), state_dir=None, cache_dir=str(tmp_path / "cache"))
    assert str(catalog.location).startswith(str(tmp_path / "cache"))
    assert len(said) == 1
    assert said[0].startswith(f"the catalog is kept in {catalog.location} ({root}/.twisted-pypi: ")


def test_two_servers_do_not_share_it(open_catalog: Make, said: list[str]) -> None:
    first = open_catalog()
    said.clear()
    second = open_catalog()
    assert first.location is not None
    assert second.location is None
    assert len(said) == 1
    assert "another server" in said[0]


def test_a_transaction_that_fails_leaves_nothing(open_catalog: Make) -> None:
    catalog = open_catalog()

    def job(writer: Writer) -> None:
        writer.put(FILE, None)
        raise KeyError

    with pytest.raises(KeyError):
        catalog.write(job, catalog.apply)
    assert catalog.read.files_of(normalize("acme")) == []
    assert catalog.projects == {}
    put(catalog)


def test_the_roots_may_come_in_another_order(open_catalog: Make) -> None:
    catalog = open_catalog("/one", "/two")
    catalog.write(lambda writer: writer.put(known("acme-1.0.zip", root=1), None), catalog.apply)
    catalog.close()
    again = open_catalog("/two", "/three")
    assert [file.root for file in again.read.files_of(normalize("acme"))] == [0]
    again.close()
    without = open_catalog("/one")
    assert without.read.files_of(normalize("acme")) == []
    assert list(without.read.all_files()) == []
    assert (without.projects, without.files) == ({}, 0)
    assert without.read.state(Place(0, "", "acme-1.0.zip")) is None


def test_before_it_is_open_and_after_it_is_closed_nothing_can_be_asked(tmp_path: Path) -> None:
    catalog = Catalog(["/one"], state_dir=str(tmp_path), cache_dir="/nowhere")
    with pytest.raises(Busy):
        _ = catalog.read
    with pytest.raises(Busy):
        put(catalog)
    assert not list(tmp_path.iterdir())
