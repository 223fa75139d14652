from dataclasses import replace

import pytest
import pytest_twisted

from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import NoSuchFile, NoSuchProject
from twisted_pypi.indexes.provenance import WithProvenance
from twisted_pypi.testing.memory_index import MemoryIndex

X = ProjectName("x-y")


@pytest_twisted.ensureDeferred
async def test_only_pages_of_attested_files_change() -> None:
    inner = MemoryIndex()
    plain = inner.put("x_y-1.0.tar.gz")
    attested = inner.put("deep/x_y-1.0+a.b-py3-none-any.whl")
    index = WithProvenance(inner, "https://index.example.com/base")
    assert await index.project(X) == await inner.project(X)
    await inner.added(replace(attested, attested=True), None)
    page = await index.project(X)
    assert [(file.filename, file.provenance) for file in page.files] == [
        (
            attested.filename,
            "https://index.example.com/base/integrity/x-y/1.0%2Ba.b/x_y-1.0%2Ba.b-py3-none-any.whl/provenance",
        ),
        (plain.filename, None),
    ]
    assert [replace(file, provenance=None) for file in page.files] == list((await inner.project(X)).files)


@pytest_twisted.ensureDeferred
async def test_all_else_is_the_inner_indexs() -> None:
    inner = MemoryIndex()
    inner.put("x_y-1.0.tar.gz")
    index = WithProvenance(inner, "https://index.example.com")
    assert await index.projects() == await inner.projects()
    assert await index.file(X, "x_y-1.0.tar.gz") == await inner.file(X, "x_y-1.0.tar.gz")
    with pytest.raises(NoSuchFile):
        await index.file(X, "x_y-2.0.tar.gz")
    with pytest.raises(NoSuchProject):
        await index.project(ProjectName("z"))
