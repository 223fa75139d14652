"""The members of an archive, one after the other: what none of them may be."""

from __future__ import annotations

import re

from twisted_pypi.errors import BadUpload

LARGEST_EXPANSION = 50
"""How many times its own size an archive may unpack to, if that is more than ``HARMLESS``."""
HARMLESS = 64 * 1024 * 1024
"""Bytes that every archive may unpack to."""
MOST_MEMBERS = 200_000
"""Members that an archive may have; their names are held in memory while it is looked through."""

_ODD = re.compile(r"[\x00-\x1f\x7f\\]")
_DRIVE = re.compile(r"[A-Za-z]:")


def most_unpacked(size: int) -> int:
    """Bytes that an archive of ``size`` bytes may unpack to."""
    return max(HARMLESS, LARGEST_EXPANSION * size)


class Entries:
    """What was seen of an archive's members so far."""

    def __init__(self, filename: str) -> None:
        """``filename`` is named in every sentence."""
        self.names: set[str] = set()
        """The files and links, without ``./``."""
        self.tops: set[str] = set()
        """First parts of all paths."""
        self._filename = filename

    def add(self, name: str, *, is_folder: bool = False) -> str:
        """Take a member, and return its path without ``./`` and a slash at its end.

        Raises ``BadUpload`` when its name leaves the archive, cannot be a
        name, or was there before; a folder may come twice.
        """
        path = "/".join(part for part in name.split("/") if part not in {"", "."})
        if _ODD.search(name) or _DRIVE.match(name) or name.startswith("/") or ".." in path.split("/"):
            raise BadUpload(
                f"the file {self._filename} has a member named {name[:200]!r}; "
                "expected a relative path without '..', backslashes and control characters"
            )
        if not path:
            if is_folder:
                return path
            raise BadUpload(f"the file {self._filename} has a member without a name")
        self.tops.add(path.partition("/")[0])
        if is_folder:
            return path
        if len(self.names) >= MOST_MEMBERS:
            raise BadUpload(f"the file {self._filename} has more than {MOST_MEMBERS} members, as many as are taken")
        if path in self.names:
            raise BadUpload(f"the file {self._filename} has {path[:200]} twice; expected every member once")
        self.names.add(path)
        return path

    def check_link(self, path: str, target: str) -> None:
        """See that a link at ``path`` stays in the archive.  Raises ``BadUpload``."""
        self._check_inside(path, target, path.split("/")[:-1])

    def check_hard_link(self, path: str, target: str) -> None:
        """The same for a hard link, which is counted from the top of the archive.  Raises ``BadUpload``."""
        self._check_inside(path, target, [])

    def _check_inside(self, path: str, target: str, folder: list[str]) -> None:
        inside = bool(target) and not (_ODD.search(target) or _DRIVE.match(target) or target.startswith("/"))
        for part in target.split("/"):
            if part == "..":
                inside = inside and bool(folder)
                folder = folder[:-1]
            elif part not in {"", "."}:
                folder = [*folder, part]
        if not inside:
            raise BadUpload(
                f"the file {self._filename} has a link at {path[:200]} to {target[:200]!r}; "
                "expected one that stays inside the archive"
            )

    def one_top(self) -> str:
        """The one folder that everything of a source distribution is in.  Raises ``BadUpload`` unless it is one."""
        if len(self.tops) != 1 or self.names & self.tops:
            found = ", ".join(sorted(self.tops)[:3])
            raise BadUpload(
                f"the file {self._filename} has {len(self.tops)} members at its top ({found[:200]}); "
                "expected one folder with everything in it"
            )
        return next(iter(self.tops))
