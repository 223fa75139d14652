"""How a file and what lies beside it come to their names: together, or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from twisted_pypi.storage.final_names import FinalNames
from twisted_pypi.storage.staging import StagedFile, StagingArea


class Placing:
    """Names staged files, and small files beside them.  Blocking, in any thread."""

    def __init__(self, area: StagingArea, names: FinalNames, naming: threading.Lock) -> None:
        """What lies beside is staged in ``area``; ``naming`` is held while names are given."""
        self._area = area
        self._names = names
        self._naming = naming

    def place(
        self, staged: StagedFile, target: Path, beside: Mapping[Path, bytes], *, over: bool
    ) -> tuple[os.stat_result, int | None]:
        """Bring bytes and what lies ``beside`` them down to the disk, then give all their names.

        Returns what is known of the file, and ``st_mtime_ns`` of its sidecar.
        Raises ``FileExistsError`` when the name is not free, unless it is
        to be named ``over`` what has it.
        """
        if not over and os.path.lexists(target):
            raise FileExistsError(str(target))
        staged.sync()
        ready: dict[Path, StagedFile] = {}
        try:
            for at, data in beside.items():
                # Without a name of its own until then, where the system can: each name is news for every watcher.
                ready[at] = self._area.open((), lambda _: None)
                ready[at].write(data)
                ready[at].sync()
            times = [os.fstat(each.fd).st_mtime_ns for at, each in ready.items() if at.suffix == ".json"]
            # One at a time, so that who loses does not touch what the winner has put beside its file.
            with self._naming:
                if not over and os.path.lexists(target):
                    raise FileExistsError(str(target))
                for at, each in ready.items():
                    self._names.put(each, at)
                try:
                    found = self._names.over(staged, target) if over else self._names.free(staged, target)
                except FileExistsError:
                    _take_back(beside)
                    raise
                signature = target.with_name(f"{target.name}.asc")
                if over and signature not in beside:
                    signature.unlink(missing_ok=True)
                return found, next(iter(times), None)
        finally:
            for each in ready.values():
                each.discard()


def _take_back(beside: Mapping[Path, bytes]) -> None:
    """Remove the sidecar put beside a file that another process then named first, if it is ours still."""
    for at, data in beside.items():
        with suppress(OSError):
            if at.suffix == ".json" and at.read_bytes() == data:
                at.unlink()
