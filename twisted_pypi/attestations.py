"""Attestations of a file, and the provenance that an index makes of them (PEP 740).

What is checked here is their form and that they speak of the file that they
came with; whether their signatures are right is another question.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from twisted_pypi.errors import BadUpload

LARGEST = 4 * 1024 * 1024
"""Characters that the attestations of one file may have."""

UNVERIFIED: Mapping[str, object] = {"kind": "unverified"}
"""The publisher in the provenance of a file whose attestations nobody has verified."""

_VERSION = 1
_DEEPEST = 32
_STATEMENT_TYPE = "https://in-toto.io/Statement/v1"

Attestation = Mapping[str, Any]
"""An attestation object, as it was uploaded (PEP 740, "Attestation objects")."""


def parse_attestations(text: str, filename: str, sha256: str) -> tuple[Attestation, ...]:
    """Return the attestations in the ``attestations`` field of an upload.

    Each has to have the parts that PEP 740 gives it, and a statement whose
    one subject is the file of this name and hex digest.  Raises ``BadUpload``.
    """
    if len(text) > LARGEST:
        raise BadUpload(f"the attestations of {filename} have {len(text)} characters; at most {LARGEST} are taken")
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise BadUpload(f"the attestations of {filename} are not JSON; expected an array of objects") from None
    if not isinstance(found, list):
        raise BadUpload(f"the attestations of {filename} are not a JSON array; expected one")
    for at, each in enumerate(found, 1):
        try:
            _check(each, filename, sha256)
        except ValueError as reason:
            raise BadUpload(f"attestation {at} of {filename} cannot be taken: {reason}") from None
    return tuple(found)


def provenance(attestations: Sequence[Mapping[str, object]], publisher: Mapping[str, object] | None) -> bytes:
    """Return the provenance object of a file, as JSON (PEP 740, "Provenance objects").

    ``publisher`` is who the verified attestations name, ``None`` when they were not verified.
    """
    bundle = {"publisher": UNVERIFIED if publisher is None else publisher, "attestations": list(attestations)}
    document = {"version": _VERSION, "attestation_bundles": [bundle]}
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


def _check(found: object, filename: str, sha256: str) -> None:
    """See that this is an attestation of the file.  Raises ``ValueError``."""
    if not isinstance(found, dict) or found.get("version") != _VERSION:
        raise ValueError(f"it is not an object of version {_VERSION}")
    if _is_deeper_than(_DEEPEST, found):
        raise ValueError(f"it is nested deeper than {_DEEPEST} levels")
    material = found.get("verification_material")
    if not isinstance(material, dict) or _decoded(material.get("certificate")) is None:
        raise ValueError("it has no verification_material with a certificate in base64")
    entries = material.get("transparency_entries")
    if not isinstance(entries, list) or not entries or not all(isinstance(each, dict) for each in entries):
        raise ValueError("it has no transparency_entries; expected an array of at least one object")
    envelope = found.get("envelope")
    if not isinstance(envelope, dict) or _decoded(envelope.get("signature")) is None:
        raise ValueError("it has no envelope with a signature in base64")
    statement = _decoded(envelope.get("statement"))
    if statement is None:
        raise ValueError("it has no envelope with a statement in base64")
    _check_statement(statement, filename, sha256)


def _check_statement(data: bytes, filename: str, sha256: str) -> None:
    try:
        statement = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("its statement is not JSON") from None
    if not isinstance(statement, dict) or statement.get("_type") != _STATEMENT_TYPE:
        raise ValueError(f"its statement is not of the type {_STATEMENT_TYPE}")
    if not isinstance(statement.get("predicateType"), str) or not statement["predicateType"]:
        raise ValueError("its statement has no predicateType")
    subjects = statement.get("subject")
    if not isinstance(subjects, list) or len(subjects) != 1 or not isinstance(subjects[0], dict):
        raise ValueError("its statement has not one subject")
    if subjects[0].get("name") != filename:
        raise ValueError(f"its subject is {str(subjects[0].get('name'))[:200]!r}, which is another file name")
    digests = subjects[0].get("digest")
    found = digests.get("sha256") if isinstance(digests, dict) else None
    if not isinstance(found, str) or found.lower() != sha256:
        raise ValueError(f"its subject has the sha256 {str(found)[:64]!r}, but that of the file is {sha256}")


def _is_deeper_than(most: int, found: object) -> bool:
    """Would it take more levels to write this down?  What can be read may be too deep to be written elsewhere."""
    level = [found]
    for _ in range(most):
        level = [
            child
            for each in level
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)


def _decoded(text: object) -> bytes | None:
    """The bytes of a base64 text that says something, be it in one line or several."""
    if not isinstance(text, str):
        return None
    try:
        return b64decode("".join(text.split()), validate=True) or None
    except ValueError:
        return None


def _no_number(name: str) -> NoReturn:
    """Refuse what Python reads and JSON does not know: NaN and Infinity."""
    raise ValueError(name)
