"""The XML-RPC call that ``pip search`` makes: its words, and the answer to it.

Follows the XML-RPC specification, the fault codes of its interoperability
proposal, and what the public index said of ``search`` while it had one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from twisted_pypi.distributions import normalize
from twisted_pypi.errors import BadForm

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element  # for its name only; defusedxml does the reading

MOST_TERMS = 20
"""Terms of a search, over all its fields."""

UNKNOWN_METHOD = -32601
INVALID_PARAMETERS = -32602

_DEEPEST = 8
_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 section 2.2; no bare CR


@dataclass(frozen=True, slots=True)
class Call:
    """A method call: what is called, and with what."""

    method: str
    parameters: tuple[Any, ...]
    """Strings, numbers, lists and dictionaries."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a call was not answered."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for: terms of one field are alternatives, the fields are combined."""

    names: tuple[str, ...]
    """Lower-case terms; empty: any name will do."""
    summaries: tuple[str, ...]
    """Lower-case terms; empty: any summary will do."""
    every: bool
    """Must every field agree, or is one enough?"""

    def by_name(self, name: str) -> bool:
        """Is one of the terms in this name?"""
        return any(term in name or normalize(term) in name for term in self.names)

    def by_summary(self, summary: str) -> bool:
        """Is one of the terms in this summary?"""
        lower = summary.lower()
        return any(term in lower for term in self.summaries)


@dataclass(frozen=True, slots=True)
class Hit:
    """A project that was found."""

    name: str
    version: str
    summary: str


def read_call(body: bytes) -> Call:
    """Return the call that a body makes.

    Raises ``BadForm`` when it is no XML-RPC call, has a document type (which
    could hold a bomb), or is nested deeper than any call.
    """
    try:
        root = fromstring(body, forbid_dtd=True)
    except DefusedXmlException:
        raise BadForm("the XML has a document type, which is not read; expected a plain XML-RPC call") from None
    except (ParseError, LookupError, ValueError) as error:
        raise BadForm(f"the body is not XML ({error}); expected an XML-RPC call") from None
    method = (root.findtext("methodName") or "").strip()
    if root.tag != "methodCall" or not method:
        raise BadForm("the body is not an XML-RPC call; expected a methodCall with a methodName")
    return Call(method, tuple(_value(each, _DEEPEST) for each in root.findall("params/param/value")))


def _value(element: Element, depth: int) -> Any:
    if depth == 0:
        raise BadForm(f"the values of the call are nested deeper than {_DEEPEST}")
    kind = next(iter(element), None)
    if kind is None:
        return element.text or ""
    match kind.tag:
        case "array":
            return [_value(each, depth - 1) for each in kind.findall("data/value")]
        case "struct":
            return {
                member.findtext("name") or "": _value(value, depth - 1)
                for member in kind.findall("member")
                if (value := member.find("value")) is not None
            }
        case _:
            # Numbers and dates are not searched for: their text is as good as any.
            return kind.text or ""


def read_query(call: Call) -> Query | Fault:
    """Return what a call of ``search`` looks for, or why it cannot be answered."""
    if call.method != "search":
        return Fault(UNKNOWN_METHOD, f"there is no method {call.method!r} here; expected 'search'")
    match call.parameters:
        case (dict() as fields,):
            operator = "and"
        case (dict() as fields, "and" | "or" as operator):
            pass
        case _:
            return Fault(INVALID_PARAMETERS, "search takes a struct of fields and then 'and' or 'or'")
    names, summaries = _terms(fields, "name"), _terms(fields, "summary")
    if names is None or summaries is None:
        return Fault(
            INVALID_PARAMETERS, "the fields 'name' and 'summary' of a search take a string or an array of them"
        )
    if len(names) + len(summaries) > MOST_TERMS:
        return Fault(INVALID_PARAMETERS, f"a search has at most {MOST_TERMS} terms")
    return Query(names, summaries, operator == "and")


def _terms(fields: Mapping[str, object], field: str) -> tuple[str, ...] | None:
    value = fields.get(field, "")
    values = value if isinstance(value, list) else [value]
    terms = [each.strip().lower() for each in values if isinstance(each, str)]
    return tuple(dict.fromkeys(filter(None, terms))) if len(terms) == len(values) else None


def write_hits(hits: Sequence[Hit]) -> bytes:
    """Return the answer that lists ``hits``, the best first."""
    structs = (
        _struct(
            ("name", _string(hit.name)),
            ("version", _string(hit.version)),
            ("summary", _string(hit.summary)),
            ("_pypi_ordering", f"<int>{place}</int>"),
        )
        for place, hit in enumerate(hits)
    )
    data = "".join(f"<value>{each}</value>\n" for each in structs)
    return _response(f"<params><param><value><array><data>\n{data}</data></array></value></param></params>")


def write_fault(fault: Fault) -> bytes:
    """Return the answer that says why there is none."""
    struct = _struct(("faultCode", f"<int>{fault.code}</int>"), ("faultString", _string(fault.text)))
    return _response(f"<fault><value>{struct}</value></fault>")


def _struct(*members: tuple[str, str]) -> str:
    return f"<struct>{''.join(_members(members))}</struct>"


def _members(members: Iterable[tuple[str, str]]) -> Iterable[str]:
    return (f"<member><name>{name}</name><value>{value}</value></member>" for name, value in members)


def _string(text: str) -> str:
    return f"<string>{escape(_NOT_XML.sub('', text), quote=False)}</string>"


def _response(content: str) -> bytes:
    return f'<?xml version="1.0" encoding="utf-8"?>\n<methodResponse>{content}</methodResponse>\n'.encode()
