"""The hidden file beside a package that keeps what the package itself does not say.

Beside ``x-1.0.tar.gz`` lies ``.x-1.0.tar.gz.json``: a JSON object with the
digest of the file that it speaks of, the time of its upload, who uploaded it,
the attestations that came with it, and whether it is yanked.  It counts only
while the digest is the file's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from twisted_pypi.distributions import is_package_name
from twisted_pypi.errors import BadFilename

LARGEST = 16 * 1024 * 1024
"""Bytes that a sidecar may have; a larger file is none."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_FILENAME = 255


class Source(StrEnum):
    """How a file came here."""

    UPLOAD = "upload"
    """Somebody uploaded it through this server."""
    UPSTREAM = "upstream"
    """This server fetched it from another index."""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a sidecar says."""

    sha256: str
    """Hex digest of the file that it speaks of, in lower case."""
    uploaded_ns: int | None = None
    """When the file was uploaded, nanoseconds since the epoch; written down to the microsecond."""
    uploader: str | None = None
    """The name of the user who uploaded it."""
    more: Mapping[str, object] = field(default_factory=dict)
    """Every other key, kept as it is."""
    _: KW_ONLY
    attestations: tuple[Mapping[str, object], ...] = field(default=(), repr=False)
    """Attestation objects of the file (PEP 740), as they were uploaded; usually none."""
    publisher: Mapping[str, object] | None = None
    """Who those name as the publisher of the file (PEP 740, "Provenance objects"), when that is known."""
    yanked: str | None = None
    """Why the file is yanked (PEP 592), empty when no reason was given; ``None``: it is not."""
    source: Source | None = None
    """How the file came here; ``None``: the sidecar does not say."""


def sidecar_name(filename: str) -> str:
    """Return the name of the sidecar of a file.

    Raises ``BadFilename`` when that would be longer than a file name may be.
    """
    name = f".{filename}.json"
    if len(name.encode("utf-8", "surrogateescape")) > _LONGEST_FILENAME:
        raise BadFilename(
            f"the file name {filename!r} is too long; "
            f"at most {_LONGEST_FILENAME - len('..json')} bytes leave room for what is kept beside the file"
        )
    return name


def sidecar_of(name: str) -> str | None:
    """Return the name of the file that a sidecar of this name lies beside; ``None`` when it is no sidecar's name."""
    filename = name[1 : -len(".json")]
    return filename if name.startswith(".") and name.endswith(".json") and is_package_name(filename) else None


def parse_sidecar(data: bytes) -> Sidecar | None:
    """Return what a sidecar says; ``None`` when it is not one."""
    if len(data) > LARGEST:
        return None
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    sha256, uploaded, uploader = (found.pop(key, None) for key in ("sha256", "uploaded", "uploader"))
    if not isinstance(sha256, str):
        return None
    attestations, publisher, yanked = (found.pop(key, None) for key in ("attestations", "publisher", "yanked"))
    source = found.pop("source", None)
    # Servers that wrote down no source wrote down who uploaded a file, and marks of files name no uploader.
    uploaded_here = Source.UPLOAD if isinstance(uploader, str) else None
    return Sidecar(
        sha256.lower(),
        _nanoseconds(uploaded) if isinstance(uploaded, str) else None,
        uploader if isinstance(uploader, str) else None,
        found,
        attestations=_objects(attestations),
        publisher=publisher if isinstance(publisher, dict) else None,
        yanked=_text(yanked) if isinstance(yanked, str) else "" if yanked is True else None,
        source=Source(source) if source in list(Source) else uploaded_here,
    )


def format_sidecar(sidecar: Sidecar) -> bytes:
    """Return the bytes of a sidecar: JSON, one line, keys in order."""
    said: dict[str, object] = {**sidecar.more, "sha256": sidecar.sha256}
    if sidecar.uploaded_ns is not None:
        said["uploaded"] = _iso(sidecar.uploaded_ns)
    if sidecar.uploader is not None:
        said["uploader"] = sidecar.uploader
    if sidecar.attestations:
        said["attestations"] = list(sidecar.attestations)
    if sidecar.publisher is not None:
        said["publisher"] = sidecar.publisher
    if sidecar.yanked is not None:
        said["yanked"] = sidecar.yanked or True
    if sidecar.source is not None:
        said["source"] = sidecar.source
    return json.dumps(said, sort_keys=True).encode() + b"\n"


def _objects(found: object) -> tuple[Mapping[str, object], ...]:
    """A JSON array of objects; anything else holds none."""
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        return ()
    return tuple(found)


def _text(text: str) -> str:
    """JSON may hold half of a pair of surrogates, which no page and no database can."""
    return text.encode("utf-8", "replace").decode()


def _nanoseconds(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
    except (ValueError, OverflowError):
        return None


def _iso(nanoseconds: int) -> str:
    """UTC in ISO 8601 with microseconds, as the simple API writes it (PEP 700)."""
    moment = _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
