import contextlib
import xmlrpc.client
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.errors import BadForm
from twisted_pypi.legacy_xmlrpc import (
    INVALID_PARAMETERS,
    MOST_TERMS,
    UNKNOWN_METHOD,
    Call,
    Fault,
    Hit,
    Query,
    read_call,
    read_query,
    write_fault,
    write_hits,
)


def called(*parameters: Any, method: str = "search") -> bytes:
    return xmlrpc.client.dumps(parameters, method).encode()


def test_a_call_is_read_as_the_standard_library_writes_it() -> None:
    body = called({"name": ["foo", "bar"], "summary": "b & <c>"}, "or", [1, True, [2.5]])
    assert read_call(body) == Call(
        "search", ({"name": ["foo", "bar"], "summary": "b & <c>"}, "or", ["1", "1", ["2.5"]])
    )


def test_a_value_without_a_type_is_a_string() -> None:
    body = b"<methodCall><methodName> search </methodName><params><param><value>x</value></param></params></methodCall>"
    assert read_call(body) == Call("search", ("x",))


def found_in(answer: bytes) -> Any:
    (found,), _ = xmlrpc.client.loads(answer)
    return found


BOMB = b"""<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<methodCall><methodName>&b;</methodName></methodCall>"""
OUTSIDE = (
    b"""<!DOCTYPE b [<!ENTITY x SYSTEM "file:///etc/hostname">]><methodCall><methodName>&x;</methodName></methodCall>"""
)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not XML"),
        (b"hello", "not XML"),
        (b"<methodCall>", "not XML"),
        (b'<?xml version="1.0" encoding="nonsense"?><methodCall/>', "not XML"),
        (b'<?xml version="1.0" encoding="utf-7"?><methodCall/>', "not XML"),
        (b"\xff\xfe\xfd", "not XML"),
        (BOMB, "document type"),
        (OUTSIDE, "document type"),
        (b"<!DOCTYPE methodCall><methodCall><methodName>search</methodName></methodCall>", "document type"),
        (b"<html/>", "methodCall"),
        (b"<methodCall/>", "methodName"),
        (b"<methodResponse><methodName>x</methodName></methodResponse>", "methodCall"),
        (b"<methodCall><methodName></methodName></methodCall>", "methodName"),
        (b"<a>" * 10_000 + b"</a>" * 10_000, "methodCall"),
    ],
)
def test_what_is_no_call_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(BadForm, match=reason):
        read_call(body)


def test_a_call_that_is_nested_for_no_reason_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(BadForm, match="deeper"):
        read_call(called(deep))
    inside = b"<value><array><data>" * 1500 + b"</data></array></value>" * 1500
    with pytest.raises(BadForm, match="deeper"):
        read_call(b"<methodCall><methodName>x</methodName><params><param>" + inside + b"</param></params></methodCall>")


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (({"name": "Foo"},), Query(("foo",), (), every=True)),
        (({"name": ["Foo", "bar", "foo"], "summary": "A b"}, "or"), Query(("foo", "bar"), ("a b",), every=False)),
        (({"name": ["x"], "summary": ["x"]}, "and"), Query(("x",), ("x",), every=True)),
        (({"author": "me", "name": [" "]}, "or"), Query((), (), every=False)),
        (({},), Query((), (), every=True)),
    ],
)
def test_a_search_is_understood(parameters: tuple[Any, ...], expected: Query) -> None:
    assert read_query(read_call(called(*parameters))) == expected


@pytest.mark.parametrize(
    "parameters",
    [
        (),
        ("foo",),
        (["foo"],),
        ({"name": "foo"}, "xor"),
        ({"name": "foo"}, "or", "more"),
        ({"name": {"a": "b"}},),
        ({"name": [["foo"]]},),
        ({"summary": [str(number) for number in range(MOST_TERMS + 1)]},),
    ],
)
def test_a_search_that_cannot_be_understood_is_a_fault(parameters: tuple[Any, ...]) -> None:
    fault = read_query(read_call(called(*parameters)))
    assert isinstance(fault, Fault)
    assert fault.code == INVALID_PARAMETERS


def test_another_method_is_a_fault_that_says_so() -> None:
    fault = read_query(read_call(called(method="system.listMethods")))
    assert fault == Fault(UNKNOWN_METHOD, "there is no method 'system.listMethods' here; expected 'search'")
    assert isinstance(fault, Fault)
    with pytest.raises(xmlrpc.client.Fault, match=r"system\.listMethods") as raised:
        xmlrpc.client.loads(write_fault(fault))
    assert raised.value.faultCode == -32601


@pytest.mark.parametrize(
    ("terms", "name", "matches"),
    [
        (("foo",), "a-foo-b", True),
        (("foo",), "fo-o", False),
        (("foo_bar",), "x-foo-bar", True),
        (("foo.bar",), "foo-bar", True),
        (("x", "foo"), "foo", True),
        ((), "foo", False),
    ],
)
def test_a_name_matches_in_any_spelling(terms: tuple[str, ...], name: str, matches: bool) -> None:
    assert Query(terms, (), every=True).by_name(name) is matches


def test_a_summary_matches_in_any_case() -> None:
    query = Query((), ("web", "ö"), every=True)
    assert query.by_summary("A Web server")
    assert query.by_summary("Ö")
    assert not query.by_summary("we b")


def test_hits_are_read_by_the_standard_library() -> None:
    answer = write_hits([Hit("A", "1.0", "x < y & z"), Hit("b", "2", "")])
    assert xmlrpc.client.loads(answer)[1] is None
    assert found_in(answer) == [
        {"name": "A", "version": "1.0", "summary": "x < y & z", "_pypi_ordering": 0},
        {"name": "b", "version": "2", "summary": "", "_pypi_ordering": 1},
    ]
    assert found_in(write_hits([])) == []


def test_what_xml_cannot_say_is_left_out() -> None:
    (hit,) = found_in(write_hits([Hit("a", "1", "b\0c\x1b[1md\ud800e\uffff\rf\U0001f600]]>")]))
    assert hit["summary"] == "bc[1mdef\U0001f600]]>"


@given(st.binary() | st.text().map(str.encode))
def test_no_body_is_an_error_of_ours(body: bytes) -> None:
    with contextlib.suppress(BadForm):
        read_query(read_call(body))


_VALUES = st.recursive(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])) | st.booleans() | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "summary", "x"]), inner),
    max_leaves=8,
)


@given(st.lists(_VALUES, max_size=3))
def test_no_call_is_an_error_of_ours(parameters: list[Any]) -> None:
    try:
        found = read_query(read_call(called(*parameters)))
    except BadForm:
        return
    assert isinstance(found, Fault | Query)


@given(st.lists(st.tuples(st.text(), st.text(st.characters())), max_size=5))
def test_every_text_makes_a_right_answer(texts: list[tuple[str, str]]) -> None:
    hits = [Hit(name, "1", summary) for name, summary in texts]
    assert len(found_in(write_hits(hits))) == len(hits)
    with pytest.raises(xmlrpc.client.Fault):
        xmlrpc.client.loads(write_fault(Fault(1, "".join(summary for _, summary in texts))))
