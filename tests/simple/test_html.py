from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.distributions import ProjectName
from twisted_pypi.simple.html import write_list, write_page
from twisted_pypi.simple.model import File, ProjectList, ProjectPage

NAME = ProjectName("x")
SHA = "a" * 64
Attributes = dict[str, str | None]


class Reader(HTMLParser):
    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.doctypes: list[str] = []
        self.tags: list[str] = []
        self.metas: dict[str | None, str | None] = {}
        self.anchors: list[tuple[Attributes, str]] = []
        self._inside = False
        self.feed(page.decode("utf-8"))
        self.close()

    def handle_decl(self, decl: str) -> None:
        self.doctypes.append(decl)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        assert len(found) == len(attrs)
        if tag == "meta" and "name" in found:
            self.metas[found["name"]] = found["content"]
        if tag == "a":
            self.anchors.append((found, ""))
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "a"

    def handle_data(self, data: str) -> None:
        if self._inside:
            found, text = self.anchors[-1]
            self.anchors[-1] = found, text + data


def anchor(file: File) -> tuple[Attributes, str]:
    (only,) = Reader(write_page(ProjectPage(NAME, (file,)))).anchors
    return only


def test_the_list_links_relatively_so_that_a_prefix_works() -> None:
    reader = Reader(write_list(ProjectList((ProjectName("a"), ProjectName("b-c")))))
    assert reader.anchors == [({"href": "a/"}, "a"), ({"href": "b-c/"}, "b-c")]
    assert reader.doctypes == ["DOCTYPE html"]
    assert reader.metas["pypi:repository-version"] == "1.4"


def test_a_file_says_everything_that_html_can_say() -> None:
    file = File(
        "x-1.0+l.whl",
        "../../packages/x-1.0%2Bl.whl",
        {"md5": "c" * 32, "sha256": SHA},
        size=7,
        upload_time_ns=1,
        requires_python=">=3.8,<4",
        core_metadata={"sha256": "b" * 64},
        gpg_sig=True,
        yanked='broken "on" <Tuesdays>',
        provenance="https://index.example.com/integrity/x?a&b",
    )
    assert anchor(file) == (
        {
            "href": f"../../packages/x-1.0%2Bl.whl#sha256={SHA}",
            "data-requires-python": ">=3.8,<4",
            "data-core-metadata": "sha256=" + "b" * 64,
            "data-dist-info-metadata": "sha256=" + "b" * 64,
            "data-gpg-sig": "true",
            "data-yanked": 'broken "on" <Tuesdays>',
            "data-provenance": "https://index.example.com/integrity/x?a&b",
        },
        "x-1.0+l.whl",
    )
    page = write_page(ProjectPage(NAME, (file,)))
    # Readers that scan with regular expressions see no bare comparison sign.
    assert b'data-requires-python="&gt;=3.8,&lt;4"' in page


def test_what_is_not_known_is_not_said() -> None:
    assert anchor(File("x.zip", "x.zip", {})) == ({"href": "x.zip"}, "x.zip")


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (File("f", "f", {}, core_metadata=True), {"data-core-metadata": "true", "data-dist-info-metadata": "true"}),
        (File("f", "f", {}, core_metadata={}), {"data-core-metadata": "true", "data-dist-info-metadata": "true"}),
        (File("f", "f", {}, core_metadata=False), {}),
        (File("f", "f", {}, gpg_sig=False), {"data-gpg-sig": "false"}),
        (File("f", "f", {}, yanked=True), {"data-yanked": ""}),
        (File("f", "f", {}, yanked=""), {"data-yanked": ""}),
        (File("f", "f", {}, requires_python=""), {"data-requires-python": ""}),
        (File("f", "f", {"md5": "1", "sha512": "2"}), {"href": "f#sha512=2"}),
        (File("f", "f", {"whirlpool": "1"}), {}),
    ],
)
def test_absent_is_not_false(file: File, expected: Attributes) -> None:
    attributes, _ = anchor(file)
    assert attributes == {"href": "f"} | expected


@pytest.mark.parametrize(
    ("page", "status", "reason"),
    [
        (ProjectPage(NAME, ()), None, None),
        (ProjectPage(NAME, (), status="archived"), "archived", None),
        (ProjectPage(NAME, (), status="quarantined", status_reason='a "b" <c>'), "quarantined", 'a "b" <c>'),
    ],
)
def test_the_status_stands_in_the_head(page: ProjectPage, status: str | None, reason: str | None) -> None:
    metas = Reader(write_page(page)).metas
    assert metas["pypi:repository-version"] == "1.4"
    assert metas.get("pypi:project-status") == status
    assert metas.get("pypi:project-status-reason") == reason


def test_the_page_begins_as_old_clients_want_it() -> None:
    assert write_page(ProjectPage(NAME, ())).startswith(b"<!DOCTYPE html>\n")


_TEXT = st.text(st.characters(exclude_characters="\0\r"))  # HTML has no way to say these two
_NASTY = st.sampled_from(["</a><script>", '"><b>', "&lt;", "&#62;", "<!--", "]]>", "'"])


@given(_TEXT | _NASTY, _TEXT | _NASTY, st.none() | _TEXT | _NASTY, st.none() | _TEXT | _NASTY)
def test_every_text_stays_in_its_place(filename: str, reason: str, python: str | None, status: str | None) -> None:
    def sent(text: str) -> str:
        return text.encode("utf-8", "replace").decode()

    file = File(filename, "u", {}, requires_python=python, yanked=reason)
    reader = Reader(write_page(ProjectPage(NAME, (file,), status=status)))
    expected: Attributes = {"href": "u", "data-yanked": sent(reason)}
    if python is not None:
        expected["data-requires-python"] = sent(python)
    assert reader.anchors == [(expected, sent(filename))]
    assert {*reader.tags} == {"html", "head", "meta", "title", "body", "h1", "a", "br"}
