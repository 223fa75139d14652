"""A change is in the next answer (2.8)."""

from __future__ import annotations

from tests.conformance.forms import upload
from tests.conformance.rows import (
    JSON_ACCEPT,
    body,
    get,
    rule,
    says,
    status,
    that,
)
from twisted_pypi.testing.archives import core_metadata, wheel

ROWS = (
    rule(
        "2.8",
        "listed by the very next request",
        [upload("next", "1.0"), get("/simple/next/", JSON_ACCEPT)],
        status(200),
        that(
            "it is",
            lambda answers: [each["filename"] for each in answers[-1].json["files"]] == ["next-1.0-py3-none-any.whl"],
        ),
    ),
    rule(
        "2.8",
        "listed by the very next request, after a 404",
        [get("/simple/next-404/"), upload("next-404", "1.0"), get("/simple/next-404/")],
        status(404, 200, 200),
    ),
    rule(
        "2.8",
        "added by the very next request",
        [upload("more", "1.0"), get("/simple/more/"), upload("more", "1.1"), get("/simple/more/")],
        status(200),
        says("more-1.1", "more-1.0"),
        that("another ETag", lambda answers: answers[1].headers["etag"] != answers[3].headers["etag"]),
    ),
    rule(
        "2.8",
        "a client that has the page is told of the change",
        [
            upload("told", "1.0"),
            get("/simple/told/", JSON_ACCEPT),
            upload("told", "1.1"),
            get("/simple/told/", JSON_ACCEPT),
        ],
        status(200),
    ),
    rule(
        "2.8",
        "in the list by the very next request",
        [get("/simple/"), upload("listed", "1.0"), get("/simple/")],
        status(200),
        says('href="listed/"'),
        that("another ETag", lambda answers: answers[0].headers["etag"] != answers[2].headers["etag"]),
    ),
    rule(
        "2.8",
        "in the flat list by the very next request",
        [upload("flat", "1.0"), get("/packages/")],
        says("flat-1.0-py3-none-any.whl"),
    ),
    rule(
        "2.8",
        "in the document by the very next request",
        [upload("document", "1.0"), get("/pypi/document/json"), upload("document", "2.0"), get("/pypi/document/json")],
        status(200),
        that("another version", lambda answers: answers[-1].json["info"]["version"] == "2.0"),
    ),
    rule(
        "2.8",
        "the file by the very next request",
        [upload("file", "1.0"), get("/packages/file-1.0-py3-none-any.whl")],
        status(200),
        body(wheel("file", "1.0")),
    ),
    rule(
        "1.6",
        "its metadata by the very next request",
        [upload("meta", "1.0"), get("/packages/meta-1.0-py3-none-any.whl.metadata")],
        status(200),
        body(core_metadata("meta", "1.0")),
    ),
    rule(
        "1.5",
        "upload times in the order of the uploads",
        [upload("times", "1.0"), upload("times", "1.1"), get("/simple/times/", JSON_ACCEPT)],
        status(200),
        that(
            "they are",
            lambda answers: answers[-1].json["files"][0]["upload-time"] < answers[-1].json["files"][1]["upload-time"],
        ),
    ),
    rule(
        "1.5",
        "other projects' pages are untouched",
        [
            get("/simple/zope-interface-ext/"),
            upload("untouched", "1.0"),
            get("/simple/zope-interface-ext/", "If-None-Match: *"),
        ],
        status(200, 200, 304),
    ),
    rule(
        "1.5",
        "a change is another ETag in each format",
        [upload("etags", "1.0"), get("/simple/etags/", "Accept: text/html"), get("/simple/etags/", JSON_ACCEPT)],
        that("they differ", lambda answers: answers[1].headers["etag"] != answers[2].headers["etag"]),
    ),
)
