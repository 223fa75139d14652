"""What becomes of a file that is read."""

import os
from pathlib import Path
from typing import Any, cast

import pytest
from twisted.logger import ILogObserver, Logger

from tests.storage.keeping import Keeper, keeping
from tests.storage.running import LONG_AGO, put
from twisted_pypi.catalog import Place, State
from twisted_pypi.distributions import normalize
from twisted_pypi.storage.reading import FileReader, Job, NotYet, Outcome
from twisted_pypi.storage.recording import Recorder
from twisted_pypi.storage.scan import Scan
from twisted_pypi.storage.stopping import Stopping
from twisted_pypi.testing.archives import wheel

FILE = "acme-1.0-py3-none-any.whl"
PLACE = Place(0, "", FILE)
ACME = normalize("acme")


class Interrupted:
    """Reads files, and has something happen right afterwards."""

    def __init__(self, reader: FileReader, path: Path, content: bytes) -> None:
        self.reader, self.path, self.content = reader, path, content

    def read(self, job: Job) -> Outcome:
        outcome = self.reader.read(job)
        put(self.path, self.content, modified=LONG_AGO + 1)
        return outcome


def digests(keeper: Keeper) -> list[str]:
    return [known.sha256 for known in keeper.catalog.read.files_of(ACME)]


def replaced_unseen(path: Path) -> None:
    """Other bytes of the same size and with the same time, in another file."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    put(path.with_name("other"), bytes(content)).replace(path)


def test_a_file_that_is_replaced_right_after_it_was_read_is_not_listed_with_the_old_facts(tmp_path: Path) -> None:
    path = put(tmp_path / "root" / FILE)
    with keeping(path.parent, tmp_path / "state") as keeper:
        keeper.names()
        reader = cast("FileReader", Interrupted(keeper.reader, path, wheel("acme", "1.0", content=b"other")))
        recorded, _ = Recorder(keeper.tools, reader).record([Job(PLACE)])
        assert digests(keeper) == []
        assert [type(each) for _, each in recorded.waiting] == [NotYet]
        keeper.read_all()
        assert len(digests(keeper)) == 1


def test_another_inode_is_a_reason_to_look_and_until_then_the_facts_hold(tmp_path: Path) -> None:
    path = put(tmp_path / "root" / FILE)
    with keeping(path.parent, tmp_path / "state") as keeper:
        keeper.names()
        keeper.read_all()
        before = digests(keeper)
        replaced_unseen(path)
        Scan(keeper.tools).run(0)
        assert digests(keeper) == before
        assert keeper.to_read(State.RECHECK) == [PLACE]
        keeper.read_all()
        assert len(before) == len(digests(keeper)) == 1
        assert digests(keeper) != before
        assert keeper.to_read(State.RECHECK) == []
        keeper.scan()
        assert keeper.to_read(State.RECHECK) == []


def test_the_same_bytes_with_another_inode_are_no_change(tmp_path: Path) -> None:
    path = put(tmp_path / "root" / FILE)
    with keeping(path.parent, tmp_path / "state") as keeper:
        keeper.names()
        keeper.read_all()
        put(path.with_name("other"), path.read_bytes()).replace(path)
        keeper.told.clear()
        keeper.scan()
        assert set().union(*keeper.told) == set()
        known = keeper.catalog.read.known(PLACE)
        assert known is not None
        assert known.inode == path.stat().st_ino


def test_inodes_that_change_without_end_are_ignored_in_the_end(tmp_path: Path) -> None:
    path = put(tmp_path / "root" / FILE)
    with keeping(path.parent, tmp_path / "state") as keeper:
        keeper.names()
        keeper.read_all()
        for _ in range(1000):
            keeper.tools.inodes.false_alarm(0, files=1)
        replaced_unseen(path)
        Scan(keeper.tools).run(0)
        assert keeper.to_read(State.RECHECK) == []


def test_a_reader_that_fails_makes_its_file_unreadable_and_no_other(tmp_path: Path) -> None:
    class Failing:
        def read(self, job: Job) -> Outcome:
            if job.place == PLACE:
                raise PermissionError("broken")
            return keeper.reader.read(job)

    said: list[dict[str, Any]] = []
    other = put(tmp_path / "root" / "acme-1.1-py3-none-any.whl")
    put(tmp_path / "root" / FILE)
    with keeping(other.parent, tmp_path / "state") as keeper:
        keeper.names()
        recorder = Recorder(keeper.tools, cast("FileReader", Failing()))
        recorder.log = Logger(observer=cast("ILogObserver", said.append))
        recorder.record([Job(PLACE), Job(Place(0, "", other.name))])
        assert [known.filename for known in keeper.catalog.read.files_of(ACME)] == [other.name]
        assert keeper.catalog.read.state(PLACE) is State.UNREADABLE
        assert len(said) == 1
        keeper.scan()
        assert len(digests(keeper)) == 2


def test_large_files_are_better_read_by_several(tmp_path: Path) -> None:
    path = put(tmp_path / "root" / FILE, wheel("acme", "1.0", content=os.urandom(1_000_000)))
    with keeping(path.parent, tmp_path / "state") as keeper:
        keeper.names()
        assert keeper.recorder.record([Job(PLACE)])[0].shareable


def test_a_pass_ends_at_once_when_the_server_goes_down(tmp_path: Path) -> None:
    path = put(tmp_path / "root" / FILE)
    with keeping(path.parent, tmp_path / "state") as keeper:
        keeper.tools.stopping.set()
        with pytest.raises(Stopping):
            keeper.names()
        Scan(keeper.tools).run(0)
        assert keeper.recorder.record([Job(PLACE)])[1] == [Job(PLACE)]
        assert keeper.catalog.projects == {}
