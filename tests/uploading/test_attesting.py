"""What becomes of the attestations of an upload."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import pytest
import pytest_twisted

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.config import Attestations
from twisted_pypi.errors import BadUpload
from twisted_pypi.sidecars import Sidecar, parse_sidecar
from twisted_pypi.testing.archives import attestation, wheel
from twisted_pypi.testing.memory_index import MemoryIndex
from twisted_pypi.testing.memory_store import MemoryStore
from twisted_pypi.uploading import Uploader, UploadForm, Verify
from twisted_pypi.uploading.verification import TRUST_LASTS, Verifier

FILENAME = "x-1.0-py3-none-any.whl"
DATA = wheel("x", "1.0")
SHA256 = sha256(DATA).hexdigest()
MADE = attestation(FILENAME, SHA256)
GOOD = json.dumps([MADE])
PUBLISHER: Mapping[str, object] = {"kind": "GitHub"}


async def at_once(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def verified(attestations: Sequence[Mapping[str, object]], filename: str, digest: str) -> Mapping[str, object]:
    assert (list(attestations), filename, digest) == ([MADE], FILENAME, SHA256)
    return PUBLISHER


def not_verified(*_: object) -> Mapping[str, object]:
    raise BadUpload("the signature is somebody else's")


async def upload(
    how: Attestations, attestations: str | None, verify: Verify | None = None
) -> tuple[KnownFile, Sidecar]:
    store = MemoryStore()
    uploader = Uploader(
        store, MemoryIndex(), overwrite=False, run_in_thread=at_once, clock=lambda: 1.0, attestations=how, verify=verify
    )
    staged = store.stage(None, ())
    try:
        staged.write(DATA)
        fields = {} if attestations is None else {"attestations": (attestations,)}
        known = await uploader.accept(UploadForm(fields, FILENAME), lambda: staged, None)
        sidecar = parse_sidecar(store.files[FILENAME].sidecar or b"")
        assert sidecar is not None
        return known, sidecar
    finally:
        staged.discard()
        assert len(store.files) in {0, 1}


@pytest.mark.parametrize(
    ("how", "attestations", "verify", "kept", "publisher"),
    [
        (Attestations.OFF, GOOD, None, (), None),
        (Attestations.OFF, "{", None, (), None),
        (Attestations.KEEP, GOOD, None, (MADE,), None),
        (Attestations.KEEP, None, None, (), None),
        (Attestations.KEEP, "[]", None, (), None),
        (Attestations.VERIFY, GOOD, verified, (MADE,), PUBLISHER),
        (Attestations.VERIFY, None, not_verified, (), None),
        (Attestations.REQUIRE, GOOD, verified, (MADE,), PUBLISHER),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_is_kept(
    how: Attestations, attestations: str | None, verify: Verify | None, kept: object, publisher: object
) -> None:
    known, sidecar = await upload(how, attestations, verify)
    assert (sidecar.attestations, sidecar.publisher) == (kept, publisher)
    assert known.attested is bool(kept)


@pytest.mark.parametrize(
    ("how", "attestations", "verify", "sentence"),
    [
        (Attestations.KEEP, "{", None, "not JSON"),
        (Attestations.KEEP, json.dumps([attestation("y-1.0.tar.gz", SHA256)]), None, "another file name"),
        (Attestations.KEEP, json.dumps([attestation(FILENAME, "0" * 64)]), None, "that of the file is"),
        (Attestations.VERIFY, GOOD, not_verified, "somebody else's"),
        (Attestations.VERIFY, "[{}]", verified, "cannot be taken"),
        (Attestations.REQUIRE, None, verified, "came without attestations, which this server requires"),
        (Attestations.REQUIRE, "[]", verified, "came without attestations"),
        (Attestations.REQUIRE, "UNKNOWN", verified, "came without attestations"),
        (Attestations.REQUIRE, GOOD, not_verified, "somebody else's"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_is_refused(
    how: Attestations, attestations: str | None, verify: Verify | None, sentence: str
) -> None:
    with pytest.raises(BadUpload, match=sentence):
        await upload(how, attestations, verify)


@pytest.mark.parametrize("filename", [FILENAME, "x-1.0.tar.gz", "x-1.0.tar.bz2", "x-1.0-py2.7.egg"])
def test_what_nobody_signed_does_not_verify(filename: str) -> None:
    verify = Verifier(lambda: 0.0, online=False)
    with pytest.raises(BadUpload, match=f"an attestation of {filename} cannot be verified") as raised:
        verify([attestation(filename, SHA256)], filename, SHA256)
    assert "\n" not in str(raised.value)
    assert TRUST_LASTS > 3600
