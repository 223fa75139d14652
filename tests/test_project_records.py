import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.project_records import ACTIVE, Origin, ProjectRecord, Status, Whose, format_record, parse_record


@pytest.mark.parametrize(
    ("said", "record"),
    [
        ({}, ACTIVE),
        ({"status": "active"}, ACTIVE),
        ({"status": "archived", "reason": "done"}, ProjectRecord(Status.ARCHIVED, "done")),
        ({"status": "deprecated", "reason": ""}, ProjectRecord(Status.DEPRECATED)),
        ({"status": "quarantined", "reason": 7}, ProjectRecord(Status.QUARANTINED)),
        ({"status": "archived", "reason": "\ud800"}, ProjectRecord(Status.ARCHIVED, "?")),
        ({"owners": ["anna"]}, ProjectRecord(more={"owners": ["anna"]})),
    ],
)
def test_what_it_says_is_understood(said: dict[str, object], record: ProjectRecord) -> None:
    assert parse_record(json.dumps(said).encode()) == record


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'{"status": "gone"}', b'{"status": null}', b'{"status": ["active"]}', b"\xff", b" " * 2**21],
)
def test_garbage_is_no_record(data: bytes) -> None:
    assert parse_record(data) is None


def test_is_written_in_one_way() -> None:
    record = ProjectRecord(Status.ARCHIVED, "done", {"owners": []})
    assert format_record(record) == b'{"owners": [], "reason": "done", "status": "archived"}\n'


@given(
    st.sampled_from(Status),
    st.none() | st.text(min_size=1),
    st.dictionaries(st.text(min_size=7), st.text()),
)
def test_what_was_written_is_read(status: Status, reason: str | None, more: dict[str, object]) -> None:
    record = ProjectRecord(status, reason, more)
    assert parse_record(format_record(record)) == record


@given(st.binary())
def test_any_bytes_are_understood_or_not(data: bytes) -> None:
    parse_record(data)


@pytest.mark.parametrize(
    ("status", "takes"),
    [("active", True), ("deprecated", True), ("archived", False), ("quarantined", False)],
)
def test_who_takes_uploads(status: str, takes: bool) -> None:
    assert Status(status).takes_uploads is takes


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (ProjectRecord(Status.ARCHIVED), "is archived"),
        (ProjectRecord(Status.QUARANTINED, "malware"), "is quarantined: malware"),
    ],
)
def test_it_reads_as_part_of_a_sentence(record: ProjectRecord, sentence: str) -> None:
    assert record.sentence == sentence


@pytest.mark.parametrize("whose", list(Whose))
def test_keeps_whose_a_project_is(whose: Whose) -> None:
    origin = Origin(whose, "every file is the upstream's", 1_700_000_000_000_000_000, {"x-1.0.tar.gz": "ab"})
    record = ProjectRecord(origin=origin)
    assert parse_record(format_record(record)) == record


@pytest.mark.parametrize("said", ['"theirs"', "{}", '{"whose": "nobody"}', "[]", "7"])
def test_what_is_not_understood_of_an_origin_makes_a_project_ours(said: str) -> None:
    record = parse_record(b'{"origin": %s}' % said.encode())
    assert record is not None
    assert record.origin is not None
    assert record.origin.whose is Whose.OURS


def test_an_origin_may_lack_its_time_and_its_files() -> None:
    record = parse_record(b'{"origin": {"whose": "upstream", "decided": "when?", "matched": 1}}')
    assert record is not None
    assert record.origin == Origin(Whose.UPSTREAM, "its record says so", 0)
