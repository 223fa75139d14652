"""What a file is, and from when on it is believed to be whole."""

import os
import threading
from hashlib import sha256
from pathlib import Path

import pytest

from tests.storage.running import LONG_AGO, put
from twisted_pypi.boundaries import Recall
from twisted_pypi.catalog import Place, Sighting
from twisted_pypi.sidecars import Sidecar, format_sidecar, sidecar_name
from twisted_pypi.storage.reading import FRESH, LONG_STILL, STILL, Facts, Failed, FileReader, Gone, Job, NotYet, Outcome
from twisted_pypi.storage.remarks import Remarks
from twisted_pypi.storage.tree import Tree
from twisted_pypi.testing.archives import sdist, tar_archive, wheel
from twisted_pypi.upstream_facts import with_recall

NOW = LONG_AGO + 10_000
WHEEL, SDIST = wheel("acme", "1.0"), sdist("acme", "1.0", content=os.urandom(9999))
PLAIN = tar_archive([("acme-1.0/PKG-INFO", b"Name: acme\nVersion: 1.0\n"), ("acme-1.0/x", bytes(9999))], "w")


def read(path: Path, *, closed: bool = False, before: Sighting | None = None, since: float = 0) -> Outcome:
    tree = Tree([str(path.parent)], follow_links=False, remarks=Remarks())
    reader = FileReader(tree, lambda: NOW, threading.Event())
    return reader.read(Job(Place(0, "", path.name), closed, before, since))


@pytest.mark.parametrize(
    ("name", "content", "age", "closed", "expected"),
    [
        ("acme-1.0-py3-none-any.whl", WHEEL, 0, False, STILL),
        ("acme-1.0-py3-none-any.whl", WHEEL, 1.5, False, 0.5),
        ("acme-1.0-py3-none-any.whl", WHEEL, STILL, False, None),
        ("acme-1.0-py3-none-any.whl", WHEEL, 0, True, None),
        # The clock of another machine is ahead.
        ("acme-1.0-py3-none-any.whl", WHEEL, -9, False, STILL),
        ("acme-1.0-py3-none-any.whl", WHEEL[:-1], 0, True, LONG_STILL),
        ("acme-1.0-py3-none-any.whl", WHEEL[:-1], 4, False, 6),
        ("acme-1.0-py3-none-any.whl", WHEEL[:-1], LONG_STILL, False, None),
        ("acme-1.0.tar.gz", SDIST, 0, True, None),
        ("acme-1.0.tar.gz", SDIST, STILL, False, None),
        # The metadata can be read already, but the end is not there.
        ("acme-1.0.tar.gz", SDIST[:-9], 0, True, LONG_STILL),
        ("acme-1.0.tar.gz", SDIST[:-9], FRESH - 1, False, None),
        ("acme-1.0.tar", PLAIN, STILL, False, None),
        ("acme-1.0.tar", PLAIN[:2048], STILL, False, LONG_STILL - STILL),
        # There is nothing to check in these.
        ("acme-1.0.msi", b"anything", 0, True, LONG_STILL),
        ("acme-1.0.tar.gz", b"", 0, True, LONG_STILL),
        ("acme-1.0.msi", b"anything", LONG_STILL, False, None),
        ("acme-1.0.tar.gz", b"", LONG_STILL, False, None),
        # What is older is taken as it is.
        ("acme-1.0.tar.gz", SDIST[:-9], FRESH + 1, False, None),
        ("acme-1.0.msi", b"anything", FRESH + 1, False, None),
    ],
)
def test_from_when_on_a_file_is_taken(
    tmp_path: Path, name: str, content: bytes, age: float, closed: bool, expected: float | None
) -> None:
    path = put(tmp_path / name, content, modified=NOW - age)
    with path.open("ab"):
        outcome = read(path, closed=closed)
    if expected is None:
        assert isinstance(outcome, Facts)
        assert outcome.known.sha256 == sha256(content).hexdigest()
    else:
        assert isinstance(outcome, NotYet)
        assert outcome.wait == pytest.approx(expected)


def test_a_file_whose_times_cannot_be_believed_is_taken_when_it_was_seen_unchanged_for_long_enough(
    tmp_path: Path,
) -> None:
    path = put(tmp_path / "acme-1.0-py3-none-any.whl", WHEEL, modified=NOW + 3600)
    seen = Sighting.of(path.stat())
    with path.open("ab"):
        assert isinstance(read(path, before=seen, since=NOW - 1.9), NotYet)
        assert isinstance(read(path, before=seen, since=NOW - 2.1), Facts)
        assert isinstance(read(path, before=seen._replace(size=1), since=NOW - 99), NotYet)


def test_a_file_that_nobody_writes_is_taken_at_once(tmp_path: Path) -> None:
    assert isinstance(read(put(tmp_path / "acme-1.0-py3-none-any.whl", WHEEL, modified=NOW)), Facts)


def test_a_file_without_metadata_is_listed_with_a_remark(tmp_path: Path) -> None:
    outcome = read(put(tmp_path / "acme-1.0-py3-none-any.whl", b"anything"))
    assert isinstance(outcome, Facts)
    assert outcome.metadata is None
    assert outcome.known.metadata_sha256 is None
    assert outcome.remark is not None
    assert "acme-1.0-py3-none-any.whl" in outcome.remark


def test_the_name_inside_says_where_an_old_file_name_is_to_be_split(tmp_path: Path) -> None:
    outcome = read(put(tmp_path / "acme-2-1.tar.gz", sdist("acme", "2-1")))
    assert isinstance(outcome, Facts)
    assert (outcome.known.project, outcome.known.distribution.version) == ("acme", "2-1")
    outcome = read(put(tmp_path / "acme-2-1.0.tar.gz", sdist("other", "1.0")))
    assert isinstance(outcome, Facts)
    assert (outcome.known.project, outcome.known.distribution.version) == ("acme-2", "1.0")


def test_the_upload_time_is_the_sidecars_while_it_speaks_of_this_file(tmp_path: Path) -> None:
    path = put(tmp_path / "acme-1.0-py3-none-any.whl", WHEEL)
    sidecar = path.with_name(sidecar_name(path.name))
    sidecar.write_bytes(format_sidecar(Sidecar(sha256(WHEEL).hexdigest(), 5_000_000)))
    outcome = read(path)
    assert isinstance(outcome, Facts)
    assert (outcome.known.uploaded_ns, outcome.uploaded_is_certain) == (5_000_000, True)
    sidecar.write_bytes(format_sidecar(Sidecar(sha256(b"other").hexdigest(), 5_000_000)))
    outcome = read(path)
    assert isinstance(outcome, Facts)
    assert (outcome.known.uploaded_ns, outcome.uploaded_is_certain) == (path.stat().st_mtime_ns, False)


def test_a_sidecar_says_that_its_file_was_taken_back(tmp_path: Path) -> None:
    path = put(tmp_path / "acme-1.0-py3-none-any.whl", WHEEL)
    recall = Recall("quarantined", 5000, confirmed=False, hidden=True)
    sidecar = with_recall(Sidecar(sha256(WHEEL).hexdigest()), recall)
    path.with_name(sidecar_name(path.name)).write_bytes(format_sidecar(sidecar))
    outcome = read(path)
    assert isinstance(outcome, Facts)
    assert outcome.known.recall == recall


def test_the_upload_time_is_never_in_the_future(tmp_path: Path) -> None:
    outcome = read(put(tmp_path / "acme-1.0-py3-none-any.whl", WHEEL, modified=NOW + 3600), closed=True)
    assert isinstance(outcome, Facts)
    assert outcome.known.uploaded_ns == NOW * 10**9


def test_a_large_file_is_read_in_pieces(tmp_path: Path) -> None:
    content = wheel("acme", "1.0", content=os.urandom(3 * 1024 * 1024))
    outcome = read(put(tmp_path / "acme-1.0-py3-none-any.whl", content))
    assert isinstance(outcome, Facts)
    assert outcome.known.sha256 == sha256(content).hexdigest()
    assert outcome.metadata is not None


def test_what_is_no_file_is_gone(tmp_path: Path) -> None:
    assert read(tmp_path / "acme-1.0.zip") == Gone()
    os.mkfifo(tmp_path / "acme-1.1.zip")
    assert read(tmp_path / "acme-1.1.zip") == Gone()
    (tmp_path / "acme-1.2.zip").symlink_to("acme-1.2.zip")
    assert isinstance(read(tmp_path / "acme-1.2.zip"), Failed)
