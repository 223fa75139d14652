"""The index over a catalog whose files are what a double says they are."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import pytest_twisted

from twisted_pypi.boundaries import Addition, KnownFile, Recall
from twisted_pypi.catalog import Catalog, Place, State, Writer
from twisted_pypi.distributions import ProjectName, normalize, parse_filename
from twisted_pypi.errors import NoSuchFile, NoSuchProject, Unreadable
from twisted_pypi.indexes.local import LocalIndex

ACME = normalize("acme")


class Knowing:
    """Who has nothing to add to what the catalog knows, but what it is told."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.looks: dict[Place, Callable[[Writer], None]] = {}
        """What is found at a place when it is looked at again."""
        self.asked: list[object] = []

    async def opened(self) -> None:
        pass

    async def all_read(self) -> None:
        """Everything is."""

    async def named(self) -> None:
        self.asked.append("named")

    async def settled(self, project: ProjectName) -> None:
        self.asked.append(project)

    async def look_again(self, place: Place) -> None:
        self.asked.append(place)
        if place in self.looks:
            self.catalog.write(self.looks[place], self.catalog.apply)

    async def remember(self, known: KnownFile, metadata: bytes | None) -> None:
        self.catalog.write(lambda writer: writer.put(known, metadata), self.catalog.apply)

    async def publish(self, publish: Callable[[], Addition]) -> KnownFile:
        added = publish()
        await self.remember(added.known, added.metadata)
        return added.known

    async def forget(self, place: Place) -> None:
        self.catalog.write(lambda writer: writer.remove(place), self.catalog.apply)


class Shelf:
    """Two roots with files, known as they are."""

    def __init__(self, folder: Path) -> None:
        self.roots = folder / "one", folder / "two"
        self.catalog = Catalog(
            [str(root) for root in self.roots], state_dir=str(folder / "state"), cache_dir="/nowhere"
        )
        self.catalog.open()
        self.enquiries = Knowing(self.catalog)
        self.index = LocalIndex(self.catalog, self.enquiries)

    def put(self, path: str, *, root: int = 0, content: bytes = b"content", metadata: bytes | None = None) -> KnownFile:
        location = self.roots[root] / path
        location.parent.mkdir(parents=True, exist_ok=True)
        location.write_bytes(content)
        known = self.facts(path, root=root, metadata=metadata)
        self.catalog.write(lambda writer: writer.put(known, metadata), self.catalog.apply)
        return known

    def facts(self, path: str, *, root: int = 0, metadata: bytes | None = None) -> KnownFile:
        location = self.roots[root] / path
        status = location.stat()
        return KnownFile(
            root, path, parse_filename(location.name), status.st_size, status.st_mtime_ns, status.st_ino,
            sha256(location.read_bytes()).hexdigest(), 1,
            metadata_sha256=None if metadata is None else sha256(metadata).hexdigest(),
        )  # fmt: skip

    def set_state(self, path: str, state: State) -> None:
        self.catalog.write(lambda writer: writer.set_state(Place.at(0, path), state), self.catalog.apply)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path)
    yield shelf
    shelf.catalog.close()


@pytest_twisted.ensureDeferred
async def test_files_are_sorted_by_version_and_then_by_name(shelf: Shelf) -> None:
    names = [
        "acme-1.0a1.zip",
        "acme-1.0.tar.gz",
        "acme-1.0.zip",
        "acme-1.0.0-py3-none-any.whl",
        "acme-1.9.zip",
        "acme-1.10.zip",
        "acme-1!0.5.zip",
    ]
    for name in reversed(names):
        shelf.put(name)
    shelf.put("acme-1.0-beta-x.zip")
    page = await shelf.index.project(ACME)
    assert [file.filename for file in page.files] == [
        "acme-1.0-beta-x.zip",
        "acme-1.0a1.zip",
        "acme-1.0.0-py3-none-any.whl",
        "acme-1.0.tar.gz",
        "acme-1.0.zip",
        "acme-1.9.zip",
        "acme-1.10.zip",
        "acme-1!0.5.zip",
    ]
    assert page.versions == ("1.0-beta-x", "1.0a1", "1.0.0", "1.9", "1.10", "1!0.5")


@pytest_twisted.ensureDeferred
async def test_only_of_wheels_metadata_is_offered(shelf: Shelf) -> None:
    raw = b"Name: acme\n"
    shelf.put("acme-1.0-py3-none-any.whl", metadata=raw)
    sdist = shelf.put("acme-1.0.tar.gz", content=b"sdist", metadata=raw)
    wheel, source = (await shelf.index.project(ACME)).files
    assert wheel.core_metadata == {"sha256": sha256(raw).hexdigest()}
    assert source.core_metadata is None
    assert await shelf.index.metadata(sdist) == raw
    assert await shelf.index.metadata(replace(sdist, metadata_sha256=None)) is None


@pytest_twisted.ensureDeferred
async def test_an_address_is_relative_to_the_page_and_encoded(shelf: Shelf) -> None:
    shelf.put("with blank/50%/acme-1.0+local.zip")
    (file,) = (await shelf.index.project(ACME)).files
    assert file.url == "../../packages/with%20blank/50%25/acme-1.0%2Blocal.zip"
    assert (file.gpg_sig, file.yanked, file.provenance) == (None, False, None)


@pytest_twisted.ensureDeferred
async def test_a_project_is_asked_for_before_it_is_missing(shelf: Shelf) -> None:
    with pytest.raises(NoSuchProject):
        await shelf.index.project(ACME)
    assert shelf.enquiries.asked == [ACME]


@pytest_twisted.ensureDeferred
async def test_a_project_whose_files_are_not_whole_is_empty_and_not_missing(shelf: Shelf) -> None:
    shelf.put("acme-1.0.zip")
    shelf.set_state("acme-1.0.zip", State.SETTLING)
    assert (await shelf.index.project(ACME)).files == ()
    shelf.set_state("acme-1.0.zip", State.UNREADABLE)
    with pytest.raises(Unreadable):
        await shelf.index.project(ACME)
    shelf.put("acme-1.1.zip")
    assert [file.filename for file in (await shelf.index.project(ACME)).files] == ["acme-1.1.zip"]


@pytest_twisted.ensureDeferred
async def test_what_the_names_say_is_of_the_files_that_are_listed(shelf: Shelf) -> None:
    with pytest.raises(NoSuchProject):
        await shelf.index.distributions_of(ACME)
    assert shelf.enquiries.asked == [ACME]
    shelf.put("acme-1.0.zip")
    shelf.put("acme-1.0.zip", root=1, content=b"other")
    shelf.put("acme-1.1-py3-none-any.whl")
    shelf.put("acme-2.0.zip")
    shelf.put("other-1.0.zip")
    shelf.set_state("acme-2.0.zip", State.SETTLING)
    listed = {known.distribution for known in await shelf.index.files_of(ACME)}
    assert {each.filename for each in listed} == {"acme-1.0.zip", "acme-1.1-py3-none-any.whl"}
    assert set(await shelf.index.distributions_of(ACME)) == listed


@pytest_twisted.ensureDeferred
async def test_what_the_names_say_is_not_known_of_files_that_cannot_be_read(shelf: Shelf) -> None:
    shelf.put("acme-1.0.zip")
    shelf.set_state("acme-1.0.zip", State.SETTLING)
    assert await shelf.index.distributions_of(ACME) == []
    shelf.set_state("acme-1.0.zip", State.UNREADABLE)
    with pytest.raises(Unreadable):
        await shelf.index.distributions_of(ACME)


@pytest_twisted.ensureDeferred
async def test_a_file_is_found_by_its_name_and_by_its_path(shelf: Shelf) -> None:
    shelf.put("sub/acme-1.0.zip")
    known = shelf.put("acme-1.0.zip", root=1, content=b"other")
    located = await shelf.index.file(ACME, "acme-1.0.zip")
    assert located.location == str(shelf.roots[0] / "sub" / "acme-1.0.zip")
    # The one that is not listed is reachable by its own path.
    located = await shelf.index.file_at("acme-1.0.zip")
    assert (located.known, located.location) == (known, str(shelf.roots[1] / "acme-1.0.zip"))
    with pytest.raises(NoSuchFile):
        await shelf.index.file(ACME, "acme-2.0.zip")


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "acme-2.0.zip", "/acme-1.0.zip", "sub/../acme-1.0.zip", "../one/acme-1.0.zip", ".hidden/acme-1.0.zip",
        "./acme-1.0.zip", "sub//acme-1.0.zip", "acme-1.0.zip/", "sub\\acme-1.0.zip", "acme-1.0.zip\0", "\udc80.zip",
        "README", "sub",
    ],
)  # fmt: skip
@pytest_twisted.ensureDeferred
async def test_no_other_path_is_served(shelf: Shelf, path: str) -> None:
    shelf.put("acme-1.0.zip")
    folder = shelf.roots[0]
    for other in ("README", ".hidden"):
        (folder / other).write_bytes(b"secret")
    with pytest.raises(NoSuchFile):
        await shelf.index.file_at(path)


@pytest_twisted.ensureDeferred
async def test_a_file_that_was_just_replaced_is_read_again_first(shelf: Shelf) -> None:
    shelf.put("acme-1.0.zip")
    location = shelf.roots[0] / "acme-1.0.zip"
    location.write_bytes(b"other content")
    new = shelf.facts("acme-1.0.zip")
    shelf.enquiries.looks[Place(0, "", "acme-1.0.zip")] = lambda writer: writer.put(new, None)
    assert (await shelf.index.file_at("acme-1.0.zip")).known == new


@pytest_twisted.ensureDeferred
async def test_a_file_that_was_removed_is_missing_and_one_out_of_sight_is_unreadable(shelf: Shelf) -> None:
    known = shelf.put("acme-1.0.zip")
    os.unlink(shelf.roots[0] / "acme-1.0.zip")  # noqa: PTH108  # a test
    with pytest.raises(Unreadable):
        await shelf.index.file_at("acme-1.0.zip")
    with pytest.raises(Unreadable):
        await shelf.index.file(ACME, "acme-1.0.zip")
    shelf.enquiries.looks[Place.of(known)] = lambda writer: writer.remove(Place.of(known))
    with pytest.raises(NoSuchFile):
        await shelf.index.file_at("acme-1.0.zip")


@pytest_twisted.ensureDeferred
async def test_what_is_published_and_removed_is_known_at_once(shelf: Shelf) -> None:
    known = shelf.put("acme-1.0.zip")
    await shelf.index.removed(known)
    assert shelf.index.counts() == (0, 0)
    assert await shelf.index.add(lambda: Addition(known, b"Name: acme\n")) == known
    assert shelf.index.counts() == (1, 1)
    assert await shelf.index.holding("acme-1.0.zip") == known
    assert list(await shelf.index.all_files()) == [known]
    assert (await shelf.index.projects()).names == ("acme",)
    assert await shelf.index.holding("acme-1.1.zip") is None


@pytest_twisted.ensureDeferred
async def test_what_was_taken_back_is_known_and_not_on_the_page(shelf: Shelf) -> None:
    known, other = shelf.put("acme-1.0.zip"), shelf.put("acme-2.0.zip")
    hidden = replace(known, recall=Recall("quarantined", 1000, confirmed=False, hidden=True))
    await shelf.index.added(hidden, None)
    await shelf.index.added(
        replace(other, recall=replace(hidden.recall, hidden=False) if hidden.recall else None), None
    )
    page = await shelf.index.project(ACME)
    assert ([file.filename for file in page.files], page.versions) == (["acme-2.0.zip"], ("2.0",))
    assert len(await shelf.index.files_of(ACME)) == 2
    assert [each.filename for each in await shelf.index.recalled()] == ["acme-1.0.zip", "acme-2.0.zip"]
    assert (await shelf.index.file_at("acme-1.0.zip")).known == hidden
