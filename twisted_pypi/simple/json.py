"""The simple index written as JSON (PEP 691, 700, 714, 740, 792)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from twisted_pypi.simple.model import API_VERSION, File, ProjectList, ProjectPage


def write_list(projects: ProjectList) -> bytes:
    """Return the list of all projects."""
    names = [{"name": name} for name in projects.names]
    return _encoded(_text({"meta": {"api-version": API_VERSION}, "projects": names}))


def write_page(page: ProjectPage) -> bytes:
    """Return the page of one project."""
    # Keys with an underscore are free for an index to use; all others belong to the standard (PEP 691).
    private = {key: value for key, value in sorted(page.meta.items()) if key.startswith("_")}
    document: dict[str, Any] = {"meta": {"api-version": API_VERSION, **private}, "name": page.name}
    if page.status is not None:
        reason = {} if page.status_reason is None else {"reason": page.status_reason}
        document["project-status"] = {"status": page.status, **reason}
    document["versions"] = list(page.versions)
    # Thousands of files, maybe: as text they take a fifth less time than as dictionaries that are written afterwards.
    files = ",".join([_file(file) for file in page.files])
    return _encoded(f'{_text(document)[:-1]},"files":[{files}]}}')


def _file(file: File) -> str:
    entry = f'{{"filename":{_text(file.filename)},"url":{_text(file.url)},"hashes":{_digests(file.hashes)}'
    if file.requires_python is not None:
        entry += f',"requires-python":{_text(file.requires_python)}'
    if file.size is not None:
        entry += f',"size":{file.size}'
    if file.upload_time_ns is not None:
        moment = upload_time(file.upload_time_ns)
        if moment is not None:
            entry += f',"upload-time":"{moment}"'
    entry += f',"yanked":{"false" if file.yanked is False else _text(file.yanked or True)}'
    if file.core_metadata is not None:
        # Never under its older name too: clients of 2022 and 2023 stumble over that (PEP 714).
        known = file.core_metadata
        digests = _text(known) if isinstance(known, bool) else _digests(known)
        entry += f',"core-metadata":{"true" if digests == "{}" else digests}'
    if file.gpg_sig is not None:
        entry += f',"gpg-sig":{_text(file.gpg_sig)}'
    if file.provenance is not None:
        entry += f',"provenance":{_text(file.provenance)}'
    return entry + "}"


def _digests(digests: Mapping[str, str]) -> str:
    items = digests.items() if len(digests) == 1 else sorted(digests.items())
    return f"{{{','.join([f'{_text(name)}:{_text(digest)}' for name, digest in items])}}}"


# Without a time zone of its own: that would be carried along, and cut off again, for every file of a page.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def upload_time(ns: int) -> str | None:
    """Return nanoseconds since the epoch as ``yyyy-mm-ddThh:mm:ss.ffffffZ`` (PEP 700).

    ``None`` when that lies outside the years 1 to 9999, as a file's own time may.
    """
    try:
        moment = _EPOCH + timedelta(0, 0, ns // 1000)
    except OverflowError:
        return None
    return moment.isoformat("T", "microseconds") + "Z"


_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _encoded(document: str) -> bytes:
    # Strict readers refuse a whole page for one half of a surrogate pair, so it becomes a "?".
    return document.encode("utf-8", "replace")
