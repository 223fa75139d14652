import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import UpstreamFailed
from twisted_pypi.simple import html
from twisted_pypi.simple import json as simple_json
from twisted_pypi.simple.model import File, ProjectPage
from twisted_pypi.simple.read import ReadPage, read_page

X = ProjectName("x")
URL = "https://index.example.com/simple/x/"
JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html"
SHA = "a" * 64
ENTRY = {"filename": "x-1.0.tar.gz", "url": "https://files.example.com/x-1.0.tar.gz", "hashes": {"sha256": SHA}}


def read_json(document: Any) -> ReadPage:
    return read_page(json.dumps(document).encode(), JSON, URL, X)


def read_entry(**changed: Any) -> ReadPage:
    return read_json({"meta": {"api-version": "1.1"}, "name": "x", "files": [{**ENTRY, **changed}]})


def only_file(**changed: Any) -> File:
    read = read_entry(**changed)
    assert read.reasons == ()
    return read.page.files[0]


def read_html(text: str, content_type: str = HTML) -> ReadPage:
    return read_page(text.encode(), content_type, URL, X)


def only_link(attributes: str) -> File:
    (file,) = read_html(f'<a href="x-1.0.tar.gz" {attributes}>x-1.0.tar.gz</a>').page.files
    return file


def test_every_field_of_json_is_read() -> None:
    document = {
        "meta": {"api-version": "1.4", "_last-serial": 7, "_ours": "no"},
        "name": "X",
        "project-status": {"status": "deprecated", "reason": "use\ny"},
        "versions": ["1.0", 3, "1.0", "2.0"],
        "unknown": {},
        "files": [
            {
                "filename": "x-1.0-py3-none-any.whl",
                "url": "../../files/x-1.0-py3-none-any.whl#sha256=no",
                "hashes": {"SHA256": "A" * 64, "md5": "b" * 32, "sha1": "short", "new": "c", "sha512": 7},
                "size": 12,
                "upload-time": "2023-11-14T22:13:20.123456Z",
                "requires-python": ">=3.8",
                "core-metadata": {"sha256": "D" * 64},
                "dist-info-metadata": False,
                "gpg-sig": False,
                "yanked": "broken",
                "provenance": "https://index.example.com/p",
                "more": 1,
            }
        ],
    }
    read = read_json(document)
    assert read == ReadPage(
        ProjectPage(
            X,
            (
                File(
                    "x-1.0-py3-none-any.whl",
                    "https://index.example.com/files/x-1.0-py3-none-any.whl",
                    {"sha256": SHA, "md5": "b" * 32},
                    size=12,
                    upload_time_ns=1_700_000_000_123_456_000,
                    requires_python=">=3.8",
                    core_metadata={"sha256": "d" * 64},
                    gpg_sig=False,
                    yanked="broken",
                    provenance="https://index.example.com/p",
                ),
            ),
            ("1.0", "2.0"),
            "deprecated",
            "use y",
        ),
        0,
        (),
    )


def test_absent_is_not_false() -> None:
    nothing = File("x-1.0.tar.gz", "https://files.example.com/x-1.0.tar.gz", {"sha256": SHA})
    assert only_file() == nothing
    keys = ("size", "upload-time", "requires-python", "core-metadata", "gpg-sig", "yanked", "provenance")
    assert only_file(**dict.fromkeys(keys)) == nothing


@pytest.mark.parametrize(
    ("changed", "field", "expected"),
    [
        ({"yanked": True}, "yanked", True),
        ({"yanked": ""}, "yanked", False),
        ({"yanked": "a\x00b\ud800c"}, "yanked", "a b c"),
        ({"dist-info-metadata": {"sha256": SHA}}, "core_metadata", {"sha256": SHA}),
        ({"core-metadata": False}, "core_metadata", False),
        ({"core-metadata": {"sha256": "no digest"}}, "core_metadata", True),
        ({"upload-time": "2023-11-14T23:13:20+01:00"}, "upload_time_ns", 1_700_000_000 * 10**9),
        ({"upload-time": "2023-11-14T22:13:20"}, "upload_time_ns", 1_700_000_000 * 10**9),
        ({"upload-time": "yesterday"}, "upload_time_ns", None),
        ({"provenance": "http://index.example.com/p"}, "provenance", None),
        ({"hashes": {"sha256": "g" * 64}}, "hashes", {}),
        ({"hashes": {"sha256": SHA + "a"}}, "hashes", {}),
        ({"url": "x-1.0.tar.gz"}, "url", f"{URL}x-1.0.tar.gz"),
        ({"url": "//other.example.com/x.zip?y#z"}, "url", "https://other.example.com/x.zip?y"),
        ({"url": "https://files.example.com/é b%20"}, "url", "https://files.example.com/%C3%A9%20b%20"),
    ],
)
def test_a_field_is_read_as(changed: dict[str, Any], field: str, expected: object) -> None:
    assert getattr(only_file(**changed), field) == expected


@pytest.mark.parametrize(
    "changed",
    [
        {"filename": 1},
        {"filename": "../x-1.0.tar.gz"},
        {"filename": "x-1.0\\x-1.0.tar.gz"},
        {"filename": "x-1.0\x00.tar.gz"},
        {"filename": "x-1.0\ud800.tar.gz"},
        {"filename": ".x-1.0.tar.gz"},
        {"filename": "x-1.0.rpm"},
        {"filename": "y-1.0.tar.gz"},
        {"filename": "y-1.0-py3-none-any.whl"},
        {"filename": "xy-1.0-py3-none-any.whl"},
        {"filename": f"x-1.0-{'p' * 240}-none-any.whl"},
        {"filename": f"x-{'é' * 118}.tar.gz"},
        {"url": None},
        {"url": "file:///etc/passwd"},
        {"url": "https://user:secret@files.example.com/x-1.0.tar.gz"},
        {"url": "https://[/x-1.0.tar.gz"},
        {"url": "//[/x-1.0.tar.gz"},
        {"url": "https://files.example.com/x\n-1.0.tar.gz"},
        {"url": "https:///x-1.0.tar.gz"},
        {"url": "https://files.example.com\\@other.example.com/x-1.0.tar.gz"},
        {"hashes": None},
        {"hashes": []},
        {"size": "7"},
        {"size": -1},
        {"size": True},
        {"size": 1.5},
        {"size": 2**63},
        {"upload-time": 7},
        {"yanked": 1},
        {"gpg-sig": "true"},
        {"core-metadata": "true"},
        {"requires-python": 3},
        {"provenance": {}},
    ],
)
def test_a_strange_file_is_left_out_and_the_others_stay(changed: dict[str, Any]) -> None:
    other = {**ENTRY, "filename": "x-2.0.tar.gz"}
    read = read_json({"meta": {"api-version": "1.0"}, "files": [{**ENTRY, **changed}, 7, other]})
    assert [file.filename for file in read.page.files] == ["x-2.0.tar.gz"]
    assert read.page.versions == ("2.0",)
    assert (read.left_out, len(read.reasons)) == (2, 2)
    assert all(reason.isprintable() for reason in read.reasons)


def test_the_first_of_two_files_of_one_name_stays() -> None:
    read = read_json({"files": [ENTRY, {**ENTRY, "hashes": {}}]})
    assert [file.hashes for file in read.page.files] == [{"sha256": SHA}]
    assert "twice" in read.reasons[0]


def test_only_the_first_reasons_are_kept() -> None:
    read = read_json({"files": [1] * 1000})
    assert (read.left_out, len(read.reasons)) == (1000, 20)


def test_versions_that_are_not_said_are_those_of_the_files() -> None:
    names = ("x-1.10.tar.gz", "x-1.9.tar.gz", "x-1.9.0-py3-none-any.whl", "x-1.9-py2-none-any.whl", "x-dev.tar.gz")
    read = read_json({"files": [{**ENTRY, "filename": name} for name in names]})
    assert read.page.versions == ("dev", "1.9", "1.10")


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (b"{", JSON, "not JSON"),
        (b"\xff\xfe\x00", JSON, "not JSON"),
        (b"[" * 100_000, JSON, "not JSON"),
        (b'{"files": [' + b"9" * 10_000 + b"]}", JSON, "not JSON"),
        (b"[]", JSON, "no list of files"),
        (b'{"files": {}}', JSON, "no list of files"),
        (b'{"files": [], "meta": {"api-version": "2.0"}}', JSON, "version '2.0'"),
        (b'{"files": [], "meta": {"api-version": 1}}', JSON, "of type int"),
        (b'{"files": [], "name": "y"}', JSON, "page of 'y'"),
        (b'{"files": []}', "application/json", "answered with"),
        (b"", "", "answered with"),
        (b"<form>Please log in</form>", HTML, "no page of an index"),
        (b'<meta name="pypi:repository-version" content="2.0">', HTML, "version"),
        (b'<meta name="pypi:repository-version" content="\x00">', HTML, "InvalidVersion"),
    ],
)
def test_what_is_no_page_fails_in_a_sentence(body: bytes, content_type: str, words: str) -> None:
    with pytest.raises(UpstreamFailed, match=words) as failed:
        read_page(body, content_type, URL, X)
    assert str(failed.value).isprintable()


def test_a_status_is_read_where_the_example_of_the_standard_has_it() -> None:
    read = read_json({"meta": {"project-status": {"status": "quarantined"}}, "files": []})
    assert read.page == ProjectPage(X, (), (), "quarantined")
    assert read_json({"project-status": {"status": "odd", "reason": "x"}, "files": []}).page == ProjectPage(X, ())


@pytest.mark.parametrize(
    ("attributes", "field", "expected"),
    [
        ("data-yanked", "yanked", True),
        ('data-yanked=""', "yanked", True),
        ('data-yanked="it &amp; that"', "yanked", "it & that"),
        ('data-requires-python="&gt;=3.8"', "requires_python", ">=3.8"),
        ('data-core-metadata="true"', "core_metadata", True),
        ('data-core-metadata="false"', "core_metadata", False),
        (f'data-core-metadata="SHA256={SHA}"', "core_metadata", {"sha256": SHA}),
        (f'data-dist-info-metadata="sha256={SHA}"', "core_metadata", {"sha256": SHA}),
        ('data-gpg-sig="true"', "gpg_sig", True),
        ('data-gpg-sig="maybe"', "gpg_sig", None),
        ('data-provenance="https://index.example.com/p"', "provenance", "https://index.example.com/p"),
        ('data-provenance="javascript:p"', "provenance", None),
    ],
)
def test_an_attribute_is_read_as(attributes: str, field: str, expected: object) -> None:
    assert getattr(only_link(attributes), field) == expected
    assert getattr(only_link(""), field) in {None, False}


def test_links_are_relative_to_the_base_of_the_page() -> None:
    page = read_html(
        '<base href="/files/"><a href="..">up</a>'
        f'<a href="x-1.0%2Blocal.tar.gz#md5={"b" * 32}&sha256={SHA}">cut off...</a><a href="get?x-2.0.zip">x-2.0.zip</a>'
    ).page
    assert [(file.filename, file.url) for file in page.files] == [
        ("x-1.0+local.tar.gz", "https://index.example.com/files/x-1.0%2Blocal.tar.gz"),
        ("x-2.0.zip", "https://index.example.com/files/get?x-2.0.zip"),
    ]
    assert page.files[0].hashes == {"md5": "b" * 32, "sha256": SHA}
    assert page.versions == ("1.0+local", "2.0")


@pytest.mark.parametrize("charset", ["latin-1", "ISO-8859-1", '"windows-1252"'])
def test_html_is_decoded_as_its_type_says(charset: str) -> None:
    body = '<a href="x-1.zip" data-yanked="défaut">x</a>'.encode("latin-1")
    (file,) = read_page(body, f"Text/HTML; Charset={charset}", URL, X).page.files
    assert file.yanked == "défaut"


words = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), max_size=20)
hashes = st.fixed_dictionaries({"sha256": st.text("0123456789abcdef", min_size=64, max_size=64)})
full_files = st.builds(
    File,
    filename=st.from_regex(r"\Ax-[0-9]{1,3}(\.[0-9])?(\.tar\.gz|-py3-none-any\.whl)\Z"),
    url=st.from_regex(r"\Ahttps://files\.example\.com/[a-z0-9/._~%&]*\Z"),
    hashes=hashes,
    size=st.none() | st.integers(0, 2**40),
    upload_time_ns=st.none() | st.integers(0, 2**40).map(lambda microseconds: microseconds * 1000),
    requires_python=st.none() | words,
    core_metadata=st.none() | st.booleans() | hashes,
    gpg_sig=st.none() | st.booleans(),
    yanked=st.booleans() | words.filter(bool),
    provenance=st.none() | st.just("https://index.example.com/p?q=1&r"),
)
pages = st.builds(
    ProjectPage,
    name=st.just(X),
    files=st.lists(full_files, unique_by=lambda file: file.filename, max_size=5).map(tuple),
    status=st.none() | st.sampled_from(["active", "archived", "quarantined", "deprecated"]),
    status_reason=st.none() | words,
)


def without_orphans(page: ProjectPage) -> ProjectPage:
    return page if page.status is not None else replace(page, status_reason=None)


@given(pages)
def test_json_that_we_write_reads_as_the_same_page(page: ProjectPage) -> None:
    read = read_page(simple_json.write_page(page), JSON, URL, X)
    assert read.reasons == ()
    assert replace(read.page, versions=()) == without_orphans(page)


@given(pages)
@settings(deadline=None)  # the first brings a large library with it
def test_html_that_we_write_reads_as_the_same_page(page: ProjectPage) -> None:
    def in_html(file: File) -> File:
        unless_false = file.core_metadata or None
        name = f"https://files.example.com/{file.filename}"
        return replace(file, url=name, size=None, upload_time_ns=None, core_metadata=unless_false)

    page = replace(page, files=tuple(in_html(file) for file in page.files))
    read = read_page(html.write_page(page), f"{HTML}; charset=utf-8", URL, X)
    assert read.reasons == ()
    assert replace(read.page, versions=()) == without_orphans(page)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("x-1.0.tar.gz") | st.just("../y"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from(sorted(ENTRY)), inner),
    max_leaves=10,
)
keys = ["size", "upload-time", "yanked", "requires-python", "core-metadata", "gpg-sig", "provenance"]
entries = st.fixed_dictionaries(
    {key: st.just(value) | anything for key, value in ENTRY.items()}, optional=dict.fromkeys(keys, anything)
)
documents = st.fixed_dictionaries(
    {"files": anything | st.lists(entries)},
    optional={"meta": anything, "name": st.just("x") | anything, "versions": anything, "project-status": anything},
)
tags = st.lists(
    st.sampled_from(["<a href=", "x-1.0.zip", '"', "'", ">", "</a>", "<base href=", "<meta name=pypi:", " content="])
    | st.sampled_from(["project-status", "repository-version", "http://[", "#sha256=", SHA, "\x00", "&#xd800;", "<!--"])
    | st.text(max_size=5)
).map("".join)


@given(
    st.one_of(
        st.binary(),
        documents.map(lambda found: json.dumps(found).encode()),
        tags.map(lambda text: text.encode("utf-8", "replace")),
    ),
    st.sampled_from([JSON, HTML, f"{HTML}; charset=utf-16"]) | st.text(),
    st.sampled_from([URL, "http://127.0.0.1:1/x"]),
)
@settings(deadline=None, max_examples=300)
@pytest.mark.filterwarnings("ignore::UserWarning")  # pypi_simple warns of pages of versions that come after it
def test_no_bytes_do_anything_but_fail_or_give_safe_names(body: bytes, content_type: str, url: str) -> None:
    try:
        read = read_page(body, content_type, url, X)
    except UpstreamFailed:
        return
    for file in read.page.files:
        assert not set(file.filename) & set("/\\\0")
        assert file.filename.startswith("x-")
        assert file.url.isascii()
        assert file.url.isprintable()
        assert file.url.startswith(("https://", "http://"))
    simple_json.write_page(read.page)
