import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twisted_pypi.simple.negotiate import Representation, accepts, choose, choose_encoding, names_type

JSON, HTML, TEXT = Representation.JSON, Representation.HTML, Representation.TEXT_HTML
V1_JSON = "application/vnd.pypi.simple.v1+json"
V1_HTML = "application/vnd.pypi.simple.v1+html"

CLIENTS = [
    pytest.param(f"{V1_JSON}, {V1_HTML}; q=0.1, text/html; q=0.01", JSON, id="pip 26, pdm"),
    pytest.param(f"{V1_JSON}, {V1_HTML};q=0.2, text/html;q=0.01", JSON, id="uv"),
    pytest.param(f"{V1_JSON}, */*;q=0.1", JSON, id="poetry"),
    pytest.param("text/html", TEXT, id="pip 21"),
    pytest.param(None, TEXT, id="easy_install"),
    pytest.param("*/*", TEXT, id="hatch, curl"),
    pytest.param("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT, id="a browser"),
    pytest.param("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", TEXT, id="an old Java"),
]

RULES = [
    # The default, and what counts as nothing said.
    ("", TEXT),
    (" , ,", TEXT),
    # Each type by itself; "latest" is answered with the real version.
    (V1_JSON, JSON),
    (V1_HTML, HTML),
    ("application/vnd.pypi.simple.latest+json", JSON),
    ("application/vnd.pypi.simple.latest+html", HTML),
    (V1_JSON.upper(), JSON),
    # Equals: the most expressive; order means nothing; text/html is the last resort.
    (f"text/html, {V1_HTML}, {V1_JSON}", JSON),
    (f"{V1_JSON}, {V1_HTML}, text/html", JSON),
    (f"text/html, {V1_HTML}", HTML),
    (f"{V1_HTML};q=0.5, text/html;q=0.5", HTML),
    # Weights.
    (f"{V1_JSON};q=0.1, text/html", TEXT),
    (f"{V1_JSON};q=0.999, {V1_HTML};q=1.0", HTML),
    (f"{V1_JSON} ; Q=0.2 , {V1_HTML} ; q=0.3", HTML),
    (f"text/html;charset=utf-8;q=0.3, {V1_JSON};q=0.2", TEXT),
    (f"{V1_JSON};q=0.1, application/vnd.pypi.simple.latest+json;q=0.9, text/html;q=0.5", JSON),
    (f"text/html;q=0.1, text/html;q=0.9, {V1_JSON};q=0.5", TEXT),
    # Refused.
    (f"{V1_JSON};q=0", None),
    (f"{V1_JSON};q=0, {V1_HTML};q=0.000, text/html;q=0.0", None),
    (f"{V1_JSON};q=0, */*", TEXT),
    ("text/html;q=0, */*", HTML),
    (f"text/html;q=0, {V1_HTML};q=0, */*", JSON),
    ("*/*;q=0", None),
    (f"*/*;q=0, {V1_JSON}", JSON),
    ("image/png", None),
    ("application/json", None),
    ("application/vnd.pypi.simple.v2+json", None),
    # Wildcards.
    ("application/*", JSON),
    ("text/*", TEXT),
    ("text/*, application/*", JSON),
    ("text/*, application/*;q=0.9", TEXT),
    (f"{V1_HTML}, application/*", HTML),
    ("*", TEXT),
    # Broken parts are left out; nothing but broken parts is like nothing said.
    (f"{V1_JSON};q=high", TEXT),
    (f"{V1_JSON};q=1.5, {V1_HTML}", HTML),
    (f"{V1_JSON};q=-1, text/html", TEXT),
    (f"{V1_JSON};q=, text/html", TEXT),
    ("gibberish", TEXT),
    (f"text/;q=1, /html, {V1_HTML};;q=0.5", HTML),
    (f'text/html;title="a,b", {V1_JSON}', JSON),
    (f"{V1_JSON};q=\N{SUPERSCRIPT ONE}, {V1_HTML}", HTML),
]


@pytest.mark.parametrize(("accept", "expected"), [*CLIENTS, *RULES])
def test_the_form_follows_what_the_client_takes(accept: str | None, expected: Representation | None) -> None:
    assert choose(accept) is expected


@pytest.mark.parametrize(
    ("parameter", "accept", "expected"),
    [
        (V1_JSON, "text/html", JSON),
        (V1_JSON.replace("+", " "), None, JSON),  # a "+" of a query is read as a blank
        (V1_HTML, V1_JSON, HTML),
        ("text/html", V1_JSON, TEXT),
        ("application/vnd.pypi.simple.latest+json", None, JSON),
        ("TEXT/HTML", V1_JSON, TEXT),
        ("application/json", V1_JSON, None),
        ("*/*", V1_JSON, None),
        (f"{V1_JSON}, text/html", None, None),
        ("", V1_JSON, JSON),
    ],
)
def test_the_format_parameter_wins(parameter: str, accept: str | None, expected: Representation | None) -> None:
    assert choose(accept, parameter) is expected


def test_a_real_type_is_always_declared() -> None:
    assert [each.content_type for each in Representation] == [
        b"application/vnd.pypi.simple.v1+json",
        b"application/vnd.pypi.simple.v1+html",
        b"text/html; charset=utf-8",
    ]
    assert [each.is_json for each in Representation] == [True, False, False]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip", "gzip"),
        ("gzip, deflate", "gzip"),  # pip
        ("gzip,deflate,zstd", "gzip"),  # uv
        ("identity", "identity"),  # pip, for files
        ("br, zstd", "identity"),
        ("*", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip;q=0", "identity"),
        ("gzip;q=0, *", "identity"),
        ("gzip;q=0.5", "gzip"),
        ("gzip;q=0.5, identity", "identity"),
        ("gzip;q=0.5, identity;q=0.5", "gzip"),
        ("gzip;q=0.5, *;q=0.8", "identity"),
        ("deflate, *;q=0", "identity"),  # both are refused, and something must be sent
        ("identity;q=0", "gzip"),
        ("identity;q=0, gzip;q=0", "identity"),
        ("identity;q=0, *;q=0", "identity"),
        ("gzip;q=many", "identity"),
        ("gzip;q=0.5, gzip;q=1.0, identity;q=0.7", "gzip"),
    ],
)
def test_the_coding_follows_what_the_client_takes(header: str | None, expected: str) -> None:
    assert choose_encoding(header) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("gzip,deflate,zstd", "zstd"),  # uv
        ("gzip, deflate", "gzip"),
        ("zstd", "zstd"),
        ("*", "gzip"),  # whoever takes anything may not know it
        ("zstd;q=0.5, gzip", "gzip"),
        ("zstd;q=0, gzip", "gzip"),
        ("zstd;q=0", "identity"),
        ("zstd, *;q=0", "zstd"),
        ("zstd;q=0.5, identity", "identity"),
        ("zstd;q=0.2, gzip;q=0.1, identity;q=0", "zstd"),
        ("zstd;q=0, identity;q=0", "gzip"),
        (None, "identity"),
    ],
)
def test_zstd_is_for_those_who_name_it(header: str | None, expected: str) -> None:
    assert choose_encoding(header, zstd=True) == expected


_PARTS = st.sampled_from(
    [
        V1_JSON,
        V1_HTML,
        "text/html",
        "*/*",
        "application/*",
        "gzip",
        "zstd",
        "identity",
        ";q=",
        "0",
        ".5",
        "1",
        ",",
        ";",
        " ",
        "=",
    ]
)


@given(st.text() | st.lists(_PARTS).map("".join), st.none() | st.text())
@example("a/b;q=" + "9" * 5000, None)
@example("," * 100_000, None)
def test_no_text_is_an_error(header: str, parameter: str | None) -> None:
    assert choose(header, parameter) in {*Representation, None}
    assert choose_encoding(header) in {"gzip", "identity"}
    assert choose_encoding(header, zstd=True) in {"zstd", "gzip", "identity"}


@given(st.permutations([f"{V1_JSON};q=0.3", "text/html;q=0.2", "*/*;q=0.1", "application/*;q=0.4", "x/y"]))
def test_the_order_means_nothing(elements: list[str]) -> None:
    assert choose(", ".join(elements)) is HTML


def test_a_header_of_endless_parts_is_read_to_a_limit() -> None:
    assert choose(f"{V1_JSON}, {'a/b,' * 250}{V1_HTML};q=0.1") is JSON
    assert choose(f"{'a/b,' * 256}{V1_JSON}") is None
    assert choose_encoding("br," * 256 + "gzip") == "identity"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", True),
        ("text/plain;q=0.8, Application/JSON;q=0.9", True),
        ("application/json;q=0", False),
        ("application/json;q=0.000, */*", False),
        ("application/*", False),
        ("application/json-seq", False),
        ('text/plain;x="application/json"', False),
        ("", False),
    ],
)
def test_a_type_that_is_named(accept: str, expected: bool) -> None:
    assert names_type(accept, "application/json") is expected


@pytest.mark.parametrize("accept", ['text/html;x="' + '\\"' * 8000, '"' * 16000, ";" * 16000, '",;' * 5000])
def test_quotes_are_read_in_time(accept: str) -> None:
    assert choose(accept) is TEXT


@pytest.mark.parametrize(
    ("accept", "taken"),
    [
        (None, True),
        ("", True),
        (";;", True),
        ("*/*", True),
        ("*", True),
        ("application/*;q=0.1", True),
        ("text/html, application/vnd.pypi.integrity.v1+json", True),
        ("text/html", False),
        ("application/json", False),
        ("*/*, application/vnd.pypi.integrity.v1+json;q=0", False),
        ("*/*;q=0", False),
    ],
)
def test_a_single_type_is_taken_or_not(accept: str | None, taken: bool) -> None:
    assert accepts(accept, "application/vnd.pypi.integrity.v1+json") is taken
