import base64
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.attestations import LARGEST, parse_attestations, provenance
from twisted_pypi.errors import BadUpload, TwistedPyPIError
from twisted_pypi.testing.archives import attestation

FILENAME = "x-1.0-py3-none-any.whl"
SHA256 = sha256(b"x").hexdigest()
Change = Callable[[dict[str, Any]], object]


def text(change: Change = lambda _: None) -> str:
    made = attestation(FILENAME, SHA256)
    change(made)
    return json.dumps([made])


def statement(**parts: object) -> Change:
    """Change the statement; ``None`` takes a part out."""

    def change(made: dict[str, Any]) -> None:
        said = json.loads(base64.b64decode(made["envelope"]["statement"])) | parts
        kept = {key: value for key, value in said.items() if value is not None}
        made["envelope"]["statement"] = base64.b64encode(json.dumps(kept).encode()).decode()

    return change


def subject(**parts: object) -> Change:
    return statement(subject=[{"name": FILENAME, "digest": {"sha256": SHA256}} | parts])


def nested(levels: int) -> Change:
    deep: object = []
    for _ in range(levels):
        deep = [deep]
    return lambda made: made.update(more=deep)


def test_attestations_of_the_file_are_taken_as_they_are() -> None:
    made = attestation(FILENAME, SHA256)
    assert parse_attestations(json.dumps([made, made]), FILENAME, SHA256) == (made, made)
    assert parse_attestations("[]", FILENAME, SHA256) == ()


@pytest.mark.parametrize(
    "change",
    [
        subject(digest={"sha256": SHA256.upper(), "sha512": "0"}),
        statement(predicateType="https://example.com/another", predicate={"a": 1}),
        lambda made: made.update(more=1),
        nested(20),
        lambda made: made["verification_material"].update(certificate="QUJD\nREVG\n"),
    ],
)
def test_what_says_the_same_otherwise_is_taken(change: Change) -> None:
    assert len(parse_attestations(text(change), FILENAME, SHA256)) == 1


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("", "are not JSON"),
        ("{", "are not JSON"),
        ("[" * 100_000, "are not JSON"),
        ("[NaN]", "are not JSON"),
        ("{}", "are not a JSON array"),
        ("null", "are not a JSON array"),
        ("[1]", "attestation 1 of .* is not an object of version 1"),
        ("[null]", "not an object of version 1"),
        (" " * (LARGEST + 1), "at most 4194304"),
        (text(lambda made: made.pop("version")), "not an object of version 1"),
        (text(lambda made: made.update(version=2)), "not an object of version 1"),
        (text(lambda made: made.update(version="1")), "not an object of version 1"),
        (text(nested(40)), "nested deeper than 32"),
        (text(lambda made: made.pop("verification_material")), "no verification_material with a certificate"),
        (text(lambda made: made["verification_material"].pop("certificate")), "with a certificate in base64"),
        (text(lambda made: made["verification_material"].update(certificate="!")), "with a certificate in base64"),
        (text(lambda made: made["verification_material"].update(certificate="")), "with a certificate in base64"),
        (text(lambda made: made["verification_material"].update(transparency_entries=[])), "no transparency_entries"),
        (text(lambda made: made["verification_material"].update(transparency_entries=[1])), "no transparency_entries"),
        (text(lambda made: made.pop("envelope")), "no envelope with a signature"),
        (text(lambda made: made["envelope"].pop("signature")), "no envelope with a signature"),
        (text(lambda made: made["envelope"].update(signature=7)), "no envelope with a signature"),
        (text(lambda made: made["envelope"].pop("statement")), "no envelope with a statement"),
        (text(lambda made: made["envelope"].update(statement="AAAA")), "statement is not JSON"),
        (text(lambda made: made["envelope"].update(statement="W10=")), "statement is not of the type"),
        (text(statement(_type="https://in-toto.io/Statement/v0.1")), "statement is not of the type"),
        (text(statement(predicateType=None)), "no predicateType"),
        (text(statement(predicateType="")), "no predicateType"),
        (text(statement(subject=None)), "not one subject"),
        (text(statement(subject=[])), "not one subject"),
        (text(statement(subject=[{}, {}])), "not one subject"),
        (text(statement(subject=["x"])), "not one subject"),
        (text(subject(name="y-1.0-py3-none-any.whl")), "is 'y-1.0-py3-none-any.whl', which is another file name"),
        (text(subject(name=None)), "another file name"),
        (text(subject(name="\ud800")), "another file name"),
        (text(subject(digest={"sha256": "0" * 64})), f"has the sha256 '0{{64}}', but that of the file is {SHA256}"),
        (text(subject(digest={"sha512": "0"})), "has the sha256 'None'"),
        (text(subject(digest=[])), "has the sha256 'None'"),
    ],
)
def test_says_what_is_wrong_with_an_attestation(field: str, sentence: str) -> None:
    with pytest.raises(BadUpload, match=sentence) as raised:
        parse_attestations(field, FILENAME, SHA256)
    assert FILENAME in str(raised.value)
    str(raised.value).encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
)


@given(JSON, st.sampled_from(["", "verification_material", "envelope", "version", "certificate", "statement"]))
def test_any_json_is_taken_or_refused(found: object, where: str) -> None:
    made: Any = attestation(FILENAME, SHA256)
    if where in {"certificate", "statement"}:
        made["verification_material" if where == "certificate" else "envelope"][where] = found
    elif where:
        made[where] = found
    else:
        made = found
    try:
        taken = parse_attestations(json.dumps([made]), FILENAME, SHA256)
    except TwistedPyPIError:
        return
    assert json.loads(provenance(taken, None))["attestation_bundles"][0]["attestations"] == list(taken)


def test_provenance_names_a_publisher_only_where_one_was_verified() -> None:
    made = attestation(FILENAME, SHA256)
    assert json.loads(provenance([made], None)) == {
        "version": 1,
        "attestation_bundles": [{"publisher": {"kind": "unverified"}, "attestations": [made]}],
    }
    publisher = {"kind": "GitHub", "repository": "a/b", "workflow": "c.yml"}
    assert json.loads(provenance([made], publisher))["attestation_bundles"][0]["publisher"] == publisher
