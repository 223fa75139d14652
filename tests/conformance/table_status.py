"""Yanked files (PEP 592) and the status of projects (PEP 792), as pages and refusals say them (1.3)."""

from __future__ import annotations

from urllib.parse import urlencode

from tests.conformance.forms import post, upload
from tests.conformance.rows import JSON_ACCEPT, Request, get, rule, says, status, that

HTML_ACCEPT = "Accept: application/vnd.pypi.simple.v1+html"
WHY = 'breaks <3.12 & "more"'
ESCAPED = ("breaks &lt;3.12 &amp; ", "more")


def mark(project: str, verb: str, **said: str) -> Request:
    """Return the request that marks a file or a project."""
    return post(
        urlencode(said).encode(),
        target=f"/-/projects/{project}/{verb}",
        content_type="application/x-www-form-urlencoded",
    )


ROWS = (
    rule(
        "1.3",
        "a yanked file says so, with the reason",
        [upload("yank-why", "1.0"), mark("yank-why", "yank", version="1.0", reason=WHY), get("/simple/yank-why/", JSON_ACCEPT)],
        status(200),
        that("it does", lambda answers: answers[-1].json["files"][0]["yanked"] == WHY),
    ),
    rule(
        "1.3",
        "without a reason, yanked is true",
        [upload("yank-only", "1.0"), mark("yank-only", "yank", version="1.0"), get("/simple/yank-only/", JSON_ACCEPT)],
        status(200),
        that("it is", lambda answers: answers[-1].json["files"][0]["yanked"] is True),
    ),
    rule(
        "1.3",
        "data-yanked in HTML, its reason escaped",
        [upload("yank-html", "1.0"), mark("yank-html", "yank", version="1.0", reason=WHY), get("/simple/yank-html/", HTML_ACCEPT)],
        status(200),
        says("data-yanked=", *ESCAPED),
    ),
    rule(
        "1.3",
        "may be set and taken back at any time",
        [
            upload("yank-back", "1.0"),
            mark("yank-back", "yank", version="1.0"),
            mark("yank-back", "unyank", version="1.0"),
            get("/simple/yank-back/", JSON_ACCEPT),
        ],
        status(200),
        that("it is", lambda answers: not answers[-1].json["files"][0].get("yanked")),
    ),
    rule(
        "1.3",
        "a yanked file is served all the same",
        [upload("yank-get", "1.0"), mark("yank-get", "yank", version="1.0"), get("/packages/yank_get-1.0-py3-none-any.whl")],
        status(200),
    ),
    *(
        rule(
            "1.3",
            f"{marker} is said at the top level of the JSON, with the reason",
            [
                upload(f"is-{marker}", "1.0"),
                mark(f"is-{marker}", "status", status=marker, reason=WHY),
                get(f"/simple/is-{marker}/", JSON_ACCEPT),
            ],
            status(200),
            that(
                "it is",
                lambda answers, marker=marker: (  # type: ignore[misc]  # bound at once
                    answers[-1].json["project-status"] == {"status": marker, "reason": WHY}
                ),
            ),
        )
        for marker in ("archived", "quarantined", "deprecated")
    ),
    rule(
        "1.3",
        "the status in HTML, its reason escaped",
        [upload("st-html", "1.0"), mark("st-html", "status", status="deprecated", reason=WHY), get("/simple/st-html/", HTML_ACCEPT)],
        status(200),
        says('<meta name="pypi:project-status" content="deprecated">', "pypi:project-status-reason", *ESCAPED),
    ),
    *(
        rule(
            "1.6",
            f"{marker} takes no uploads",
            [upload(f"no-{marker}", "1.0"), mark(f"no-{marker}", "status", status=marker), upload(f"no-{marker}", "1.1")],
            status(200, 200, 403),
        )
        for marker in ("archived", "quarantined")
    ),
    rule(
        "1.3",
        "deprecated takes uploads",
        [upload("still", "1.0"), mark("still", "status", status="deprecated"), upload("still", "1.1")],
        status(200),
    ),
    rule(
        "1.3",
        "quarantined has no files, by direct URL neither",
        [
            upload("bad", "1.0"),
            mark("bad", "status", status="quarantined"),
            get("/packages/bad-1.0-py3-none-any.whl"),
            get("/packages/bad-1.0-py3-none-any.whl", method="HEAD"),
            get("/packages/bad-1.0-py3-none-any.whl", "Range: bytes=0-1"),
            get("/packages/bad-1.0-py3-none-any.whl.metadata"),
            get("/integrity/bad/1.0/bad-1.0-py3-none-any.whl/provenance"),
            get("/simple/bad/", JSON_ACCEPT),
        ],
        status(200, 200, 403, 403, 403, 403, 403, 200),
        that("none", lambda answers: answers[-1].json["files"] == []),
    ),
    rule(
        "1.3",
        "a project without a status says none",
        [upload("plain-status", "1.0"), get("/simple/plain-status/", JSON_ACCEPT)],
        that("it does not", lambda answers: "project-status" not in answers[-1].json),
    ),
)  # fmt: skip
