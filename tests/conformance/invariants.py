"""What holds of every answer, whatever was asked."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

from tests.conformance.answers import Answer
from tests.conformance.rows import Request

_SIMPLE = re.compile(r"/(?:simple|\+simple|%2[Bb]simple)(?:/|\Z)")
_HTTP_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] [A-Z][a-z]{2} [0-9]{4} [0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT"
)
_SHORT_WAIT = range(61)
_NEEDED = {
    401: ("www-authenticate", re.compile(r'Basic realm="pypi"')),
    405: ("allow", re.compile(r"[A-Z]+(?:, [A-Z]+)*")),
    416: ("content-range", re.compile(r"bytes \*/[0-9]+")),
    304: ("etag", re.compile(r'"[0-9a-f]+"')),
    429: ("retry-after", re.compile(r"[0-9]+")),
    503: ("retry-after", re.compile(r"[0-9]+")),
    **dict.fromkeys((301, 302, 303, 307, 308), ("location", re.compile(r"(?:https?:/)?/[\x21-\x7e]*"))),
}


def check_always(request: Request, answer: Answer) -> None:
    """See that an answer is one that this server may give at all."""
    headers = answer.headers
    assert answer.status != 500, answer
    assert headers["server"] == "twisted_pypi", answer
    assert _HTTP_DATE.fullmatch(headers["date"])
    assert parsedate_to_datetime(headers["date"]).tzinfo is not None
    if answer.status in _NEEDED:
        name, shape = _NEEDED[answer.status]
        assert shape.fullmatch(headers.get(name, "")), answer
    assert int(headers.get("retry-after", 0)) in _SHORT_WAIT
    if answer.body:
        assert "content-type" in headers, answer
    if answer.status >= 400:
        _check_error(request, answer)
    if _SIMPLE.match(request.path) and request.method in {"GET", "HEAD"}:
        assert "accept" in _listed(headers.get("vary", "")), answer
        assert "no-cache" in _listed(headers.get("cache-control", "")), answer
    if "etag" in headers:
        assert re.fullmatch(r'"[^"]+"', headers["etag"]), answer
    if request.path.startswith("/packages/"):
        assert "content-encoding" not in headers, answer


def _check_error(request: Request, answer: Answer) -> None:
    """Whoever reads only the phrase and whoever reads only the body learns the same (2.5)."""
    if request.method == "HEAD":
        return
    kind = answer.headers["content-type"]
    if kind == "application/json":
        said = answer.json
        assert set(said) == {"code", "message"}
        assert said["code"] == f"{answer.status} {said['message']}"
        sentence = said["message"]
    elif kind.startswith("text/plain"):
        sentence = answer.text.removesuffix("\n")
    else:
        assert kind == "text/html; charset=utf-8"
        assert request.method == "GET"
        return
    phrase = "".join(each if each.isprintable() else " " for each in sentence).encode("latin-1", "replace")
    assert answer.reason == phrase.decode("latin-1")[:400], answer


def _listed(value: str) -> set[str]:
    return {each.strip().lower() for each in value.split(",")}


def check_head(got: Answer, to_head: Answer) -> None:
    """See that HEAD is answered as GET is, without the body (RFC 9110 section 9.3.2)."""
    assert to_head.status == got.status
    if got.status == 405:  # the sentence names the method
        return
    assert _comparable(to_head) == _comparable(got)


def _comparable(answer: Answer) -> dict[str, str]:
    # A body that is made while it is sent has no length, and HEAD sends none.
    return {name: value for name, value in answer.headers.items() if name not in {"date", "transfer-encoding"}}
