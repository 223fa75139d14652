"""Reading a project page of another index, written as JSON (PEP 691, 700, 714, 740, 792).

Read with ``json`` and by hand: a pass of updates reads thousands of pages, and
a model of pydantic for each file costs several times as much.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from twisted_pypi.distributions import normalize
from twisted_pypi.errors import UpstreamFailed
from twisted_pypi.simple import foreign
from twisted_pypi.simple.foreign import BadField, Gathered
from twisted_pypi.simple.model import File, ProjectPage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LARGEST_SIZE = 2**63
_LONGEST_VERSION = 200


def read(body: bytes, url: str, gathered: Gathered) -> ProjectPage:
    """Return the page of the project of ``gathered``, got from ``url``.  Raises ``UpstreamFailed``."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UpstreamFailed(f"what {url} says is not JSON ({foreign.text(str(error))[:100]})") from error
    if not isinstance(found, dict) or not isinstance(found.get("files"), list):
        raise UpstreamFailed(f"what {url} says is not a project page: it has no list of files")
    meta = found.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    version = meta.get("api-version", "1.0")
    if not isinstance(version, str) or version.partition(".")[0] != "1":
        raise UpstreamFailed(f"{url} speaks version {foreign.shown(version)} of the simple API; expected 1")
    name = found.get("name", gathered.project)
    if not isinstance(name, str) or normalize(name) != gathered.project:
        raise UpstreamFailed(f"{url} gave the page of {foreign.shown(name)}; expected that of {gathered.project!r}")
    for entry in found["files"]:
        try:
            gathered.add(_file(entry, url))
        except BadField as why:
            gathered.leave_out(entry.get("filename") if isinstance(entry, dict) else entry, why)
    # The standard's text has it here; the example there puts it into "meta".
    marker = found.get("project-status", meta.get("project-status"))
    marker = marker if isinstance(marker, dict) else {}
    status, reason = foreign.status(marker.get("status")), marker.get("reason")
    return gathered.page(
        ProjectPage(
            gathered.project,
            (),
            _versions(found.get("versions")),
            status,
            foreign.text(reason) if status is not None and isinstance(reason, str) else None,
        )
    )


def _versions(found: object) -> tuple[str, ...]:
    if not isinstance(found, list):
        return ()
    texts = (each for each in found if isinstance(each, str) and len(each) <= _LONGEST_VERSION and each.isprintable())
    return tuple(dict.fromkeys(texts))


def _file(entry: object, base: str) -> File:
    if not isinstance(entry, dict):
        raise BadField("it is no JSON object")
    get = entry.get
    filename, url, hashes = get("filename"), get("url"), get("hashes")
    if not isinstance(filename, str) or not isinstance(url, str):
        raise BadField("'filename' and 'url' have to be texts")
    if not isinstance(hashes, dict):
        raise BadField("'hashes' has to be an object")
    size = get("size")
    # True is an int to Python.
    if size is not None and (type(size) is not int or not 0 <= size < _LARGEST_SIZE):
        raise BadField("'size' has to be a number of bytes")
    yanked: Any = get("yanked", False)
    if yanked is None or yanked == "":
        yanked = False
    elif isinstance(yanked, str):
        yanked = foreign.text(yanked)
    elif not isinstance(yanked, bool):
        raise BadField("'yanked' has to be a boolean or a text")
    signed = get("gpg-sig")
    if signed is not None and not isinstance(signed, bool):
        raise BadField("'gpg-sig' has to be a boolean")
    requires_python, provenance, moment = (
        _text(entry, "requires-python"),
        _text(entry, "provenance"),
        _text(entry, "upload-time"),
    )
    return File(
        filename,
        foreign.address(url, base),
        foreign.digests(hashes),
        size,
        None if moment is None else _nanoseconds(moment),
        requires_python if requires_python is None else foreign.text(requires_python),
        _core_metadata(get("core-metadata", get("dist-info-metadata"))),
        signed,
        yanked,
        None if provenance is None else foreign.provenance(provenance),
    )


def _text(entry: dict[str, Any], key: str) -> str | None:
    found = entry.get(key)
    if found is None or isinstance(found, str):
        return found
    raise BadField(f"{key!r} has to be a text")


def _core_metadata(found: object) -> dict[str, str] | bool | None:
    if found is None or isinstance(found, bool):
        return found
    if isinstance(found, dict):
        return foreign.digests(found) or True
    raise BadField("'core-metadata' has to be a boolean or an object")


def _nanoseconds(moment: str) -> int | None:
    """The time of an upload; what cannot be understood is not known."""
    try:
        found = datetime.fromisoformat(moment)
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        return (found - _EPOCH) // _MICROSECOND * 1000
    except (ValueError, OverflowError):
        return None
