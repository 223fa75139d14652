import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.core_metadata import parse
from twisted_pypi.errors import BadMetadata

RAW = """Metadata-Version: 2.1
Name: Spam.Eggs
Version: 1.0
Summary: Straße
Home-page: UNKNOWN
License: one
        two
Classifier: A :: B
Classifier: C
Project-URL: Docs, https://docs.example.com
Requires-Dist: x (>=1)
Requires-Dist: y; extra == "z"
Requires-Python: >=3.8
Platform: any
Provides-Extra: z

# Spam

Text.
"""


def test_reads_the_fields_under_the_names_of_the_upload_form() -> None:
    found = parse(RAW.encode())
    assert (found.name, found.version, found.metadata_version) == ("Spam.Eggs", "1.0", "2.1")
    assert (found.requires_python, found.summary) == (">=3.8", "Straße")
    assert found.description == "# Spam\n\nText.\n"
    assert found.fields == {
        "metadata_version": ("2.1",),
        "name": ("Spam.Eggs",),
        "version": ("1.0",),
        "summary": ("Straße",),
        "license": ("one\n        two",),
        "classifiers": ("A :: B", "C"),
        "project_urls": ("Docs, https://docs.example.com",),
        "requires_dist": ("x (>=1)", 'y; extra == "z"'),
        "requires_python": (">=3.8",),
        "platform": ("any",),
        "provides_extra": ("z",),
    }


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end(end: str) -> None:
    assert parse(RAW.replace("\n", end).encode()) == parse(RAW.encode())


def test_text_that_is_not_utf_8_is_latin_1() -> None:
    assert parse(RAW.encode("latin-1")).summary == "Straße"


@pytest.mark.parametrize(
    ("raw", "description"),
    [
        (b"Name: a\nVersion: 1\nDescription: One\n        two\n        \n            three\nPlatform: x\n", "One\ntwo\n\n    three"),
        (b"Name: a\nVersion: 1\nDescription: One\n       |two\n       |\n       |three\n", "One\ntwo\n\nthree"),
        (b"Name: a\nVersion: 1\nDescription: One\n two\n", "One\n two"),
        (b"Name: a\nVersion: 1\nDescription: UNKNOWN\n", ""),
        (b"Name: a\nVersion: 1\n\nUNKNOWN\n", ""),
        (b"Name: a\nVersion: 1\n", ""),
    ],
)  # fmt: skip
def test_the_description_is_a_field_or_the_body(raw: bytes, description: str) -> None:
    assert parse(raw).description == description


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbfName: a\nVersion: 1\n",
        b"name: a\nVERSION: 1\n",
        b"Name:\n a\nVersion: 1\n",
        b"garbage\n more garbage\nName: a\nVersion: 1\n",
        b" starts folded\nName: a\nVersion: 1\n",
        b"Name: UNKNOWN\nName: a\nVersion: 1\n",
    ],
)
def test_odd_files_are_read_all_the_same(raw: bytes) -> None:
    assert (parse(raw).name, parse(raw).version) == ("a", "1")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "no Name"),
        (b"Version: 1\n", "no Name"),
        (b"Name: a\n", "no Version"),
        (b"Name: a\nVersion: UNKNOWN\n", "no Version"),
        (b"Name:\nVersion: 1\n", "no Name"),
        (b"Name: a\nVersion: 1\n" + b"x:\n" * 200_000, "lines"),
    ],
)
def test_says_what_is_missing(raw: bytes, reason: str) -> None:
    with pytest.raises(BadMetadata, match=reason):
        parse(raw)


@given(
    st.binary()
    | st.lists(st.sampled_from([b"Name: a", b"Version: 1", b" x", b"", b"\r", b"Description: y", b"z"])).map(b"\n".join)
)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        found = parse(raw)
    except BadMetadata:
        return
    assert found.name
    assert found.version
    assert all(found.fields.values())
