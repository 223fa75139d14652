"""How pages are kept and asked for again (1.5, 2.2; RFC 9110 section 13)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.conformance.answers import Answer
from tests.conformance.rows import (
    HTML,
    JSON,
    JSON_ACCEPT,
    Row,
    differ,
    get,
    header,
    matches,
    rule,
    same,
    status,
    that,
    without,
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
        "1.5",
        "a signature that leads out of the root counts for nothing",
        [get("/simple/linked/"), get("/packages/linked-1.0.tar.gz.asc")],
        status(200, 404),
    ),
    *(
        rule(
            "2.2",
            f"no-cache and a strong ETag: {target} {line}",
            get(target, line),
            status(200),
            header("Cache-Control", "no-cache"),
            matches("ETag", '"[0-9a-f]+"'),
            without("Last-Modified", "Expires"),
        )
        for target in ("/simple/", PAGE)
        for line in ("Accept: */*", JSON_ACCEPT, "Accept-Encoding: gzip", "Accept-Encoding: gzip, deflate, zstd")
    ),
    *(
        rule(
            "1.5",
            f"an ETag for each representation of {target}",
            [
                get(target, f"Accept: {kind}", f"Accept-Encoding: {coding}")
                for kind in (JSON, HTML, "text/html")
                for coding in ("gzip", "zstd", "identity")
            ],
            differ("etag"),
        )
        for target in ("/simple/", PAGE)
    ),
    rule(
        "RFC 9110 12.5.3",
        "one page in every coding",
        [get(PAGE, JSON_ACCEPT, f"Accept-Encoding: {coding}") for coding in ("gzip", "zstd", "identity")],
        that(
            "they are the same page",
            lambda answers: (
                [each.headers.get("content-encoding") for each in answers] == ["gzip", "zstd", None]
                and len({each.unpacked for each in answers}) == 1
            ),
        ),
    ),
    rule(
        "1.5",
        "the same ETag as long as nothing changes",
        [get(PAGE), get(PAGE), get("/+simple/acme-core/")],
        same("etag"),
    ),
    *(
        rule(
            "2.2",
            f"304 with every header: {line}",
            [get(PAGE, line), get(PAGE, line, "If-None-Match: {etag}")],
            status(200, 304),
            that(
                "they are the same",
                lambda answers: (
                    {**answers[0].headers, "date": ""}
                    == {**answers[1].headers, "date": "", "content-length": answers[0].headers["content-length"]}
                ),
            ),
        )
        for line in ("Accept: */*", JSON_ACCEPT, "Accept-Encoding: gzip", "Accept-Encoding: gzip, deflate, zstd")
    ),
    *(
        rule(
            "RFC 9110 13.1.2",
            f"If-None-Match: {tags}",
            [get(PAGE), get(PAGE, f"If-None-Match: {tags}")],
            status(200, code),
        )
        for tags, code in (
            ("{etag}", 304),
            ("W/{etag}", 304),
            ('"x", {etag}', 304),
            ('"x",{etag},W/"y"', 304),
            ("*", 304),
            ('"x"', 200),
            ('W/"x"', 200),
            ("x", 200),
            ("", 200),
        )
    ),
    rule(
        "RFC 9110 13.1.2",
        "another format's tag is not this one's",
        [get(PAGE), get(PAGE, JSON_ACCEPT, "If-None-Match: {etag}")],
        status(200),
    ),
    rule(
        "RFC 9110 13.1.2",
        "another coding's tag is not this one's",
        [get(PAGE), get(PAGE, "Accept-Encoding: gzip", "If-None-Match: {etag}")],
        status(200),
    ),
    rule(
        "RFC 9110 13.1.3",
        "a page has no date to ask for",
        get(PAGE, "If-Modified-Since: Sun, 22 Nov 2099 00:00:00 GMT"),
        status(200),
    ),
    rule(
        "RFC 9110 14.2",
        "a page is not sent in parts",
        get(PAGE, "Range: bytes=0-9"),
        status(200),
        without("Content-Range"),
    ),
)
