"""What of another index is shown under each status."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
import pytest_twisted

from twisted_pypi.boundaries import Recall
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import NotAllowed, Recalled
from twisted_pypi.indexes.marked import Marked
from twisted_pypi.project_records import ACTIVE, Origin, ProjectRecord, Status, Whose
from twisted_pypi.testing.memory_index import MemoryIndex

X, Y = ProjectName("x"), ProjectName("y")
FILE = "x-1.0.tar.gz"


def made(record: ProjectRecord) -> tuple[MemoryIndex, Marked]:
    inner = MemoryIndex()
    inner.put(FILE)
    inner.put("y-1.0.tar.gz")
    return inner, Marked(inner, lambda name: record if name == X else ACTIVE)


@pytest.mark.parametrize(
    "record",
    [
        ACTIVE,
        ProjectRecord(reason="back"),
        ProjectRecord(Status.ARCHIVED),
        ProjectRecord(Status.DEPRECATED, "see y"),
        ProjectRecord(origin=Origin(Whose.UPSTREAM, "it was compared", 0)),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_status_is_on_the_page_and_the_files_are_given_out(record: ProjectRecord) -> None:
    inner, index = made(record)
    page, plain = await index.project(X), await inner.project(X)
    plain_record = record.status is Status.ACTIVE and record.reason is None
    expected = (None, None) if plain_record else (record.status.value, record.reason)
    assert (page.status, page.status_reason) == expected
    assert (page.files, page.versions) == (plain.files, plain.versions)
    assert await index.file(X, FILE) == await inner.file(X, FILE)
    assert await index.file_at(FILE) == await inner.file_at(FILE)
    assert await index.files_of(X) == await inner.files_of(X)
    assert await index.distributions_of(X) == await inner.distributions_of(X)
    assert list(await index.all_files()) == list(await inner.all_files())


@pytest_twisted.ensureDeferred
async def test_nothing_of_a_quarantined_project_is_given_out() -> None:
    inner, index = made(ProjectRecord(Status.QUARANTINED, "malware"))
    page = await index.project(X)
    assert (page.status, page.status_reason, page.files, page.versions) == ("quarantined", "malware", (), ())
    assert await index.files_of(X) == []
    assert await index.distributions_of(X) == []
    assert [known.filename for known in await index.all_files()] == ["y-1.0.tar.gz"]
    # The name stays taken.
    assert (await index.projects()).names == (X, Y)
    assert await index.holding(FILE) == await inner.holding(FILE)
    assert await index.project(Y) == await inner.project(Y)


@pytest.mark.parametrize("ask", [lambda index: index.file(X, FILE), lambda index: index.file_at(FILE)])
@pytest_twisted.ensureDeferred
async def test_a_quarantined_file_is_refused_with_the_reason(ask: Callable[[Marked], Awaitable[object]]) -> None:
    _, index = made(ProjectRecord(Status.QUARANTINED, "malware"))
    with pytest.raises(NotAllowed, match="is quarantined: malware"):
        await ask(index)


@pytest_twisted.ensureDeferred
async def test_a_file_that_its_index_took_back_is_not_given_out() -> None:
    inner, index = made(ACTIVE)
    known = inner.put("x-1.1.tar.gz")
    await inner.added(
        replace(known, recall=Recall("quarantined", 0, confirmed=False, hidden=True, reason="it stole")), None
    )
    assert [file.filename for file in (await index.project(X)).files] == [FILE]
    assert [each.filename for each in await index.files_of(X)] == [FILE]
    assert [each.filename for each in await index.all_files()] == [FILE, "y-1.0.tar.gz"]
    for asked in (index.file(X, "x-1.1.tar.gz"), index.file_at("x-1.1.tar.gz")):
        with pytest.raises(Recalled, match=r"is recalled: its index has quarantined it, .*: it stole"):
            await asked
    # What is only reported is given out.
    await inner.added(replace(known, recall=Recall("removed", 0, confirmed=True, hidden=False)), None)
    assert (await index.file(X, known.filename)).known.filename == known.filename
    assert len((await index.project(X)).files) == len(await index.files_of(X)) == 2
