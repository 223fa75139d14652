"""What older tools ask for: JSON about a project, liveness, ways from old addresses (1.7, 2.7)."""

from __future__ import annotations

from tests.conformance import corpus
from tests.conformance.rows import (
    SAME_BODY,
    Request,
    get,
    header,
    json_at,
    matches,
    rule,
    same,
    status,
    that,
    without,
)

DOCUMENT = "/pypi/acme-core/json"
INFO = {
    "author",
    "author_email",
    "classifiers",
    "description",
    "description_content_type",
    "download_url",
    "home_page",
    "keywords",
    "license",
    "maintainer",
    "maintainer_email",
    "name",
    "package_url",
    "platform",
    "project_urls",
    "requires_dist",
    "requires_python",
    "summary",
    "version",
    "yanked",
    "yanked_reason",
}
FILE = {
    "comment_text",
    "digests",
    "filename",
    "has_sig",
    "md5_digest",
    "packagetype",
    "python_version",
    "requires_python",
    "size",
    "upload_time",
    "upload_time_iso_8601",
    "url",
    "yanked",
    "yanked_reason",
}


ROWS = (
    rule(
        "1.7",
        "the keys of the document",
        get(DOCUMENT),
        status(200),
        header("Content-Type", "application/json"),
        that("keys", lambda answers: {"info", "last_serial", "releases", "urls"} <= set(answers[-1].json)),
        that("of info", lambda answers: set(answers[-1].json["info"]) >= INFO),
        that("of a file", lambda answers: all(set(each) >= FILE for each in answers[-1].json["urls"])),
    ),
    rule(
        "1.7",
        "the newest release speaks",
        get(DOCUMENT),
        json_at("info", "version", to_be="1.1+linux.1"),
        json_at("info", "name", to_be="acme_core"),
    ),
    rule(
        "1.7",
        "a release, by its version",
        get("/pypi/acme-core/1.0/json"),
        status(200),
        json_at("info", "version", to_be="1.0"),
        json_at("info", "summary", to_be="Nuts & <bolts>"),
        json_at("info", "requires_dist", to_be=["attrs"]),
        json_at("info", "requires_python", to_be=">=3.8,<4"),
        that("no releases", lambda answers: "releases" not in answers[-1].json),
    ),
    rule(
        "1.7",
        "a release, by another spelling of its version",
        get("/pypi/acme-core/1.0.0/json"),
        status(200),
        json_at("info", "version", to_be="1.0"),
    ),
    rule(
        "1.7",
        "absolute addresses of files",
        get("/pypi/acme-core/1.0/json"),
        json_at("urls", 0, "url", to_be=f"http://index.example.com/packages/{corpus.CORE_NAME}"),
        json_at("urls", 0, "digests", "sha256", to_be=corpus.CORE_SHA256),
        json_at("urls", 0, "upload_time_iso_8601", to_be=corpus.LONG_AGO_JSON),
        json_at("urls", 0, "packagetype", to_be="bdist_wheel"),
        json_at("urls", 1, "packagetype", to_be="sdist"),
    ),
    rule(
        "1.7",
        "every release",
        get(DOCUMENT),
        that("they are there", lambda answers: set(answers[-1].json["releases"]) == {"0.9", "1.0", "1.1+linux.1"}),
    ),
    rule(
        "1.7",
        "its three addresses",
        [get(DOCUMENT), get("/acme-core/json"), get("/pypi/Acme.Core/json")],
        status(200),
        SAME_BODY,
    ),
    rule(
        "1.7",
        "a strong ETag and no-cache",
        get(DOCUMENT),
        matches("ETag", '"[0-9a-f]+"'),
        matches("Cache-Control", ".*no-cache"),
        without("Last-Modified"),
    ),
    rule(
        "1.7",
        "304 where the client has it",
        [get(DOCUMENT), get(DOCUMENT, "If-None-Match: {etag}")],
        status(200, 304),
        same("cache-control"),
        same("etag"),
    ),
    rule(
        "1.7",
        "a release has its own ETag",
        [get(DOCUMENT), get("/pypi/acme-core/1.0/json", "If-None-Match: {etag}")],
        status(200),
    ),
    rule(
        "1.7",
        "another host has its own ETag",
        [get(DOCUMENT), Request(DOCUMENT, ("If-None-Match: {etag}",), host="other.example.com")],
        status(200),
    ),
    *(
        rule("1.7", f"no document: {path}", get(path), status(404))
        for path in (
            "/pypi/nothing/json",
            "/nothing/json",
            "/pypi/acme-core/9.9/json",
            "/pypi/%ff/json",
            "/pypi/a%2Fb/json",
            "/pypi/../json",
            "/pypi//json",
            "/pypi/acme-core/1.0/2.0/json",
        )
    ),
    rule("2.7", "a protected document challenges", get(DOCUMENT), status(401), server="private"),
    rule(
        "1.7",
        "liveness",
        get("/health"),
        status(200),
        header("Content-Type", "text/plain; charset=utf-8"),
        header("Cache-Control", "no-store"),
    ),
    rule("1.7", "liveness never needs a login", get("/health"), status(200), server="private"),
    rule(
        "1.7",
        "a welcome",
        get("/"),
        status(200),
        header("Content-Type", "text/html; charset=utf-8"),
        matches("Cache-Control", ".*no-cache.*"),
    ),
    rule(
        "1.7",
        "the way from a project's name",
        get("/Acme.Core/"),
        status(303),
        header("Location", "/simple/acme-core/"),
    ),
    rule(
        "1.1", "no namespaces without 1.5", get("/namespaces"), status(303), header("Location", "/simple/namespaces/")
    ),
    *(
        rule("1.7", f"none: {path}", get(path), status(404))
        for path in (
            "/integrity/acme-core/1.0/x/provenance",
            "/_/oidc/audience",
            "/.well-known/pytp?discover=%2Flegacy%2F",
            "/namespace/x",
            "//",
            "/a/b/c",
            "/%00",
            "/-/nothing",
            "/favicon.ico",
        )
    ),
)
