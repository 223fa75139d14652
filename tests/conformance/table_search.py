"""XML-RPC search, which ``pip search`` asks for (1.7)."""

from __future__ import annotations

from tests.conformance.rows import (
    Request,
    get,
    header,
    matches,
    rule,
    says,
    status,
    that,
)

SEARCH = """<?xml version='1.0'?>
<methodCall><methodName>search</methodName><params>
<param><value><struct><member><name>{field}</name>
<value><array><data><value><string>{term}</string></value></data></array></value>
</member></struct></value></param>
<param><value><string>or</string></value></param></params></methodCall>"""


def call(xml: str, target: str = "/RPC2", *headers: str) -> Request:
    """Return an XML-RPC call."""
    return Request(target, ("Content-Type: text/xml", *headers), "POST", xml.encode())


ROWS = (
    rule(
        "1.7",
        "search by name",
        call(SEARCH.format(field="name", term="acme")),
        status(200),
        matches("Content-Type", "text/xml.*"),
        says(
            "<name>name</name>",
            "acme_core",
            "<name>version</name>",
            "1.1+linux.1",
            "<name>summary</name>",
            "<name>_pypi_ordering</name>",
        ),
    ),
    rule("1.7", "search by summary", call(SEARCH.format(field="summary", term="bolts")), says("Nuts &amp; &lt;bolts")),
    rule(
        "1.7",
        "search escapes what people wrote",
        call(SEARCH.format(field="name", term="acme")),
        that("well formed", lambda answers: b"<bolts>" not in answers[-1].body),
    ),
    rule(
        "1.7",
        "search at its address with a slash",
        call(SEARCH.format(field="name", term="acme"), "/RPC2/"),
        status(200),
    ),
    rule(
        "1.7",
        "another method is a fault",
        call("<methodCall><methodName>list_packages</methodName></methodCall>"),
        status(200),
        says("<fault>"),
    ),
    rule(
        "1.7",
        "a DTD is refused",
        call('<!DOCTYPE x [<!ENTITY a "b">]><methodCall><methodName>search</methodName></methodCall>'),
        status(400),
    ),
    rule(
        "1.7",
        "an entity from a file is refused",
        call(
            '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><methodCall><methodName>&a;</methodName></methodCall>'
        ),
        status(400),
    ),
    *(
        rule("1.7", f"no call: {xml[:20]}", call(xml), status(400))
        for xml in ("garbage", "<a>", "<a/>", "\x00", "<methodCall/>")
    ),
    rule("1.7", "an empty call", Request("/RPC2", ("Content-Type: text/xml",), "POST", b""), status(400)),
    rule("1.7", "a call without a body", get("/RPC2", method="POST"), status(400)),
    rule("2.8", "a call that is too long", call("x" * 70_000), status(413)),
    rule("1.7", "RPC2 is asked by POST", get("/RPC2"), status(405), header("Allow", "POST")),
    rule(
        "2.7",
        "a protected search challenges",
        call(SEARCH.format(field="name", term="acme")),
        status(401),
        server="private",
    ),
)
