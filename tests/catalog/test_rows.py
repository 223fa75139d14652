"""What is written, what is read, and what is said to have changed."""

from dataclasses import replace

from tests.catalog.conftest import Make, known
from twisted_pypi.boundaries import KnownFile, Recall
from twisted_pypi.catalog import Catalog, Committed, Double, Identity, Place, State, Writer
from twisted_pypi.distributions import normalize, parse_filename
from twisted_pypi.sidecars import Sidecar, Source
from twisted_pypi.upstream_facts import with_recall

ACME, CORE = normalize("acme"), normalize("core")


def put(catalog: Catalog, *files: KnownFile, certain: bool = False) -> Committed:
    told: list[Committed] = []

    def job(writer: Writer) -> None:
        for file in files:
            writer.put(file, None, uploaded_is_certain=certain)

    catalog.write(job, told.append)
    catalog.apply(told[0])
    return told[0]


def change(catalog: Catalog, method: str, *arguments: object, **more: object) -> Committed:
    told: list[Committed] = []
    catalog.write(lambda writer: getattr(writer, method)(*arguments, **more), told.append)
    catalog.apply(told[0])
    return told[0]


def test_a_file_that_was_seen_by_name_is_to_be_read_and_not_listed(open_catalog: Make) -> None:
    catalog, place = open_catalog(), Place(0, "sub", "acme-1.0.zip")
    told = change(catalog, "seen", place, parse_filename(place.filename))
    assert (told.unread, told.changed, told.files) == (True, {ACME}, 0)
    assert catalog.projects == {"acme": 1}
    assert catalog.read.files_of(ACME) == []
    assert catalog.read.unread(ACME) == [place]
    assert catalog.read.to_read(State.UNKNOWN, None, 9) == [place]
    assert catalog.read.to_read(State.UNKNOWN, place, 9) == []
    assert not change(catalog, "seen", place, parse_filename(place.filename)).unread
    put(catalog, known("sub/acme-1.0.zip"))
    assert catalog.read.unread(ACME) == []
    assert catalog.read.to_read(State.UNKNOWN, None, 9) == []
    assert (catalog.projects, catalog.files) == ({"acme": 1}, 1)


def test_what_is_to_be_read_comes_in_pieces(open_catalog: Make) -> None:
    catalog = open_catalog()
    places = [
        Place(root, folder, f"acme-1.{number}.zip")
        for root in (0, 1)
        for folder in ("", "a", "b")
        for number in range(4)
    ]
    for place in reversed(places):
        change(catalog, "seen", place, parse_filename(place.filename))
    found: list[Place] = []
    while piece := catalog.read.to_read(State.UNKNOWN, found[-1] if found else None, 5):
        found += piece
    assert found == places


def test_only_what_a_page_shows_is_a_change(open_catalog: Make) -> None:
    catalog = open_catalog()
    assert put(catalog, known("acme-1.0.zip")).changed == {ACME}
    assert put(catalog, known("acme-1.0.zip", mtime_ns=99, inode=99)).changed == set()
    assert put(catalog, known("acme-1.0.zip", b"other")).changed == {ACME}
    assert put(catalog, known("acme-1.0.zip", b"other", requires_python=">=3")).changed == {ACME}


def test_facts_that_are_in_doubt_are_taken_off_the_page(open_catalog: Make) -> None:
    catalog, place = open_catalog(), Place(0, "", "acme-1.0.zip")
    put(catalog, known("acme-1.0.zip"))
    for state in (State.UNKNOWN, State.SETTLING, State.UNREADABLE):
        told = change(catalog, "set_state", place, state)
        assert (told.changed, told.files, told.unread) == (
            ({ACME}, -1, True) if state is State.UNKNOWN else (set(), 0, False)
        )
        assert catalog.read.files_of(ACME) == []
        assert catalog.read.states(ACME) == [(place, state)]
    assert catalog.projects == {"acme": 1}
    told = change(catalog, "set_state", place, State.RECHECK)
    assert (told.changed, told.files, told.unread) == ({ACME}, 1, True)
    assert len(catalog.read.files_of(ACME)) == 1


def test_a_project_is_known_until_its_last_file_is_removed(open_catalog: Make) -> None:
    catalog = open_catalog()
    put(catalog, known("acme-1.0.zip"), known("acme-1.1.zip"))
    change(catalog, "remove", Place(0, "", "acme-1.0.zip"))
    assert (catalog.projects, catalog.files) == ({"acme": 1}, 1)
    assert change(catalog, "remove", Place(0, "", "acme-1.1.zip")).changed == {ACME}
    assert (catalog.projects, catalog.files) == ({}, 0)
    assert not change(catalog, "remove", Place(0, "", "acme-1.1.zip")).changed


def test_metadata_may_move_a_file_to_another_project(open_catalog: Make) -> None:
    catalog, place = open_catalog(), Place(0, "", "acme-2-1.0.zip")
    change(catalog, "seen", place, parse_filename("acme-2-1.0.zip"))
    assert catalog.projects == {"acme-2": 1}
    moved = known("acme-2-1.0.zip")
    moved = KnownFile(0, moved.path, parse_filename(moved.filename, project="acme"), 7, 5, 7, moved.sha256, 1)
    assert put(catalog, moved).changed == {"acme", "acme-2"}
    assert catalog.projects == {"acme": 1}


def test_a_folder_is_removed_with_all_below_it_and_nothing_beside_it(open_catalog: Make) -> None:
    catalog = open_catalog()
    paths = ["a/acme-1.zip", "a/b/acme-2.zip", "a0/acme-3.zip", "a-b/acme-4.zip", "acme-5.zip"]
    put(catalog, *(known(path) for path in paths))
    for folder in ("", "a", "a/b", "a0", "a-b"):
        change(catalog, "remember_folder", 0, folder, Identity(1, 2))
    change(catalog, "remove_below", 0, "a")
    assert sorted(file.path for file in catalog.read.all_files()) == sorted(paths[2:])
    assert catalog.read.folders_in(0, "") == {"a0": Identity(1, 2), "a-b": Identity(1, 2)}
    assert catalog.read.folders_in(0, "a") == {}
    assert catalog.read.identity(0, "") == Identity(1, 2)
    assert (catalog.projects, catalog.files) == ({"acme": 3}, 3)


def test_of_one_name_in_two_places_one_is_listed(open_catalog: Make) -> None:
    catalog, name = open_catalog(), "acme-1.0.zip"
    first = put(catalog, known(f"deep/{name}", root=1), known(f"b/{name}"), known(f"a/{name}"), known(f"a/deep/{name}"))
    assert {file.path for file in catalog.read.files_of(ACME)} == {f"a/{name}"}
    assert [file.path for file in catalog.read.all_files()] == [f"a/{name}"]
    assert catalog.read.known(Place(1, "deep", name)) is not None
    holding = catalog.read.holding(name)
    assert holding is not None
    assert holding.path == f"a/{name}"
    assert catalog.files == 1
    assert Double(Place(0, "a", name), Place(0, "b", name)) in first.doubles
    change(catalog, "remove", Place(0, "a", name))
    change(catalog, "set_state", Place(0, "b", name), State.SETTLING)
    assert catalog.files == 1
    assert [file.path for file in catalog.read.files_of(ACME)] == [f"a/deep/{name}"]
    change(catalog, "remove_below", 0, "")
    assert [file.path for file in catalog.read.files_of(ACME)] == [f"deep/{name}"]
    assert (catalog.projects, catalog.files) == ({"acme": 1}, 1)


def test_the_upload_time_of_the_same_bytes_stays(open_catalog: Make) -> None:
    catalog = open_catalog()
    put(catalog, known("acme-1.0.zip", uploaded_ns=5))
    put(catalog, known("acme-1.0.zip", uploaded_ns=9, mtime_ns=9))
    assert [file.uploaded_ns for file in catalog.read.all_files()] == [5]
    change(catalog, "remove", Place(0, "", "acme-1.0.zip"))
    change(catalog, "prune")
    put(catalog, known("elsewhere/acme-1.0.zip", uploaded_ns=9))
    assert [file.uploaded_ns for file in catalog.read.all_files()] == [5]
    put(catalog, known("elsewhere/acme-1.0.zip", b"other", uploaded_ns=9))
    assert [file.uploaded_ns for file in catalog.read.all_files()] == [9]
    put(catalog, known("elsewhere/acme-1.0.zip", uploaded_ns=7), certain=True)
    assert [file.uploaded_ns for file in catalog.read.all_files()] == [7]


def test_metadata_is_forgotten_with_the_last_file_that_has_it(open_catalog: Make) -> None:
    catalog = open_catalog()
    one, two = known("acme-1.0.zip", b"one"), known("acme-1.1.zip", b"two")
    catalog.write(lambda writer: writer.put(one, b"first"), catalog.apply)
    catalog.write(lambda writer: writer.put(two, b"second"), catalog.apply)
    change(catalog, "remove", Place(0, "", "acme-1.0.zip"))
    assert catalog.read.metadata(one.sha256) == b"first"
    change(catalog, "prune")
    assert catalog.read.metadata(one.sha256) is None
    assert catalog.read.metadata(two.sha256) == b"second"


def test_what_its_sidecar_says_of_a_file_is_on_its_page(open_catalog: Make) -> None:
    catalog = open_catalog()
    plain = known("acme-1.0.zip")
    put(catalog, plain)
    for now in (replace(plain, yanked=""), replace(plain, yanked="leaks"), replace(plain, attested=True), plain):
        assert put(catalog, now).changed == {ACME}
        assert not put(catalog, now).changed
        assert catalog.read.files_of(ACME) == [now]


def test_a_signature_changes_the_page_once(open_catalog: Make) -> None:
    catalog, place = open_catalog(), Place(0, "", "acme-1.0.zip")
    put(catalog, known("acme-1.0.zip"))
    assert change(catalog, "set_signed", place, signed=True).changed == {ACME}
    assert change(catalog, "set_signed", place, signed=True).changed == set()
    assert [file.signed for file in catalog.read.all_files()] == [True]


def test_files_of_many_names_come_in_order(open_catalog: Make) -> None:
    catalog = open_catalog()
    names = [f"acme-{number}.zip" for number in range(1, 1300)]
    put(catalog, *(known(name) for name in names))
    put(catalog, *(known(f"again/{name}") for name in names))
    assert [file.path for file in catalog.read.all_files()] == sorted(names)
    assert catalog.files == len(names)


def test_what_a_sidecar_says_is_kept_while_it_is_of_these_bytes(open_catalog: Make) -> None:
    catalog, file = open_catalog(), known("acme-1.0.zip", uploaded_ns=5)
    place = Place.of(file)
    put(catalog, file)
    sidecar = Sidecar(file.sha256, 3000, yanked="broken", attestations=({},))
    assert change(catalog, "set_sidecar", place, sidecar, 7).changed == {ACME}
    assert catalog.read.known(place) == replace(file, uploaded_ns=3000, yanked="broken", attested=True)
    row = catalog.read.remembered(place)
    assert row is not None
    assert row.sidecar_mtime_ns == 7
    assert change(catalog, "set_sidecar", place, sidecar, 8).changed == set()
    assert change(catalog, "set_sidecar", place, replace(sidecar, sha256="00" * 32), 9).changed == {ACME}
    assert catalog.read.known(place) == replace(file, uploaded_ns=3000)
    assert change(catalog, "set_sidecar", place, None, None).changed == set()
    row = catalog.read.remembered(place)
    assert row is not None
    assert row.sidecar_mtime_ns is None
    assert change(catalog, "set_sidecar", Place(0, "", "acme-2.0.zip"), sidecar, 8).changed == set()


def test_what_became_of_a_file_upstream_is_kept_with_it(open_catalog: Make) -> None:
    catalog = open_catalog()
    file = known("acme-1.0.zip", source=Source.UPSTREAM)
    place, recall = Place.of(file), Recall("quarantined", 5000, confirmed=True, hidden=True, reason="it stole")
    change(catalog, "put", file, None)
    change(catalog, "put", known("acme-2.0.zip"), None)
    assert catalog.read.recalled() == []
    sidecar = with_recall(Sidecar(file.sha256, 1, source=Source.UPSTREAM), recall)
    assert change(catalog, "set_sidecar", place, sidecar, 7).changed == {ACME}
    assert catalog.read.known(place) == replace(file, recall=recall)
    assert catalog.read.recalled() == [replace(file, recall=recall)]
    assert change(catalog, "set_sidecar", place, sidecar, 8).changed == set()
    assert change(catalog, "put", replace(file, recall=recall), None).changed == set()
    assert change(catalog, "put", file, None).changed == {ACME}
    assert catalog.read.recalled() == []
    assert change(catalog, "put", replace(file, recall=recall), None).changed == {ACME}
