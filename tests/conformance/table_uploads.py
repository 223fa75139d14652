"""Uploads that are taken (1.6, 2.3, 2.4, 2.8).

What a file and its form have to be for the file to be taken is in the tables of ``tests/uploading``.
"""

from __future__ import annotations

import hashlib

from tests.conformance.forms import chunked, form, post, register, upload
from tests.conformance.rows import (
    JSON_ACCEPT,
    Request,
    Row,
    body,
    get,
    reason,
    rule,
    status,
    that,
)
from twisted_pypi.testing.archives import sdist, wheel


def taken(section: str, title: str, request: Request, *more: Request) -> Row:
    """A row of an upload that is taken: 200, and never 201."""
    return rule(section, title, [request, *more], status(200), reason("OK"))


PLACES = ("/", "/legacy/", "/legacy", "/pypi", "/pypi/", "/simple/", "/simple")
DISTUTILS = sdist("upl-py27-st41", "1.0")

ROWS = (
    *(
        taken("2.8", f"POST to {place}, without a redirect", upload(f"place-{n}", "1.0", target=place))
        for n, place in enumerate(PLACES)
    ),
    rule(
        "1.6",
        "the same bytes again",
        [upload("same", "1.0"), upload("same", "1.0"), get("/simple/same/", JSON_ACCEPT)],
        status(200),
        that("once", lambda answers: len(answers[-1].json["files"]) == 1),
    ),
    rule(
        "1.6",
        "the same name with other bytes",
        [upload("other", "1.0"), upload("other", "1.0", content=wheel("other", "1.0", content=b"x = 1"))],
        status(200, 409),
        reason("File already exists.*"),
    ),
    rule(
        "1.6",
        "the file stays as it was",
        [
            upload("stays", "1.0"),
            upload("stays", "1.0", content=wheel("stays", "1.0", content=b"x = 1")),
            get("/packages/stays-1.0-py3-none-any.whl"),
        ],
        status(200, 409, 200),
        body(wheel("stays", "1.0")),
    ),
    taken("2.3", "a file part without a type (uv, flit, distutils)", upload("untyped", "1.0", kind="")),
    taken("RFC 9112 7.1", "a chunked upload", chunked(upload("chunked", "1.0"))),
    taken(
        "2.3",
        "many empty fields (pdm)",
        upload("empty-fields", "1.0", requires_python="", description="", summary="", keywords=""),
    ),
    taken(
        "2.3",
        "2,500 fields",
        post(
            form(
                {
                    ":action": "file_upload",
                    "name": "fields",
                    "version": "1.0",
                    **{f"classifiers{n}": "x" for n in range(2500)},
                },
                "fields-1.0-py3-none-any.whl",
                wheel("fields", "1.0"),
            )
        ),
    ),
    taken("2.3", "a field of two megabytes", upload("long-field", "1.0", description="x" * 2_000_000)),
    taken("2.3", "a field that is not UTF-8", upload("latin", "1.0", summary="\x80")),
    taken(
        "2.4",
        "a preamble before the form",
        post(
            b"\r\n"
            + form(
                {":action": "file_upload", "name": "preamble", "version": "1.0"},
                "preamble-1.0-py3-none-any.whl",
                wheel("preamble", "1.0"),
            )
        ),
    ),
    taken(
        "2.4",
        "the body of distutils",
        post(
            form(
                {
                    ":action": "file_upload",
                    "protocol_version": "1",
                    "name": "upl-py27-st41",
                    "version": "1.0",
                    "filetype": "sdist",
                    "pyversion": "",
                    "metadata_version": "1.0",
                    "md5_digest": hashlib.md5(DISTUTILS, usedforsecurity=False).hexdigest(),
                    "blake2_256_digest": hashlib.blake2b(DISTUTILS).hexdigest(),
                    "summary": "UNKNOWN",
                    "author": "None",
                },
                "upl-py27-st41-1.0.tar.gz",
                DISTUTILS,
                kind="",
            )
        ),
    ),
    rule("2.4", "register, asked for a login", [register(login=None), register()], status(401, 200), reason("OK")),
    *(taken("2.4", f"register by {action}", register(action)) for action in ("submit", "submit_pkg_info", "verify")),
    rule(
        "2.3",
        "Expect is answered once the body is wanted",
        upload("expect", "1.0", "Expect: 100-continue"),
        status(200),
    ),
)
