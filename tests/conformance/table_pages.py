"""What the list and the pages say (1.2, 1.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.conformance import corpus
from tests.conformance.answers import Answer
from tests.conformance.rows import (
    JSON_ACCEPT,
    Row,
    get,
    header,
    json_at,
    rule,
    says,
    says_not,
    status,
    that,
)

PAGE = "/simple/acme-core/"
NEVER_AS_JSON = {
    "dist-info-metadata",
    "data-dist-info-metadata",
    "requires_python",
    "namespaces",
    "tracks",
    "alternate-locations",
}


def files(answers: Sequence[Answer]) -> dict[str, dict[str, object]]:
    """The files of a page in JSON, by name."""
    return {each["filename"]: each for each in answers[-1].json["files"]}


def anchor(answers: Sequence[Answer], filename: str) -> dict[str, str]:
    """The attributes of the link to a file, as they are written."""
    found = re.search(rf"<a ([^>]*)>{re.escape(filename)}</a>", answers[-1].text)
    assert found is not None
    return dict(re.findall(r'([a-z-]+)="([^"]*)"', found[1]))


def moved(section: str, path: str, to: str) -> Row:
    """A row of a redirect."""
    return rule(section, f"{path} is moved to {to}", get(path), status(301), header("Location", to))


ROWS = (
    rule(
        "1.2",
        "a link to each normalized name",
        get("/simple/"),
        says('<a href="zope-interface-ext/">zope-interface-ext</a>'),
    ),
    rule(
        "1.2",
        "HTML5, with the version",
        get("/simple/"),
        says("<!DOCTYPE html>", '<meta name="pypi:repository-version" content="1.4">'),
    ),
    rule(
        "1.2",
        "the keys of the list",
        get("/simple/", JSON_ACCEPT),
        that("keys", lambda answers: set(answers[-1].json) == {"meta", "projects"}),
        that("of meta", lambda answers: set(answers[-1].json["meta"]) == {"api-version"}),
        that("of projects", lambda answers: all(set(each) == {"name"} for each in answers[-1].json["projects"])),
    ),
    rule("1.2", "what is hidden or no package is not listed", get("/simple/"), says_not("hidden", "notes", "outside")),
    rule(
        "1.3",
        "the keys of the page",
        get(PAGE, JSON_ACCEPT),
        that("keys", lambda answers: set(answers[-1].json) == {"meta", "name", "versions", "files"}),
        json_at("name", to_be="acme-core"),
        json_at("meta", to_be={"api-version": "1.4"}),
    ),
    rule(
        "1.3",
        "versions cover every file, once each",
        get(PAGE, JSON_ACCEPT),
        json_at("versions", to_be=["0.9", "1.0", "1.1+linux.1"]),
    ),
    rule(
        "1.3",
        "every file has what is mandatory, and nothing that clients stumble over",
        get(PAGE, JSON_ACCEPT),
        that(
            "keys",
            lambda answers: all(
                {"filename", "url", "hashes", "size", "upload-time", "yanked"} <= set(each)
                for each in files(answers).values()
            ),
        ),
        that("none of these", lambda answers: not any(NEVER_AS_JSON & set(each) for each in files(answers).values())),
    ),
    rule(
        "1.3",
        "a wheel's entry",
        get(PAGE, JSON_ACCEPT),
        that(
            "it is this",
            lambda answers: (
                files(answers)[corpus.CORE_NAME]
                == {
                    "filename": corpus.CORE_NAME,
                    "url": f"../../packages/{corpus.CORE_NAME}",
                    "hashes": {"sha256": corpus.CORE_SHA256},
                    "size": len(corpus.CORE),
                    "upload-time": corpus.LONG_AGO_JSON,
                    "requires-python": ">=3.8,<4",
                    "yanked": False,
                    "core-metadata": {"sha256": corpus.CORE_METADATA_SHA256},
                }
            ),
        ),
    ),
    rule(
        "1.3",
        "upload times in UTC",
        get(PAGE, JSON_ACCEPT),
        that(
            "they are",
            lambda answers: all(
                re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", str(each["upload-time"]))
                for each in files(answers).values()
            ),
        ),
    ),
    rule(
        "1.3",
        "hashes are lower case, by lower-case names",
        get(PAGE, JSON_ACCEPT),
        that(
            "they are",
            lambda answers: all(
                re.fullmatch(r"\{'sha256': '[0-9a-f]{64}'\}", str(each["hashes"])) for each in files(answers).values()
            ),
        ),
    ),
    rule(
        "1.3",
        "URLs without a fragment, that end in the file's name",
        get(PAGE, JSON_ACCEPT),
        that(
            "they do",
            lambda answers: (
                files(answers)[corpus.LOCAL_NAME]["url"]
                == "../../packages/a%2Cb%2Bc/acme_core-1.1%2Blinux.1-py3-none-any.whl"
            ),
        ),
    ),
    rule(
        "1.3",
        "gpg-sig where there is a signature",
        get(PAGE, JSON_ACCEPT),
        that("there", lambda answers: files(answers)[corpus.SDIST_NAME]["gpg-sig"] is True),
        that("not there", lambda answers: not files(answers)[corpus.CORE_NAME].get("gpg-sig")),
    ),
    rule(
        "1.3",
        "eggs are listed (1.1)",
        get(PAGE, JSON_ACCEPT),
        that("it is", lambda answers: "acme_core-0.9-py2.7.egg" in files(answers)),
    ),
    rule(
        "1.3",
        "a wheel's anchor",
        get(PAGE),
        that(
            "it is this",
            lambda answers: (
                anchor(answers, corpus.CORE_NAME)
                == {
                    "href": f"../../packages/{corpus.CORE_NAME}#sha256={corpus.CORE_SHA256}",
                    "data-requires-python": "&gt;=3.8,&lt;4",
                    "data-core-metadata": f"sha256={corpus.CORE_METADATA_SHA256}",
                    "data-dist-info-metadata": f"sha256={corpus.CORE_METADATA_SHA256}",
                }
            ),
        ),
    ),
    rule(
        "1.3",
        "an sdist's anchor",
        get(PAGE),
        that(
            "it is this",
            lambda answers: set(anchor(answers, corpus.SDIST_NAME)) == {"href", "data-requires-python", "data-gpg-sig"},
        ),
    ),
    rule(
        "1.3",
        "names that people wrote are escaped",
        get("/simple/odd/"),
        says("odd-1.0&amp;&lt;b&gt;&quot;&#x27;x.zip</a>", 'href="../../packages/odd-1.0%26%3Cb%3E%22%27x.zip#sha256='),
        says_not("<b>"),
    ),
    rule(
        "1.3",
        "names in JSON are as they are",
        get("/simple/odd/", JSON_ACCEPT),
        json_at("files", 0, "filename", to_be=corpus.ODD_NAME),
    ),
    rule(
        "1.3",
        "HTML holds every file that JSON does",
        [get("/simple/many/", JSON_ACCEPT), get("/simple/many/")],
        that(
            "it does",
            lambda answers: (
                [each["filename"] for each in answers[0].json["files"]] == re.findall(r">([^<]+)</a>", answers[1].text)
            ),
        ),
        that("all", lambda answers: len(answers[0].json["files"]) == corpus.MANY),
    ),
)
