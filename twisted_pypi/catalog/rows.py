"""What is asked for of a row of the catalog, and what it is made into."""

from __future__ import annotations

import json
from typing import Any

from twisted_pypi.boundaries import KnownFile, Recall
from twisted_pypi.catalog.values import Remembered, Sighting, State
from twisted_pypi.distributions import Distribution, Kind
from twisted_pypi.sidecars import Source
from twisted_pypi.upstream_facts import read_recall, recall_facts

FACTS = (
    "root, folder, filename, project, version, kind, size, mtime_ns, inode, sha256, uploaded_ns, requires_python,"
    " metadata_sha256, signed, yanked, attested, source, recall"
)
"""The columns that a ``KnownFile`` is made of."""
COMPARED = "filename, state, size, mtime_ns, inode, signed, sidecar_mtime_ns"
"""The columns that a ``Remembered`` is made of."""
KINDS = {kind.value: kind for kind in Kind}
"""Every kind by its word in the catalog."""
SOURCES = {source.value: source for source in Source}
"""Every source by its word in the catalog."""


def remembered(row: tuple[Any, ...]) -> Remembered:
    """Return what a scan compares with."""
    filename, state, size, mtime_ns, inode, signed, sidecar_mtime_ns = row
    sighting = None if size is None else Sighting(size, mtime_ns, inode)
    return Remembered(filename, State(state), sighting, bool(signed), sidecar_mtime_ns)


def known_file(root: int, row: tuple[Any, ...]) -> KnownFile:
    """Return the facts of a file below one of the roots, counted from 0."""
    (
        _, folder, filename, project, version, kind, size, mtime_ns, inode, sha256, uploaded_ns, requires_python,
        metadata, signed, yanked, attested, source, recall,
    ) = row  # fmt: skip
    return KnownFile(
        root,
        f"{folder}/{filename}" if folder else filename,
        Distribution(filename, project, version, KINDS[kind]),
        size,
        mtime_ns,
        inode,
        sha256.hex(),
        uploaded_ns,
        requires_python,
        None if metadata is None else metadata.hex(),
        bool(signed),
        yanked,
        bool(attested),
        None if source is None else SOURCES[source],
        None if recall is None else read_recall(json.loads(recall)),
    )


def recall_text(recall: Recall | None) -> str | None:
    """Return what is written down of a recall."""
    return None if recall is None else json.dumps(recall_facts(recall))
