import json
from typing import Any

import pytest

from twisted_pypi.core_metadata import parse
from twisted_pypi.distributions import ProjectName, parse_filename
from twisted_pypi.legacy_json import (
    ReleaseFile,
    group_by_version,
    is_stable,
    most_telling,
    newest,
    write_project,
    write_release,
)
from twisted_pypi.simple.model import File

X = ProjectName("x")
PAGE = "https://pypi.example.com/simple/x/"

METADATA = b"""Metadata-Version: 2.4
Name: X
Version: 1.0
Summary: Makes \xc3\xa4 of b
Author: A
Author-email: A <a@example.com>
License-Expression: MIT
License-File: LICENSE
Keywords: a,b
Classifier: Framework :: Twisted
Classifier: Typing :: Typed
Requires-Dist: y>=2
Requires-Dist: z; extra == "q"
Requires-Python: >=3.8
Provides-Extra: q
Platform: any
Platform: linux
Home-page: https://example.com
Project-URL: Source, https://example.com/source?a,b
Project-URL: Broken
Description-Content-Type: text/markdown

# X

Text.
"""


def release_file(filename: str, *, yanked: str | bool = False, **more: Any) -> ReleaseFile:
    url = f"https://pypi.example.com/packages/{filename}"
    return ReleaseFile(parse_filename(filename), File(filename, url, {"sha256": "a" * 64}, yanked=yanked, **more))


def test_files_are_grouped_by_version_oldest_first() -> None:
    names = ["x-1.10.zip", "x-1.9.zip", "x-1.9-py3-none-any.whl", "x-2004d.zip", "x-1.0.0.zip", "x-1.0-1.zip"]
    releases = group_by_version(release_file(name) for name in names)
    assert {version: [each.file.filename for each in files] for version, files in releases.items()} == {
        "2004d": ["x-2004d.zip"],
        "1.0.0": ["x-1.0.0.zip"],
        "1.0.post1": ["x-1.0-1.zip"],
        "1.9": ["x-1.9-py3-none-any.whl", "x-1.9.zip"],
        "1.10": ["x-1.10.zip"],
    }
    assert list(releases) == ["2004d", "1.0.0", "1.0.post1", "1.9", "1.10"]


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (["1.0", "2.0", "3.0a1", "3.0.dev1"], "2.0"),
        (["1.0", "1.0.post1"], "1.0.post1"),
        (["9.0", "1!1.0"], "1!1.0"),
        (["1.0", "1.0+local"], "1.0+local"),
        (["1.9", "1.10"], "1.10"),
        (["3.0a1", "3.0b1"], "3.0b1"),
        (["2004d", "1.0a1"], "1.0a1"),
        (["2004d", "2004e"], "2004e"),
    ],
)
def test_the_newest_stable_version_speaks_for_the_project(versions: list[str], expected: str) -> None:
    assert newest(versions) == expected
    releases = group_by_version(release_file(f"x-{version}.tar.gz") for version in versions)
    assert most_telling(releases)[0] == expected


def test_a_yanked_version_speaks_last() -> None:
    releases = group_by_version(
        [
            release_file("x-3.0.zip", yanked="bad"),
            release_file("x-2.0a1.zip"),
            release_file("x-1.0.zip"),
            release_file("x-1.5.zip", yanked=True),
            release_file("x-1.5-py3-none-any.whl"),
        ]
    )
    assert most_telling(releases) == ["1.5", "1.0", "2.0a1", "3.0"]


@pytest.mark.parametrize(
    ("version", "stable"), [("1.0", True), ("1.0.post1", True), ("1.0+x", True), ("1.0rc1", False), ("2004d", False)]
)
def test_stable_is_what_the_standard_says(version: str, stable: bool) -> None:
    assert is_stable(version) is stable


def test_the_document_says_what_the_metadata_says() -> None:
    releases = group_by_version([release_file("x-1.0.zip"), release_file("x-0.9.zip")])
    document = json.loads(write_project(X, "1.0", releases, parse(METADATA), PAGE))
    assert document["info"] == {
        "author": "A",
        "author_email": "A <a@example.com>",
        "classifiers": ["Framework :: Twisted", "Typing :: Typed"],
        "description": "# X\n\nText.\n",
        "description_content_type": "text/markdown",
        "download_url": None,
        "dynamic": None,
        "home_page": "https://example.com",
        "keywords": "a,b",
        "license": None,
        "license_expression": "MIT",
        "license_files": ["LICENSE"],
        "maintainer": None,
        "maintainer_email": None,
        "name": "X",
        "package_url": PAGE,
        "platform": "any, linux",
        "project_urls": {"Source": "https://example.com/source?a,b", "Homepage": "https://example.com"},
        "provides_extra": ["q"],
        "requires_dist": ["y>=2", 'z; extra == "q"'],
        "requires_python": ">=3.8",
        "summary": "Makes \N{LATIN SMALL LETTER A WITH DIAERESIS} of b",
        "version": "1.0",
        "yanked": False,
        "yanked_reason": None,
    }
    assert document["last_serial"] == 0
    assert list(document["releases"]) == ["0.9", "1.0"]
    assert document["urls"] == document["releases"]["1.0"]


def test_without_metadata_the_names_still_speak() -> None:
    releases = group_by_version([release_file("x-1.0.zip", yanked="bad"), release_file("x-1.0.tar.gz", yanked=True)])
    info = json.loads(write_release(X, "1.0", releases, None, PAGE))["info"]
    said = {key: value for key, value in info.items() if value is not None}
    assert said == {
        "name": "x",
        "version": "1.0",
        "classifiers": [],
        "package_url": PAGE,
        "yanked": True,
        "yanked_reason": "bad",
    }


def test_a_version_does_not_list_the_others() -> None:
    releases = group_by_version([release_file("x-1.0.zip"), release_file("x-0.9.zip")])
    document = json.loads(write_release(X, "0.9", releases, None, PAGE))
    assert "releases" not in document
    assert [each["filename"] for each in document["urls"]] == ["x-0.9.zip"]


def test_a_file_says_what_the_index_says() -> None:
    file = release_file(
        "x-1.0-py2.py3-none-any.whl",
        yanked="bad",
        size=7,
        upload_time_ns=1_700_000_000_123_456_789,
        requires_python=">=3.8",
        gpg_sig=True,
    )
    (entry,) = json.loads(write_release(X, "1.0", group_by_version([file]), None, PAGE))["urls"]
    assert entry == {
        "comment_text": None,
        "digests": {"sha256": "a" * 64},
        "filename": "x-1.0-py2.py3-none-any.whl",
        "has_sig": True,
        "md5_digest": None,
        "packagetype": "bdist_wheel",
        "python_version": "py2.py3",
        "requires_python": ">=3.8",
        "size": 7,
        "upload_time": "2023-11-14T22:13:20",
        "upload_time_iso_8601": "2023-11-14T22:13:20.123456Z",
        "url": "https://pypi.example.com/packages/x-1.0-py2.py3-none-any.whl",
        "yanked": True,
        "yanked_reason": "bad",
    }


@pytest.mark.parametrize(
    ("filename", "kind", "python"),
    [
        ("x-1.0.tar.gz", "sdist", "source"),
        ("x-1.0-1build-cp311-cp311-linux_x86_64.whl", "bdist_wheel", "cp311"),
        ("x-1.0-py2.7.egg", "bdist_egg", "2.7"),
        ("x-1.0-py2.7-linux-x86_64.egg", "bdist_egg", "2.7"),
        ("x-1.0.egg", "bdist_egg", "any"),
        ("x-1.0.win32.exe", "bdist_wininst", "any"),
        ("x-1.0.linux-x86_64.tar.gz", "bdist_dumb", "any"),
    ],
)
def test_kind_and_python_come_from_the_name(filename: str, kind: str, python: str) -> None:
    releases = group_by_version([release_file(filename)])
    (entry,) = json.loads(write_release(X, "1.0", releases, None, PAGE))["urls"]
    assert (entry["packagetype"], entry["python_version"]) == (kind, python)
