import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.distributions import ProjectName
from twisted_pypi.simple.json import upload_time, write_list, write_page
from twisted_pypi.simple.model import File, ProjectList, ProjectPage

NAME = ProjectName("x")
SHA = "a" * 64


def written(file: File) -> dict[str, Any]:
    (entry,) = json.loads(write_page(ProjectPage(NAME, (file,))))["files"]
    assert isinstance(entry, dict)
    return entry


def test_the_list_names_every_project() -> None:
    names = (ProjectName("a"), ProjectName("b-c"))
    assert json.loads(write_list(ProjectList(names))) == {
        "meta": {"api-version": "1.4"},
        "projects": [{"name": "a"}, {"name": "b-c"}],
    }


def test_a_file_says_everything_that_is_known() -> None:
    file = File(
        "x-1.0-py3-none-any.whl",
        "../../packages/x-1.0-py3-none-any.whl",
        {"sha256": SHA, "blake2b": "c" * 128},
        size=7,
        upload_time_ns=1_700_000_000_123_456_789,
        requires_python=">=3.8, <4",
        core_metadata={"sha256": "b" * 64},
        gpg_sig=True,
        yanked='broken "on" <Tuesdays>',
        provenance="https://index.example.com/integrity/x",
    )
    assert written(file) == {
        "filename": "x-1.0-py3-none-any.whl",
        "url": "../../packages/x-1.0-py3-none-any.whl",
        "hashes": {"blake2b": "c" * 128, "sha256": SHA},
        "size": 7,
        "upload-time": "2023-11-14T22:13:20.123456Z",
        "requires-python": ">=3.8, <4",
        "core-metadata": {"sha256": "b" * 64},
        "gpg-sig": True,
        "yanked": 'broken "on" <Tuesdays>',
        "provenance": "https://index.example.com/integrity/x",
    }


def test_what_is_not_known_is_not_said() -> None:
    assert written(File("x.zip", "x.zip", {})) == {"filename": "x.zip", "url": "x.zip", "hashes": {}, "yanked": False}


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [
        (File("f", "f", {}, core_metadata=False), "core-metadata", False),
        (File("f", "f", {}, core_metadata=True), "core-metadata", True),
        (File("f", "f", {}, core_metadata={}), "core-metadata", True),
        (File("f", "f", {}, gpg_sig=False), "gpg-sig", False),
        (File("f", "f", {}, yanked=True), "yanked", True),
        (File("f", "f", {}, yanked=""), "yanked", True),  # a reason is never empty
        (File("f", "f", {}, size=0), "size", 0),
        (File("f", "f", {}, requires_python=""), "requires-python", ""),
        (File("f", "f", {}, upload_time_ns=0), "upload-time", "1970-01-01T00:00:00.000000Z"),
    ],
)
def test_absent_is_not_false(file: File, key: str, value: object) -> None:
    assert written(file)[key] == value


def test_the_older_name_of_the_metadata_is_never_there() -> None:
    page = write_page(ProjectPage(NAME, (File("f", "f", {}, core_metadata={"sha256": SHA}),)))
    assert b"dist-info-metadata" not in page


@pytest.mark.parametrize(
    ("ns", "expected"),
    [
        (1_699_999_999_999_999_999, "2023-11-14T22:13:19.999999Z"),
        (1_000, "1970-01-01T00:00:00.000001Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (10**21, None),
        (-(10**21), None),
    ],
)
def test_an_upload_time_has_microseconds_and_is_utc(ns: int, expected: str | None) -> None:
    assert upload_time(ns) == expected


def test_a_time_that_cannot_be_written_is_left_out() -> None:
    assert "upload-time" not in written(File("f", "f", {}, upload_time_ns=10**21))


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (ProjectPage(NAME, ()), None),
        (ProjectPage(NAME, (), status="archived"), {"status": "archived"}),
        (ProjectPage(NAME, (), status="quarantined", status_reason="bad"), {"status": "quarantined", "reason": "bad"}),
    ],
)
def test_the_status_stands_at_the_top(page: ProjectPage, expected: dict[str, str] | None) -> None:
    assert json.loads(write_page(page)).get("project-status") == expected


def test_the_top_has_name_versions_and_our_own_keys_in_meta() -> None:
    meta = {"_last-serial": "7", "api-version": "9.9", "tracks": "no"}
    page = json.loads(write_page(ProjectPage(NAME, (), versions=("1.0", "1.10"), meta=meta)))
    assert page == {
        "meta": {"api-version": "1.4", "_last-serial": "7"},
        "name": "x",
        "versions": ["1.0", "1.10"],
        "files": [],
    }


def test_equal_pages_are_equal_bytes() -> None:
    one = File("f", "f", {"md5": "1", "sha256": "2"}, core_metadata={"md5": "3", "sha256": "4"})
    other = File("f", "f", {"sha256": "2", "md5": "1"}, core_metadata={"sha256": "4", "md5": "3"})
    assert write_page(ProjectPage(NAME, (one,), meta={"_a": "1", "_b": "2"})) == write_page(
        ProjectPage(NAME, (other,), meta={"_b": "2", "_a": "1"})
    )


_TEXT = st.text(st.characters())  # half surrogate pairs too


_DIGESTS = st.dictionaries(_TEXT, _TEXT, max_size=3)


@given(_TEXT, _TEXT, _DIGESTS, _TEXT, st.none() | _TEXT, st.none() | _DIGESTS, st.none() | _TEXT)
def test_every_text_can_be_written_and_read(
    filename: str,
    url: str,
    hashes: dict[str, str],
    reason: str,
    requires_python: str | None,
    core_metadata: dict[str, str] | None,
    provenance: str | None,
) -> None:
    def sent(text: str | None) -> str | None:
        return None if text is None else text.encode("utf-8", "replace").decode()

    def all_sent(digests: dict[str, str]) -> dict[str | None, str | None]:
        return {sent(name): sent(digest) for name, digest in sorted(digests.items())}

    entry = written(
        File(
            filename,
            url,
            hashes,
            yanked=reason,
            requires_python=requires_python,
            core_metadata=core_metadata,
            provenance=provenance,
        )
    )
    assert (entry["filename"], entry["url"], entry["hashes"]) == (sent(filename), sent(url), all_sent(hashes))
    assert entry["yanked"] == (sent(reason) or True)
    assert entry.get("requires-python") == sent(requires_python)
    assert entry.get("core-metadata") == (None if core_metadata is None else all_sent(core_metadata) or True)
    assert entry.get("provenance") == sent(provenance)
