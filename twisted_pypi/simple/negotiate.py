"""Which form of a page a client gets, by what it says it takes.

Follows PEP 691 ("Version + Format Selection", "URL Parameter") and RFC 9110
sections 12.4.2 and 12.5.  What a stranger sends is never an error: a part that
cannot be read is left out, and a header with no part left counts as not sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from itertools import islice
from typing import Literal, cast

Encoding = Literal["zstd", "gzip", "identity"]

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_CODING = re.compile(_NAME + r"\Z")
_RANGE = re.compile(rf"(?:{_NAME}/{_NAME}|\*)\Z")
# What stands in quotes divides nothing; quotes that are not closed reach to the end (RFC 9110 section 5.6.4).
_BY_COMMA = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*+"?)++')
_BY_SEMICOLON = re.compile(r'(?:[^";]|"(?:[^"\\]|\\.)*+"?)++')
# Short forms such as ".2" break RFC 9110, but old clients send them.
_WEIGHT = re.compile(r"0?\.[0-9]+\Z|0\.?\Z|1(?:\.0*)?\Z")


_MOST = 256
"""Parts of a header that are read; no client lists so many, and a hostile one shall not keep the reactor busy."""


class Representation(Enum):
    """A form in which the simple index is written; the value is the content type to declare."""

    JSON = b"application/vnd.pypi.simple.v1+json"
    HTML = b"application/vnd.pypi.simple.v1+html"
    TEXT_HTML = b"text/html; charset=utf-8"

    @property
    def content_type(self) -> bytes:
        """The ``Content-Type`` to declare; always a real version, never ``latest`` (PEP 691)."""
        return self.value

    @property
    def is_json(self) -> bool:
        """Is the page written by ``simple.json``?  If not, by ``simple.html``."""
        return self is Representation.JSON


NOT_ACCEPTABLE = (
    "none of the accepted types can be sent; expected application/vnd.pypi.simple.v1+json, "
    "application/vnd.pypi.simple.v1+html or text/html"
)
"""The sentence that goes with 406."""

_JSON = ("application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.latest+json")
_HTML = ("application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.latest+html")
_BY_TYPE = {
    **dict.fromkeys(_JSON, Representation.JSON),
    **dict.fromkeys(_HTML, Representation.HTML),
    "text/html": Representation.TEXT_HTML,
}

# Among equals: whoever names the JSON gets it.  "*/*" comes from programs that know only HTML
# (it means the same as no header at all), so there the order is turned round.
_OFFERS = (
    (Representation.JSON, ((_JSON, 3), (("application/*",), 2), (("*/*", "*"), 1)), (3, 2, 0)),
    (Representation.HTML, ((_HTML, 3), (("application/*",), 2), (("*/*", "*"), 1)), (2, 1, 1)),
    (Representation.TEXT_HTML, ((("text/html",), 3), (("text/*",), 2), (("*/*", "*"), 1)), (1, 0, 2)),
)


def choose(accept: str | None, format_parameter: str | None = None) -> Representation | None:
    """Return the form to answer in; ``None`` when none is acceptable (406).

    ``accept`` is the ``Accept`` header, several joined by commas, ``None`` when
    not sent.  ``format_parameter`` is the value of ``?format=``: one type, which
    wins over the header; a ``+`` in it may have been read as a blank.
    """
    if format_parameter:
        return _BY_TYPE.get(format_parameter.strip().replace(" ", "+").lower())
    weights = _weights(accept or "", _RANGE)
    if not weights:
        return Representation.TEXT_HTML
    best: tuple[tuple[float, int, int], Representation] | None = None
    for representation, matches, among_equals in _OFFERS:
        # The most specific range that fits decides (RFC 9110 section 12.5.1).
        for ranges, specificity in matches:
            found = [weights[each] for each in ranges if each in weights]
            if found:
                rank = (max(found), specificity, among_equals[3 - specificity])
                if rank[0] > 0 and (best is None or rank > best[0]):
                    best = rank, representation
                break
    return best[1] if best else None


def choose_encoding(accept_encoding: str | None, *, zstd: bool = False) -> Encoding:
    """Return the content coding to send a page in (RFC 9110 section 12.5.3).

    ``accept_encoding`` is the ``Accept-Encoding`` header, several joined by
    commas, ``None`` when not sent.  A client that refuses all gets ``identity``.
    ``zstd`` (RFC 8878) is chosen, where it can be, by clients that name it.
    """
    weights = _weights(accept_encoding or "", _CODING)
    others = weights.get("*")
    named = [weights[each] for each in ("gzip", "x-gzip") if each in weights]
    gzip = max(named) if named else others
    identity = weights.get("identity", others)
    packed, name = (weights["zstd"], "zstd") if zstd and weights.get("zstd", 0) >= (gzip or 0.001) else (gzip, "gzip")
    if identity == 0 and packed is None:
        return "gzip"
    return cast("Encoding", name) if packed and packed >= (identity or 0) else "identity"


def accepts(accept: str | None, content_type: str) -> bool:
    """Would a client take this content type (RFC 9110 section 12.5.1)?

    ``accept`` is the ``Accept`` header, several joined by commas, ``None`` when not sent.
    """
    weights = _weights(accept or "", _RANGE)
    of_its_kind = f"{content_type.partition('/')[0]}/*"
    # The most specific range that fits decides.
    found = next((weights[each] for each in (content_type, of_its_kind, "*/*", "*") if each in weights), None)
    return not weights or bool(found)


def names_type(accept: str, kind: str) -> bool:
    """Does an ``Accept`` header name this very type, and not to refuse it?"""
    return _weights(accept, _RANGE).get(kind, 0.0) > 0


def _weights(header: str, shape: re.Pattern[str]) -> dict[str, float]:
    """Return the highest weight of each thing that a header lists."""
    weights: dict[str, float] = {}
    for name, weight in _elements(header):
        if shape.match(name):
            weights[name] = max(weight, weights.get(name, 0.0))
    return weights


def _elements(header: str) -> Iterator[tuple[str, float]]:
    for element in islice(_split(header.lower(), _BY_COMMA), _MOST):
        parameters = _split(element, _BY_SEMICOLON)
        name = next(parameters, "")
        weight = "1"
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                weight = value.strip()
                break
        if _WEIGHT.match(weight):
            yield name.strip(), float(weight)


def _split(text: str, between: re.Pattern[str]) -> Iterator[str]:
    return (found[0] for found in between.finditer(text))
