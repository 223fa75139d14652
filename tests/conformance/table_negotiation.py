"""Which form of a page a client gets (1.4, 2.1; PEP 691; RFC 9110 section 12.5)."""

from __future__ import annotations

from tests.conformance.rows import (
    HTML,
    JSON,
    JSON_ACCEPT,
    SAME_BODY,
    TEXT,
    Row,
    differ,
    get,
    header,
    json_at,
    matches,
    rule,
    says,
    status,
    that,
    without,
)

PAGE = "/simple/acme-core/"
LATEST_JSON = "application/vnd.pypi.simple.latest+json"
LATEST_HTML = "application/vnd.pypi.simple.latest+html"

ANSWERED: tuple[tuple[str, str | None, str | None], ...] = (
    ("no Accept is HTML", None, TEXT),
    ("an empty Accept counts for nothing", "", TEXT),
    ("*/*", "*/*", TEXT),
    ("each type", JSON, JSON),
    ("each type, HTML", HTML, HTML),
    ("each type, alias", "text/html", TEXT),
    ("upper case", JSON.upper(), JSON),
    ("latest JSON is answered with its version", LATEST_JSON, JSON),
    ("latest HTML is answered with its version", LATEST_HTML, HTML),
    ("pip 26", f"{JSON}, {HTML}; q=0.1, text/html; q=0.01", JSON),
    ("uv", f"{JSON}, {HTML};q=0.2, text/html;q=0.01", JSON),
    ("poetry", f"{JSON}, */*;q=0.1", JSON),
    ("a browser", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT),
    ("order has no meaning", f"text/html, {HTML}, {JSON}", JSON),
    ("among equals JSON", f"text/html;q=0.5, {JSON};q=0.5", JSON),
    ("a higher weight wins", f"text/html;q=0.51, {JSON};q=0.5", TEXT),
    ("three decimals", f"text/html;q=0.002, {JSON};q=0.001", TEXT),
    ("weight 1.000", f"text/html;q=0.999, {HTML};q=1.000", HTML),
    ("weight 0 is a refusal", f"{JSON};q=0, text/html;q=0.1", TEXT),
    ("weight 0.000 is a refusal", f"{JSON};q=0.000, text/html;q=0.1", TEXT),
    ("a refusal beats a wildcard", f"*/*, {JSON};q=0, {HTML};q=0", TEXT),
    ("a refused wildcard does not beat a type", f"*/*;q=0, {JSON}", JSON),
    ("application/*", "application/*", JSON),
    ("text/*", "text/*", TEXT),
    ("text/* and a better type", f"text/*;q=0.3, {HTML}", HTML),
    ("a type beats the wildcard of its half", f"application/*;q=0.9, {JSON};q=0.1, text/html;q=0.5", HTML),
    ("parameters of a type", "text/html;charset=utf-8;q=0.5", TEXT),
    ("a comma in quotes divides nothing", f'text/html;title="a, {JSON}"', TEXT),
    ("a weight in quotes is none", f'{HTML};title="x;q=0", text/html;q=0.5', HTML),
    ("blanks everywhere", f" {HTML} ; q=0.5 ,\t{JSON} ; q=0.4 ", HTML),
    ("Q is q", f"{JSON};Q=0.1, text/html", TEXT),
    ("empty elements", f",, {JSON} ,,", JSON),
    ("a weight above 1 leaves its type out", f"{JSON};q=2, text/html", TEXT),
    ("a weight that is no number leaves its type out", f"{JSON};q=high, text/html", TEXT),
    ("a broken header counts for nothing", "garbage", TEXT),
    ("a header of separators counts for nothing", ";;,;q=,", TEXT),
    ("a broken part is passed over", f"ga rb/age, {JSON}", JSON),
    ("latin-1 in the header", f"t\xe9xt/html, {JSON}", JSON),
    ("hundreds of types", ",".join(["x/y;q=0.1"] * 1500), None),
    ("an unknown type", "application/json", None),
    ("a version that is not there yet", "application/vnd.pypi.simple.v2+json", None),
    ("a later version, and one that is there", f"application/vnd.pypi.simple.v2+json, {HTML};q=0.1", HTML),
    ("everything is refused", "*/*;q=0", None),
    ("all three are refused", f"{JSON};q=0, {HTML};q=0, text/html;q=0", None),
)
"""Of an ``Accept``, the type that is answered with; None: 406."""

ASKED: tuple[tuple[str, str | None, str | None], ...] = (
    (f"?format={JSON}", None, JSON),
    (f"?format={JSON.replace('+', '%2B')}", "text/html", JSON),
    (f"?format={HTML}", JSON, HTML),
    ("?format=text/html", JSON, TEXT),
    (f"?format={LATEST_JSON}", None, JSON),
    (f"?x=y&format={JSON}", "text/html", JSON),
    ("?format=", JSON, JSON),
    ("?format=application/json", JSON, None),
    ("?format=" + "x" * 3000, JSON, None),
    ("?format=%ff%00", JSON, None),
    ("?" + "&" * 2000, JSON, JSON),
)
"""Of a query and an ``Accept``, the same."""


def _negotiated(section: str, title: str, target: str, accept: str | None, expected: str | None) -> Row:
    request = get(target, *([] if accept is None else [f"Accept: {accept}"]))
    if expected is None:
        return rule(section, title, request, status(406), says("expected application/vnd.pypi.simple.v1+json"))
    vary = matches("Vary", "Accept(, Accept-Encoding)?")
    return rule(section, title, request, status(200), header("Content-Type", expected), vary)


ROWS = (
    *(
        _negotiated("1.4", f"{title} ({kind})", target, accept, expected)
        for kind, target in (("list", "/simple/"), ("page", PAGE))
        for title, accept, expected in ANSWERED
    ),
    *(
        _negotiated("1.4", f"{query[:60]} over {accept}", PAGE + query, accept, expected)
        for query, accept, expected in ASKED
    ),
    rule(
        "1.4",
        "several Accept headers are one",
        get(PAGE, "Accept: text/html;q=0.5", JSON_ACCEPT),
        header("Content-Type", JSON),
    ),
    rule("1.4", "a redirect varies", get("/simple/Acme.Core", JSON_ACCEPT), status(301), matches("Vary", "Accept.*")),
    rule("1.4", "a 404 varies", get("/simple/nothing/", JSON_ACCEPT), status(404), matches("Vary", "Accept.*")),
    rule("1.4", "a 404 for a person varies", get("/simple/nothing/", "Accept: text/html"), matches("Vary", "Accept.*")),
    rule("1.4", "a 405 varies", get("/simple/", method="DELETE"), status(405), matches("Vary", "Accept.*")),
    rule(
        "1.4",
        "a 304 varies",
        [get(PAGE, JSON_ACCEPT), get(PAGE, JSON_ACCEPT, "If-None-Match: {etag}")],
        status(200, 304),
        header("Vary", "Accept, Accept-Encoding"),
    ),
    rule(
        "1.4",
        "both names of HTML are one page",
        [get(PAGE, f"Accept: {HTML}"), get(PAGE, "Accept: text/html")],
        SAME_BODY,
    ),
    rule("1.4", "no page is a Multiple Choices", get(PAGE, f"Accept: {JSON}, {HTML}"), status(200)),
    rule("1.1", "the JSON says 1.4", get(PAGE, JSON_ACCEPT), json_at("meta", "api-version", to_be="1.4")),
    rule("1.1", "the list in JSON says 1.4", get("/simple/", JSON_ACCEPT), json_at("meta", "api-version", to_be="1.4")),
    rule(
        "2.1",
        "gzip where it is taken",
        [get(PAGE, "Accept-Encoding: gzip, deflate"), get(PAGE)],
        that(
            "only the first is packed",
            lambda answers: [each.headers.get("content-encoding") for each in answers] == ["gzip", None],
        ),
        SAME_BODY,
        differ("etag"),
    ),
    *(
        rule("2.1", f"gzip by {coding}", get(PAGE, f"Accept-Encoding: {coding}"), header("Content-Encoding", "gzip"))
        for coding in (
            "gzip",
            "GZIP",
            "x-gzip",
            "*",
            "gzip;q=0.5, *;q=0",
            "br, gzip;q=0.1",
            "identity;q=0",
        )
    ),
    *(
        rule("2.1", f"identity by {coding}", get(PAGE, f"Accept-Encoding: {coding}"), without("Content-Encoding"))
        for coding in (
            "identity",
            "",
            "br",
            "gzip;q=0",
            "gzip;q=0, *;q=0.5",
            "*;q=0",
            "gzip;q=0.1, identity;q=0.9",
            "gzip;q=2",
        )
    ),
)
