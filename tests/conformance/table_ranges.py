"""Files in parts, and on conditions (1.5, 2.1; RFC 9110 sections 13 and 14)."""

from __future__ import annotations

from hashlib import sha256

from tests.conformance import corpus
from tests.conformance.rows import (
    Row,
    body,
    get,
    header,
    matches,
    rule,
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
    *(
        rule(
            "RFC 9110 13.1.2",
            f"If-None-Match: {tags}",
            get(FILE, f"If-None-Match: {tags}"),
            status(code),
            header("ETag", ETAG),
        )
        for tags, code in ((ETAG, 304), (f"W/{ETAG}", 304), ("*", 304), (f'"x", {ETAG}', 304), ('"x"', 200))
    ),
    *(
        rule("RFC 9110 13.1.3", f"If-Modified-Since: {date}", get(FILE, f"If-Modified-Since: {date}"), status(code))
        for date, code in (
            (corpus.LONG_AGO_HTTP, 304),
            (OTHER_DATE, 304),
            ("Sunday, 13-Sep-20 12:26:40 GMT", 304),
            ("Sun Sep 13 12:26:40 2020", 304),
            ("Sun, 13 Sep 2020 12:26:39 GMT", 200),
            ("yesterday", 200),
            ("", 200),
            ("Sun, 99 Sep 99999 12:26:39 GMT", 200),
        )
    ),
    rule(
        "RFC 9110 13.1.3",
        "a tag counts, not the date",
        get(FILE, 'If-None-Match: "x"', f"If-Modified-Since: {OTHER_DATE}"),
        status(200),
    ),
    *(
        rule("RFC 9110 13.1.1", f"If-Match: {tags}", get(FILE, f"If-Match: {tags}"), status(code))
        for tags, code in ((ETAG, 200), ("*", 200), (f'"x", {ETAG}', 200), ('"x"', 412), (f"W/{ETAG}", 412))
    ),
    *(
        rule("RFC 9110 13.1.4", f"If-Unmodified-Since: {date}", get(FILE, f"If-Unmodified-Since: {date}"), status(code))
        for date, code in (
            (corpus.LONG_AGO_HTTP, 200),
            (OTHER_DATE, 200),
            ("Sun, 13 Sep 2020 12:26:39 GMT", 412),
            ("yesterday", 200),
        )
    ),
    rule(
        "RFC 9110 13.2.2",
        "If-Match counts, not the date",
        get(FILE, f"If-Match: {ETAG}", "If-Unmodified-Since: Sun, 13 Sep 2020 12:26:39 GMT"),
        status(200),
    ),
    rule(
        "RFC 9110 13.2.2",
        "a condition on parts of other bytes",
        get(BIG, "Range: bytes=0-9", 'If-Match: "x"'),
        status(412),
    ),
    part("0-9", 0, 10),
    part("0-0", 0, 1),
    part("100-", 100, SIZE),
    part("-10", SIZE - 10, SIZE),
    part(f"-{SIZE + 5}", 0, SIZE),
    part(f"{SIZE - 1}-{SIZE + 5}", SIZE - 1, SIZE),
    part("0-9999999999999999", 0, SIZE),
    part(" 5 - 6 ".replace(" ", ""), 5, 7, "Cache-Control: no-cache", "Accept-Encoding: identity"),
    part("5-6", 5, 7, f"If-Range: {BIG_ETAG}"),
    part("5-6", 5, 7, f"If-Range: {corpus.LONG_AGO_HTTP}"),
    part("5-6", 5, 7, f"If-Match: {BIG_ETAG}"),
    part("7-8", 7, 9, 'If-None-Match: "x"'),
    whole("RFC 9110 13.1.5", "If-Range with another tag", "Range: bytes=5-6", 'If-Range: "x"'),
    whole("RFC 9110 13.1.5", "If-Range with a weak tag", "Range: bytes=5-6", f"If-Range: W/{BIG_ETAG}"),
    whole(
        "RFC 9110 13.1.5",
        "If-Range with an earlier date",
        "Range: bytes=5-6",
        "If-Range: Sun, 13 Sep 2020 12:26:39 GMT",
    ),
    whole("RFC 9110 13.1.5", "If-Range with a later date", "Range: bytes=5-6", f"If-Range: {OTHER_DATE}"),
    whole("RFC 9110 13.1.5", "If-Range with neither", "Range: bytes=5-6", "If-Range: yesterday"),
    whole("RFC 9110 13.1.5", "If-Range with two tags", "Range: bytes=5-6", f'If-Range: {BIG_ETAG}, "x"'),
    whole("RFC 9110 13.1.5", "If-Range and no such part", f"Range: bytes={SIZE}-", 'If-Range: "x"'),
    whole("RFC 9110 13.1.5", "If-Range without Range", 'If-Range: "x"'),
    *(
        whole("RFC 9110 14.2", f"Range: {value}", f"Range: {value}")
        for value in (
            "items=0-9",
            "bytes=",
            "bytes=9-5",
            "bytes=a-b",
            "bytes=0-9,x",
            "bytes 0-9",
            "bytes=--5",
            "bytes=1-2-3",
            "bytes=+1-2",
            "",
            "bytes=" + ",".join(["0-0"] * 200),
        )
    ),
    rule(
        "RFC 9110 14.2",
        "a range of something else than GET",
        get(BIG, "Range: bytes=0-9", method="HEAD"),
        status(200),
        header("Content-Length", str(SIZE)),
    ),
    rule(
        "RFC 9110 13.2.2", "304 before a part", get(BIG, "Range: bytes=0-9", f"If-None-Match: {BIG_ETAG}"), status(304)
    ),
    rule(
        "RFC 9110 14.6",
        "several parts",
        get(BIG, "Range: bytes=0-1, 10-11"),
        status(206),
        matches("Content-Type", "multipart/byteranges; boundary=[0-9a-f]+"),
        without("Content-Range"),
        that(
            "each part",
            lambda answers: (
                answers[-1].body.count(b"Content-Range: bytes ") == 2
                and b"\r\n\r\n\x00\x01\r\n" in answers[-1].body
                and b"\r\n\r\n\x0a\x0b\r\n" in answers[-1].body
            ),
        ),
        that(
            "its end",
            lambda answers: answers[-1].body.endswith(
                f"\r\n--{answers[-1].headers['content-type'].partition('=')[2]}--\r\n".encode()
            ),
        ),
    ),
    rule(
        "RFC 9110 14.2",
        "several parts, of which one is there",
        get(BIG, f"Range: bytes=0-1, {SIZE}-"),
        status(206),
        header("Content-Range", f"bytes 0-1/{SIZE}"),
    ),
    refused(f"{SIZE}-"),
    refused(f"{SIZE}-{SIZE + 9}"),
    refused("-0"),
    refused("0-", EMPTY, 0),
    refused("-5", EMPTY, 0),
)
