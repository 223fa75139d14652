"""Where the list and the pages are, and who may read them (1.2, 1.3, 2.1, 2.7)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.conformance import corpus
from tests.conformance.answers import Answer
from tests.conformance.rows import (
    HTML,
    JSON,
    JSON_ACCEPT,
    SAME_BODY,
    Row,
    get,
    header,
    rule,
    same,
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
        "the list at its aliases",
        [
            get("/simple/", JSON_ACCEPT),
            get("/+simple/", JSON_ACCEPT),
            get("/%2Bsimple/", JSON_ACCEPT),
            get("/%2bsimple/", JSON_ACCEPT),
        ],
        status(200),
        SAME_BODY,
        same("etag"),
    ),
    moved("1.2", "/simple", "/simple/"),
    moved("1.3", "/simple/acme-core", PAGE),
    moved("1.3", "/simple/Acme_Core/", PAGE),
    moved("1.3", "/simple/acme.-_core", PAGE),
    moved("1.3", "/simple/%41cme%5Fcore/", PAGE),
    moved("1.3", "/+simple/Acme_Core/", PAGE),
    moved("1.3", "/%2Bsimple/acme-core", PAGE),
    moved("1.3", "/simple/Acme_Core/?format=text/html&x=%2B", PAGE + "?format=text/html&x=%2B"),
    *(
        rule("1.3", f"unknown in every format: {accept}", get("/simple/nothing/", f"Accept: {accept}"), status(404))
        for accept in (JSON, HTML, "text/html", "*/*", f"{JSON}, */*;q=0.1")
    ),
    *(
        rule("1.3", f"no name of a project: {path}", get(path), status(404))
        for path in (
            "/simple/%ff/",
            "/simple/a%2Fb/",
            "/simple/a%00/",
            "/simple/%0D%0Ax%3A%20y/",
            "/simple/a/b/",
            "/simple/acme-core/x",
            "/simple/acme-core//",
            "/simple//acme-core/",
            "/simple//",
        )
    ),
    rule("1.3", "a redirect stays here", get("/simple//Evil.Example.com"), status(404)),
    rule(
        "1.3",
        "no redirect splits its head",
        get("/simple/A%0D%0AX-Y:%20z"),
        that("no such header", lambda answers: "x-y" not in answers[-1].headers),
    ),
    rule(
        "1.3",
        "the page at its aliases",
        [get(PAGE), get("/+simple/acme-core/"), get("/%2Bsimple/acme-core/")],
        status(200),
        SAME_BODY,
    ),
    rule("2.1", "HTTP/1.0", get(PAGE, version="1.0"), status(200)),
    rule(
        "RFC 9112 3.2.2",
        "the absolute form of a target",
        [get(PAGE), get(f"http://index.example.com{PAGE}")],
        status(200),
        SAME_BODY,
    ),
    rule(
        "2.7",
        "a protected page challenges",
        get(PAGE, JSON_ACCEPT),
        status(401),
        header("WWW-Authenticate", 'Basic realm="pypi"'),
        server="private",
    ),
    rule(
        "2.7",
        "a protected page challenges for what is not there, too",
        get("/simple/nothing/", JSON_ACCEPT),
        status(401),
        server="private",
    ),
    rule(
        "2.7",
        "a protected page is for its reader alone",
        get(PAGE, corpus.LOGIN),
        status(200),
        header("Cache-Control", "private, no-cache"),
        server="private",
    ),
    rule(
        "1.3",
        "what is not here is elsewhere",
        get("/simple/nothing/", corpus.LOGIN),
        status(303),
        header("Location", "https://index.example.com/simple/nothing/"),
        server="private",
    ),
    rule(
        "1.3",
        "what is not here is elsewhere, for HTTP/1.0",
        get("/simple/nothing/", corpus.LOGIN, version="1.0"),
        status(302),
        server="private",
    ),
)
