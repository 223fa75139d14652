"""What of another index is shown under each status."""

from collections.abc import Awaitable, Callable

import pytest
import pytest_twisted

from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import NotAllowed
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
