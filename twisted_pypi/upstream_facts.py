"""What an upstream index said of a file, as the file's sidecar keeps it.

Upload time and yank are where every sidecar has them.  The rest is one JSON
object under ``upstream``: the address of the index, when the file was fetched,
and what the page said in the page's own words (PEP 691).  What the index did to
the file later on is another one under ``recall``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from twisted_pypi.boundaries import Recall
from twisted_pypi.sidecars import Sidecar, Source
from twisted_pypi.simple.model import File

UPSTREAM = "upstream"
"""The key of a sidecar under which this is kept."""

RECALL = "recall"
"""The key of a sidecar under which a recall is kept."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FromUpstream:
    """What a sidecar keeps of where its file came from."""

    file: File
    """What the index said of it."""
    index: str
    """The address of the index."""
    fetched_ns: int
    """When it was fetched, nanoseconds since the epoch; written down to the microsecond."""


def upstream_facts(file: File, index: str, fetched_ns: int) -> dict[str, object]:
    """Return what is kept under ``upstream``; what the index did not say is left out."""
    said: dict[str, object] = {"index": index, "fetched": _text(fetched_ns), "url": file.url}
    said["hashes"] = dict(file.hashes)
    more = {
        "size": file.size,
        "requires-python": file.requires_python,
        "core-metadata": dict(file.core_metadata) if isinstance(file.core_metadata, Mapping) else file.core_metadata,
        "gpg-sig": file.gpg_sig,
        "provenance": file.provenance,
    }
    return said | {key: value for key, value in more.items() if value is not None}


def upstream_sidecar(file: File, index: str, fetched_ns: int, sha256: str) -> Sidecar:
    """Return the sidecar of a file that was fetched from an index; ``sha256`` is the digest of its bytes."""
    return Sidecar(
        sha256.lower(),
        file.upload_time_ns,
        more={UPSTREAM: upstream_facts(file, index, fetched_ns)},
        yanked=file.yanked if isinstance(file.yanked, str) else "" if file.yanked else None,
        source=Source.UPSTREAM,
    )


def from_upstream(sidecar: Sidecar, filename: str) -> FromUpstream | None:
    """Return where a file came from; ``None`` when its sidecar does not say that it was fetched, or not from where."""
    said = sidecar.more.get(UPSTREAM)
    if sidecar.source is not Source.UPSTREAM or not isinstance(said, Mapping):
        return None
    index, url = _string(said.get("index")), _string(said.get("url"))
    if index is None or url is None:
        return None
    size, signed, metadata = said.get("size"), said.get("gpg-sig"), said.get("core-metadata")
    file = File(
        filename,
        url,
        _hashes(said.get("hashes")),
        size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        sidecar.uploaded_ns,
        _string(said.get("requires-python")),
        _hashes(metadata) if isinstance(metadata, Mapping) else metadata if isinstance(metadata, bool) else None,
        signed if isinstance(signed, bool) else None,
        False if sidecar.yanked is None else sidecar.yanked or True,
        _string(said.get("provenance")),
    )
    return FromUpstream(file, index, _nanoseconds(said.get("fetched")))


def with_recall(sidecar: Sidecar, recall: Recall | None) -> Sidecar:
    """Return a sidecar that says what the index did to the file; with ``None``, that it did nothing."""
    more = {key: value for key, value in sidecar.more.items() if key != RECALL}
    if recall is not None:
        more[RECALL] = recall_facts(recall)
    return replace(sidecar, more=more)


def recall_facts(recall: Recall) -> dict[str, object]:
    """Return what is kept under ``recall``."""
    said: dict[str, object] = {
        "how": recall.how,
        "since": _text(recall.since_ns),
        "confirmed": recall.confirmed,
        "hidden": recall.hidden,
    }
    return said if recall.reason is None else said | {"reason": recall.reason}


def recall_in(sidecar: Sidecar) -> Recall | None:
    """Return what the index did to the file; what cannot be understood hides it, to be safe."""
    return read_recall(sidecar.more.get(RECALL))


def read_recall(said: object) -> Recall | None:
    """Return the recall that is kept there; what cannot be understood hides the file, to be safe."""
    if said is None:
        return None
    if not isinstance(said, Mapping) or not isinstance(said.get("how"), str):
        return Recall(
            "quarantined", 0, confirmed=False, hidden=True, reason="its record says what cannot be understood"
        )
    return Recall(
        str(_string(said["how"])),
        _nanoseconds(said.get("since")),
        confirmed=said.get("confirmed") is True,
        hidden=said.get("hidden") is not False,
        reason=_string(said.get("reason")),
    )


def _hashes(found: object) -> dict[str, str]:
    if not isinstance(found, Mapping):
        return {}
    return {str(_string(name)): value for name, value in found.items() if isinstance(value, str) and value.isascii()}


def _string(found: object) -> str | None:
    """JSON may hold half of a pair of surrogates, which no page can."""
    return found.encode("utf-8", "replace").decode() if isinstance(found, str) else None


def _text(nanoseconds: int) -> str:
    return (_EPOCH + timedelta(microseconds=nanoseconds // 1000)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _nanoseconds(text: object) -> int:
    """A moment; one that cannot be read is the beginning of all."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else _EPOCH
        return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1) * 1000
    except (ValueError, OverflowError):
        return 0
