"""When a page is answered, and when it waits."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import pytest
from twisted.internet.defer import Deferred

from twisted_pypi.catalog import Catalog, Place
from twisted_pypi.distributions import normalize, parse_filename
from twisted_pypi.errors import Unreadable
from twisted_pypi.storage.enquiries import Enquiries
from twisted_pypi.storage.examining import Examiner
from twisted_pypi.storage.ledger import Ledger
from twisted_pypi.storage.readers import Readers
from twisted_pypi.storage.reading import Job
from twisted_pypi.storage.threads import Threads
from twisted_pypi.storage.tree import Tree

ACME = normalize("acme")


class ReadersInName:
    """Who says that files were read, and does not read them."""

    def __init__(self) -> None:
        self.read: list[Place] = []

    async def read_first(self, jobs: Sequence[Job]) -> None:
        self.read += [job.place for job in jobs]


class Office:
    """Enquiries of a catalog that nobody fills."""

    def __init__(self, folder: Path) -> None:
        self.catalog = Catalog(["/root"], state_dir=str(folder), cache_dir="/nowhere")
        self.catalog.open()
        self.readers = ReadersInName()
        self.enquiries = Enquiries(
            self.catalog,
            tree=cast("Tree", None),
            ledger=cast("Ledger", None),
            examiner=cast("Examiner", None),
            readers=cast("Readers", self.readers),
            threads=cast("Threads", None),
        )

    def seen(self, filename: str) -> Place:
        place = Place(0, "", filename)
        self.catalog.write(lambda writer: writer.seen(place, parse_filename(filename)), self.catalog.apply)
        return place

    def ask(self) -> list[object]:
        """Ask for the project; what is in the list afterwards is the answer."""
        answers: list[object] = []
        Deferred.fromCoroutine(self.enquiries.settled(ACME)).addBoth(answers.append)
        return answers


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.catalog.close()


def test_nothing_is_answered_before_the_catalog_is_open(office: Office) -> None:
    answers = office.ask()
    office.enquiries.name()
    assert answers == []
    office.enquiries.open()
    assert answers == [None]


def test_a_project_that_is_known_is_answered_at_once(office: Office) -> None:
    office.catalog.projects = {ACME: 1}
    office.enquiries.open()
    assert office.ask() == [None]


def test_a_project_that_is_unknown_waits_for_all_names(office: Office) -> None:
    office.enquiries.open()
    answers = office.ask()
    assert answers == []
    office.enquiries.name()
    assert answers == [None]


def test_a_project_with_new_files_waits_for_all_names_and_then_for_the_files(office: Office) -> None:
    place = office.seen("acme-1.0.zip")
    office.enquiries.open()
    answers = office.ask()
    assert (answers, office.readers.read) == ([], [])
    office.enquiries.name()
    assert set(office.readers.read) == {place}


def test_files_that_stay_unread_are_given_up(office: Office) -> None:
    office.seen("acme-1.0.zip")
    office.enquiries.open()
    office.enquiries.name()
    (failure,) = office.ask()
    assert failure.check(Unreadable)  # type: ignore[attr-defined]  # it is a Failure


def test_files_whose_old_names_may_be_of_this_project_are_read_first(office: Office) -> None:
    # "acme-2", "acmes" and "acme-tools" by their names; only the first may be "acme".
    place = office.seen("acme-2-1.tar.gz")
    office.seen("acmes-2-1.tar.gz")
    office.seen("acme_tools-1.0-py3-none-any.whl")
    office.enquiries.open()
    office.enquiries.name()
    office.ask()
    assert set(office.readers.read) == {place}
