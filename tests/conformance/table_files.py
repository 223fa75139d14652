"""Files, their metadata and signatures, and the flat list of them (1.3, 1.5, 1.7, 2.1)."""

from __future__ import annotations

from hashlib import sha256

from tests.conformance import corpus
from tests.conformance.rows import (
    JSON_ACCEPT,
    SAME_BODY,
    Row,
    body,
    get,
    header,
    matches,
    rule,
    says,
    says_not,
    status,
    that,
    without,
)

FILE = f"/packages/{corpus.CORE_NAME}"
BIG = "/packages/big-1.0.tar.gz"
EMPTY = "/packages/empty-1.0.tar.gz"
SIZE = len(corpus.BIG)
ETAG = f'"{corpus.CORE_SHA256}"'
BIG_ETAG = f'"{sha256(corpus.BIG).hexdigest()}"'
OTHER_DATE = "Sun, 13 Sep 2020 12:26:41 GMT"


def part(asked: str, start: int, stop: int, *more: str) -> Row:
    """A row of one part."""
    return rule(
        "RFC 9110 14.2",
        f"bytes={asked} {' '.join(more)}",
        get(BIG, f"Range: bytes={asked}", *more),
        status(206),
        body(corpus.BIG[start:stop]),
        header("Content-Range", f"bytes {start}-{stop - 1}/{SIZE}"),
        header("Content-Length", str(stop - start)),
        header("ETag", BIG_ETAG),
        header("Accept-Ranges", "bytes"),
        without("Content-Encoding"),
    )


def whole(section: str, title: str, *lines: str) -> Row:
    """A row where the whole file comes although lines asked for less."""
    return rule(section, title, get(BIG, *lines), status(200), body(corpus.BIG), without("Content-Range"))


def refused(asked: str, path: str = BIG, size: int = SIZE) -> Row:
    """A row of a part that is not there."""
    return rule(
        "1.5",
        f"416 to {asked} of {size}",
        get(path, f"Range: bytes={asked}"),
        status(416),
        header("Content-Range", f"bytes */{size}"),
        header("Accept-Ranges", "bytes"),
    )


ROWS = (
    rule(
        "1.5",
        "a whole file",
        get(FILE, "Accept-Encoding: gzip"),
        status(200),
        body(corpus.CORE),
        header("ETag", ETAG),
        header("Content-Type", "application/octet-stream"),
        header("Content-Length", str(len(corpus.CORE))),
        header("Accept-Ranges", "bytes"),
        header("Last-Modified", corpus.LONG_AGO_HTTP),
        without("Content-Encoding"),
    ),
    rule(
        "1.5",
        "HEAD says that parts can be had, and the length",
        get(BIG, method="HEAD"),
        status(200),
        header("Accept-Ranges", "bytes"),
        header("Content-Length", str(SIZE)),
        header("ETag", BIG_ETAG),
    ),
    rule(
        "1.5",
        "no content coding on a .tar.gz",
        get(f"/packages/{corpus.SDIST_NAME}", "Accept-Encoding: gzip"),
        body(corpus.SDIST),
        without("Content-Encoding"),
    ),
    rule("2.1", "a file, whatever is accepted", get(FILE, JSON_ACCEPT), status(200), body(corpus.CORE)),
    rule("1.5", "an empty file", get(EMPTY), status(200), body(b""), header("Content-Length", "0")),
    *(
        rule("2.1", f"a file under {path}", get(f"/packages/{path}"), status(200), body(corpus.LOCAL))
        for path in (
            corpus.LOCAL_PATH,
            corpus.LOCAL_PATH.replace("+", "%2B"),
            corpus.LOCAL_PATH.replace("+", "%2b").replace(",", "%2c"),
            corpus.LOCAL_PATH.replace(",", "%2C"),
            corpus.LOCAL_PATH.replace("py3", "%70y3"),
        )
    ),
    rule(
        "2.1",
        "metadata under a quoted address",
        get(f"/packages/{corpus.LOCAL_PATH.replace('+', '%2B')}.metadata"),
        status(200),
    ),
    rule("2.1", "a quoted name that has to be escaped", get("/packages/odd-1.0%26%3Cb%3E%22%27x.zip"), status(200)),
    *(
        rule("1.3", f"not a file: {path}", get(f"/packages/{path}"), status(404))
        for path in (
            "nothing-1.0.tar.gz",
            "notes.txt",
            ".hidden-1.0.tar.gz",
            ".folder/hidden-1.0.tar.gz",
            "outside-1.0.tar.gz",
            "../htpasswd",
            "..%2Fhtpasswd",
            "%2e%2e/htpasswd",
            "%2e%2e%2fhtpasswd",
            "a,b+c/../../htpasswd",
            "a,b+c",
            "a,b+c/",
            "//etc/passwd",
            "%2Fetc%2Fpasswd",
            "acme_core-1.0.tar.gz/",
            "acme_core-1.0.tar.gz/x",
            "acme_core-1.0.tar.gz%00",
            "%ff-1.0.tar.gz",
            f"{corpus.CORE_NAME}.asc",
            ".twisted-pypi/catalog.sqlite",
            f".{corpus.CORE_NAME}.json",
            "x" * 5000,
        )
    ),
    rule("1.3", "a signature", get(f"/packages/{corpus.SDIST_NAME}.asc"), status(200), body(corpus.SIGNATURE)),
    rule(
        "1.3",
        "a wheel's METADATA, byte for byte",
        get(f"{FILE}.metadata"),
        status(200),
        body(corpus.CORE_METADATA),
        matches("ETag", '"[0-9a-f]{64}"'),
        without("Content-Encoding"),
    ),
    rule(
        "2.2",
        "metadata that the client has",
        [get(f"{FILE}.metadata"), get(f"{FILE}.metadata", "If-None-Match: {etag}")],
        status(200, 304),
    ),
    rule(
        "RFC 9110 13.1.3",
        "metadata has no date to ask for",
        get(f"{FILE}.metadata", f"If-Modified-Since: {OTHER_DATE}"),
        status(200),
    ),
    rule("1.6", "an sdist has no metadata at its address", get(f"/packages/{corpus.SDIST_NAME}.metadata"), status(404)),
    rule(
        "1.6", "an egg has no metadata at its address", get("/packages/acme_core-0.9-py2.7.egg.metadata"), status(404)
    ),
    rule(
        "1.3",
        "what lies beside a wheel is not its metadata",
        get("/packages/beside-1.0-py3-none-any.whl.metadata"),
        status(200),
        says("Version: 1.0"),
        says_not("6.6.6"),
    ),
    *(
        rule(
            "1.3",
            f"no metadata is offered of {name}, and none served",
            [get(f"/simple/{name}/", JSON_ACCEPT), get(f"/packages/{name}-1.0-py3-none-any.whl.metadata")],
            status(200, 404),
            that(
                "not offered", lambda answers: not any(each.get("core-metadata") for each in answers[0].json["files"])
            ),
        )
        for name in ("broken", "bare")
    ),
    rule("1.3", "metadata of nothing", get("/packages/nothing-1.0-py3-none-any.whl.metadata"), status(404)),
    rule("1.3", "metadata of metadata", get(f"{FILE}.metadata.metadata"), status(404)),
    rule(
        "1.7",
        "the flat list, for find-links",
        get("/packages/"),
        status(200),
        header("Content-Type", "text/html; charset=utf-8"),
        says(
            f'href="{corpus.CORE_NAME}#sha256={corpus.CORE_SHA256}"',
            'href="a%2Cb%2Bc/acme_core-1.1%2Blinux.1-py3-none-any.whl#sha256=',
            "odd-1.0%26%3Cb%3E%22%27x.zip#sha256=",
            'data-requires-python="&gt;=3.8,&lt;4"',
        ),
        says_not("<b>", "hidden", "notes.txt", "outside"),
    ),
    rule("1.7", "the flat list has no other address", get("/packages"), status(301), header("Location", "/packages/")),
    rule(
        "RFC 9112 3.2.2",
        "the absolute form of a target",
        [get(FILE), get(f"http://index.example.com{FILE}")],
        status(200),
        SAME_BODY,
    ),
    rule("1.3", "nothing can be put here", get(FILE, method="PUT"), status(405), header("Allow", "GET, HEAD")),
    rule("2.7", "a protected file challenges", get(FILE), status(401), server="private"),
    rule("2.7", "a protected file, with a login", get(FILE, corpus.LOGIN), status(200), server="private"),
    rule("2.7", "protected metadata challenges", get(f"{FILE}.metadata"), status(401), server="private"),
)
