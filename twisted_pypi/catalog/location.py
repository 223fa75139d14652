"""Where the catalog is kept.

SQLite's write-ahead log wants shared memory, which network file systems do not
give: there a folder of this host is used instead.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator

STATE_FOLDER = ".twisted-pypi"
"""The hidden folder of a root for what is remembered."""

FILENAME = "catalog.sqlite"

_MOUNTS = "/proc/mounts"
_REMOTE = {
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2",
    "smb2", "smb3", "smbfs", "virtiofs",
}  # fmt: skip
_OCTAL = re.compile(r"\\([0-7]{3})")


def state_folders(state_dir: str | None, first_root: str, cache_dir: str) -> Iterator[str]:
    """The folders to try, best first: the one asked for, or the root's own, then one of this host.

    ``cache_dir`` is where this host's user keeps caches (XDG Base Directory
    Specification); below it each root has its own folder.
    """
    if state_dir is not None:
        yield state_dir
        return
    inside = os.path.join(first_root, STATE_FOLDER)
    if not is_remote(inside):
        yield inside
    digest = hashlib.sha256(os.fsencode(os.path.abspath(first_root))).hexdigest()
    yield os.path.join(cache_dir, "twisted-pypi", digest[:16])


def is_remote(path: str) -> bool:
    """Is this path on a network file system (or one in user space)?  ``False`` where the system does not say."""
    try:
        with open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as mounts:
            kind = mounted_as(os.path.realpath(path), mounts.read())
    except OSError:
        return False
    return kind in _REMOTE or kind.startswith("fuse")


def mounted_as(path: str, mounts: str) -> str:
    """The type of the file system that an absolute path is on, by the text of ``/proc/mounts``; empty if none fits."""
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[1])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        # The last of two mounts on one point covers the first.
        if inside and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind
