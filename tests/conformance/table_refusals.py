"""Uploads that are refused, and how that is said (1.6, 2.4, 2.5, 2.8).

What a file and its form have to be for the file to be taken is in the tables of ``tests/uploading``.
"""

from __future__ import annotations

from tests.conformance import corpus
from tests.conformance.forms import BOUNDARY, UV_ACCEPT, form, post, register, upload
from tests.conformance.rows import (
    Request,
    Row,
    get,
    header,
    matches,
    reason,
    rule,
    says,
    status,
    without,
)
from twisted_pypi.testing.archives import wheel


def not_taken(section: str, title: str, request: Request, code: int, sentence: str = ".+") -> Row:
    """A row of an upload that is refused, with a sentence in the phrase and in the body."""
    return rule(
        section,
        title,
        request,
        status(code),
        reason(sentence),
        header("Content-Type", "text/plain; charset=utf-8"),
        without("Location"),
    )


LARGEST = 20_000_000
"""Bytes that the servers of these tables take, by ``--max-upload-size``."""


def before_its_body(length: int = 1000, login: str | None = corpus.LOGIN) -> Request:
    """Return the head of an upload alone."""
    logins = [] if login is None else [login]
    kind = f"Content-Type: multipart/form-data; boundary={BOUNDARY}"
    return get("/", *logins, kind, f"Content-Length: {length}", method="POST")


ROWS = (
    not_taken("1.6", "doc_upload", register("doc_upload"), 410),
    not_taken("1.6", "an unknown action", register("dance"), 400, "the field :action is 'dance'.*"),
    not_taken("1.6", "no action", post(form({"name": "x"})), 400),
    not_taken("1.6", "no file", post(form({":action": "file_upload", "name": "x", "version": "1"})), 400),
    not_taken("1.6", "no form", post(b"hello", content_type="text/plain"), 400),
    not_taken("1.6", "no type", Request("/", (corpus.LOGIN,), "POST", b"hello"), 400),
    not_taken("1.6", "no body", get("/", corpus.LOGIN, method="POST"), 400),
    not_taken("1.6", "no boundary", post(form({}), content_type="multipart/form-data"), 400),
    not_taken(
        "1.6",
        "another boundary",
        post(form({":action": "submit"}), content_type="multipart/form-data; boundary=other"),
        400,
    ),
    not_taken("2.8", "a truncated body", post(form({":action": "submit"})[:-12]), 400),
    not_taken(
        "2.8",
        "a body truncated in its file",
        post(
            form({":action": "file_upload", "name": "cut", "version": "1"}, "cut-1-py3-none-any.whl", b"x" * 9000)[
                :4000
            ]
        ),
        400,
    ),
    not_taken(
        "1.6",
        "a wrong digest",
        upload("digest", "1.0", sha256_digest="0" * 64),
        400,
        "the sha256_digest of the file .*",
    ),
    not_taken("1.6", "a name with a path", post(form({":action": "file_upload"}, "../x-1.0.tar.gz", b"x")), 400),
    not_taken(
        "1.6",
        "what is no archive",
        post(form({":action": "file_upload", "name": "no", "version": "1"}, "no-1-py3-none-any.whl", b"x")),
        400,
    ),
    not_taken(
        "1.6",
        "a sentence that latin-1 cannot say",
        post(form({":action": "\u0436"})),
        400,
        r"the field :action is '\?'.*",
    ),
    not_taken("2.8", "no login, before the body is there", before_its_body(login=None), 401),
    not_taken("2.8", "a body that is too long, before it is there", before_its_body(LARGEST + 1), 413),
    not_taken("2.4", "no login", upload("login", "1.0", login=None), 401),
    not_taken("2.4", "a wrong login", upload("login", "1.0", login="Authorization: Basic YWRhOndyb25n"), 401),
    not_taken("2.4", "an empty login", upload("login", "1.0", login="Authorization: Basic Og=="), 401),
    *(
        not_taken("2.4", f"no Basic login: {value}", upload("login", "1.0", login=f"Authorization: {value}"), 401)
        for value in ("Bearer x", "Basic", "Basic %%%", "x")
    ),
    rule(
        "2.4",
        "the one realm that distutils knows",
        upload("login", "1.0", login=None),
        header("WWW-Authenticate", 'Basic realm="pypi"'),
        header("Connection", "close"),
    ),
    rule(
        "2.5",
        "the body says it, too",
        post(form({":action": "dance"})),
        status(400),
        matches("Content-Type", "text/plain.*"),
        says("expected one of file_upload"),
    ),
    rule(
        "2.5",
        "JSON for uv",
        post(form({":action": "dance"}), UV_ACCEPT),
        status(400),
        header("Content-Type", "application/json"),
        says('"code": "400 the field :action', '"message"'),
        reason("the field :action.*"),
    ),
    rule(
        "2.5",
        "JSON for uv, of a wrong login",
        upload("login", "1.0", UV_ACCEPT, login=None),
        status(401),
        header("Content-Type", "application/json"),
        header("WWW-Authenticate", 'Basic realm="pypi"'),
    ),
    rule(
        "2.5",
        "JSON for uv, of what exists",
        [upload("uv", "1.0"), upload("uv", "1.0", UV_ACCEPT, content=wheel("uv", "1.0", content=b"x = 1"))],
        status(200, 409),
        header("Content-Type", "application/json"),
        says("File already exists"),
    ),
    rule(
        "2.5",
        "no JSON where it is refused",
        post(form({":action": "dance"}), "Accept: application/json;q=0, */*"),
        status(400),
        matches("Content-Type", "text/plain.*"),
    ),
    rule(
        "2.5",
        "no HTML to a client that uploads",
        post(form({":action": "dance"}), "Accept: text/html"),
        status(400),
        matches("Content-Type", "text/plain.*"),
    ),
    *(
        rule("2.8", f"no upload at {place}", post(form({":action": "submit"}), target=place), status(405))
        for place in ("/packages/", "/simple/acme-core/", "/health", "/legacy/x", "/nothing/x")
    ),
    rule("2.8", "PUT", Request("/", (), "PUT", b"x"), status(405), header("Allow", "GET, HEAD, POST")),
)
