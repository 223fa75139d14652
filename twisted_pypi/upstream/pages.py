"""The pages of upstream indexes that are kept, so that they outlive a restart and an upstream that is down.

One file a page, ``<state folder>/upstream/<index>/<project>``: a line of JSON
(the ``PageFacts``) and the compressed body.  A memory that may be thrown away:
nothing is synced, and a damaged file is as if it were not there.
"""

from __future__ import annotations

import json
import os
import re
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, fields
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from twisted.logger import Logger

from twisted_pypi.distributions import ProjectName, is_project_name, normalize
from twisted_pypi.upstream.page_facts import PageFacts, page_digest

MEMORY = 64 * 1024 * 1024
"""Bytes that are kept in memory at most, where no folder can be written to."""
LONGEST_NAME = 200
"""Characters of a project's name for which there is room in a file's name."""

_FORMAT = 1
_LARGEST = 256 * 1024 * 1024
_LEVEL = 3  # a fifth larger than the best, in a tenth of its time
_NOT_IN_FOLDERS = re.compile(r"[^a-z0-9.-]")
_KEYS = {"format", *(each.name for each in fields(PageFacts))}
_TEXTS = ("index", "url", "content_type", "digest")
_NUMBERS = ("confirmed_ns", "fresh_until_ns")
_OPTIONAL = {"etag": str, "last_modified": str, "serial": int, "lagging_since_ns": int, "gone_ns": int}


class KeptPages:
    """The kept pages; in memory where there is no folder, or none that can be written to.

    Everything here blocks, and may be called by several threads at once.
    """

    log = Logger()

    def __init__(self, state_folder: Callable[[], str | None], *, memory: int = MEMORY) -> None:
        """Keep them below the folder that ``state_folder`` returns at the time."""
        self._state_folder = state_folder
        self._most = memory
        self._lock = threading.Lock()
        self._memory: dict[tuple[str, ProjectName], bytes] = {}
        self._complained = False

    def load(self, index: str, project: ProjectName) -> tuple[PageFacts, bytes] | None:
        """A page and what is known of it; ``None`` when it is not kept, or not whole."""
        path = self._path(index, project)
        with self._lock:
            data = self._memory.get((index, project))
        if data is None and path is not None:
            with suppress(OSError):
                data = path.read_bytes()
        found = None if data is None else _unpacked(data)
        return found if found is not None and found[0].index == index else None

    def store(self, project: ProjectName, facts: PageFacts, body: bytes) -> None:
        """Keep a page in the place of the one before."""
        self._write(project, facts, zlib.compress(body, _LEVEL))

    def renew(self, project: ProjectName, facts: PageFacts) -> None:
        """Write down what is newly known of a page whose body is the same."""
        path = self._path(facts.index, project)
        with self._lock:
            data = self._memory.get((facts.index, project))
        if data is None and path is not None:
            with suppress(OSError):
                data = path.read_bytes()
        if data is not None:
            self._write(project, facts, data.partition(b"\n")[2])

    def _path(self, index: str, project: ProjectName) -> Path | None:
        """Where a page is kept on the disk, if there is a disk.  Raises ``ValueError`` for what is no project name."""
        if not is_project_name(project) or normalize(project) != project or len(project) > LONGEST_NAME:
            raise ValueError(f"{project!r} is not the normalised name of a project")
        folder = self._state_folder()
        return None if folder is None else Path(folder, "upstream", folder_of(index), project)

    def _write(self, project: ProjectName, facts: PageFacts, packed: bytes) -> None:
        head = json.dumps({"format": _FORMAT, **asdict(facts)}).encode()
        data, path = head + b"\n" + packed, self._path(facts.index, project)
        if path is not None and self._written(path, data):
            with self._lock:
                self._memory.pop((facts.index, project), None)
            return
        with self._lock:
            self._memory.pop((facts.index, project), None)
            self._memory[facts.index, project] = data
            # The oldest go first.
            while len(self._memory) > 1 and sum(map(len, self._memory.values())) > self._most:
                del self._memory[next(iter(self._memory))]

    def _written(self, path: Path, data: bytes) -> bool:
        # One writer a page in this process; another process has another number.
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            try:
                beside.write_bytes(data)
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                beside.write_bytes(data)
            beside.replace(path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            if not self._complained:
                self._complained = True
                self.log.warn(
                    "pages of upstream indexes are kept in memory only, since {path} cannot be written: {error}",
                    path=str(path),
                    error=error.strerror,
                )
            return False
        self._complained = False
        return True


def folder_of(index: str) -> str:
    """The name of the folder for the pages of an index: its host, and what tells two indexes of one host apart."""
    host = _NOT_IN_FOLDERS.sub("_", (urlsplit(index).hostname or "").lower())[:100].lstrip(".")
    return f"{host}-{sha256(index.encode()).hexdigest()[:16]}"


def _unpacked(data: bytes) -> tuple[PageFacts, bytes] | None:
    head, _, packed = data.partition(b"\n")
    try:
        facts = _facts(json.loads(head))
        unpacking = zlib.decompressobj()
        body = unpacking.decompress(packed, _LARGEST)
    except (ValueError, RecursionError, zlib.error):
        return None
    if facts is None or not unpacking.eof or page_digest(facts.url, facts.content_type, body) != facts.digest:
        return None
    return facts, body


def _facts(found: object) -> PageFacts | None:
    if not isinstance(found, dict) or found.keys() != _KEYS or found.pop("format") != _FORMAT:
        return None
    right = (
        all(isinstance(found[key], str) for key in _TEXTS)
        and all(type(found[key]) is int for key in _NUMBERS)
        and all(found[key] is None or type(found[key]) is kind for key, kind in _OPTIONAL.items())
    )
    return PageFacts(**found) if right else None
