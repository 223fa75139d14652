"""Small archives to test with, made in memory, and what is attested of them."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable
from typing import Any, Literal

Members = Iterable[tuple[str, bytes]]


def core_metadata(name: str, version: str, *more: str) -> bytes:
    """Return core metadata with a name, a version and more header lines."""
    return "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *more, "", ""]).encode()


def zip_archive(members: Members) -> bytes:
    """Return a zip archive; the same members make the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def tar_archive(members: Members, mode: Literal["w", "w:gz", "w:bz2", "w:xz"] = "w:gz") -> bytes:
    """Return a tar archive, compressed as ``mode`` says."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def wheel(name: str, version: str, *more: str, content: bytes = b"") -> bytes:
    """Return a wheel whose metadata has ``more`` header lines and whose one module is ``content``."""
    folder = f"{name}-{version}.dist-info"
    return zip_archive(
        [
            (f"{name}.py", content),
            (f"{folder}/METADATA", core_metadata(name, version, *more)),
            (f"{folder}/WHEEL", b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
            (f"{folder}/RECORD", b""),
        ]
    )


def sdist(name: str, version: str, *more: str, content: bytes = b"") -> bytes:
    """Return a source distribution whose metadata has ``more`` header lines."""
    folder = f"{name}-{version}"
    return tar_archive([(f"{folder}/{name}.py", content), (f"{folder}/PKG-INFO", core_metadata(name, version, *more))])


def attestation(filename: str, sha256: str) -> dict[str, Any]:
    """Return an attestation of a file that is well formed, and signed by nobody (PEP 740)."""
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": filename, "digest": {"sha256": sha256}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": None,
    }
    return {
        "version": 1,
        "verification_material": {
            "certificate": base64.b64encode(b"no certificate").decode(),
            "transparency_entries": [{"logIndex": "1"}],
        },
        "envelope": {
            "statement": base64.b64encode(json.dumps(statement).encode()).decode(),
            "signature": base64.b64encode(b"no signature").decode(),
        },
    }
