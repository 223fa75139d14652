from pathlib import Path
from typing import Any, cast

import pytest_twisted
from twisted.logger import ILogObserver, Logger, formatEvent

from tests.storage.running import put, running
from twisted_pypi.catalog import Remembered, State
from twisted_pypi.storage.names import compare, in_order
from twisted_pypi.storage.remarks import Remark, Remarks


def said_by(remarks: Remarks) -> list[str]:
    said: list[str] = []

    def observe(event: dict[str, Any]) -> None:
        said.append(formatEvent(event))

    remarks.log = Logger(observer=cast("ILogObserver", observe))
    return said


def test_a_thing_is_said_once() -> None:
    remarks = Remarks()
    said = said_by(remarks)
    for _ in range(3):
        remarks.once(Remark.BAD_NAME, "/a", "a {strange} name")
        remarks.once(Remark.LINK, "/a", "a link")
    assert said == ["a {strange} name", "a link"]


def test_of_many_only_the_first_are_said() -> None:
    remarks = Remarks()
    said = said_by(remarks)
    for number in range(1000):
        remarks.once(Remark.BAD_NAME, str(number), f"name {number}")
    assert len(said) == 201
    assert said[-1] == "more file names that cannot be understood are not reported one by one"


@pytest_twisted.ensureDeferred
async def test_a_name_that_cannot_be_understood_hides_no_other(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("nonsense.whl", "-1.0.zip", "acme-1.0.tar.gz", "b\udcff-1.0.zip", "noversion.zip", "x\n-1.0.zip"):
        put(root / name, b"")
    put(root / "f\udcff" / "acme-1.1.zip", b"")
    put(root / "acme-1.2.zip", b"")
    async with running(root) as here:
        await here.scanner.rescan()
        assert await here.filenames("acme") == ["acme-1.0.tar.gz", "acme-1.2.zip"]
        assert (await here.index.projects()).names == ("acme",)


def test_what_is_there_and_what_is_remembered_are_walked_through_side_by_side() -> None:
    rows = [Remembered(name, State.LISTED, None, signed=False) for name in "bcef"]
    found = [(name, there, row is not None) for name, there, row in compare(in_order(list("daecg")), rows)]
    assert found == [
        ("a", True, False), ("b", False, True), ("c", True, True), ("d", True, False), ("e", True, True),
        ("f", False, True), ("g", True, False),
    ]  # fmt: skip


def test_many_names_are_sorted() -> None:
    names = [str(number) for number in range(25_000)]
    assert list(in_order(names)) == sorted(names)
    assert list(in_order([])) == []
