"""The first pass: which files there are, by their names alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge

from twisted_pypi.catalog import Place, Reader, Remembered, Writer
from twisted_pypi.distributions import Distribution, parse_filename
from twisted_pypi.errors import BadFilename
from twisted_pypi.storage.remarks import Remark, Remarks, cannot_be_read
from twisted_pypi.storage.stopping import Stopping
from twisted_pypi.storage.tools import Tools

_BATCH = 2000
_SORTED_AT_ONCE = 10_000


def in_order(names: Sequence[str]) -> Iterator[str]:
    """Sort names, in steps that never keep the other threads waiting for long."""
    return merge(*(sorted(names[start : start + _SORTED_AT_ONCE]) for start in range(0, len(names), _SORTED_AT_ONCE)))


def compare(names: Iterable[str], rows: Iterable[Remembered]) -> Iterator[tuple[str, bool, Remembered | None]]:
    """Walk through what is there and what is remembered, both sorted by name, side by side.

    Yields each name, whether it is there, and what is remembered of it.
    """
    remembered = iter(rows)
    row = next(remembered, None)
    for name in names:
        while row is not None and row.filename < name:
            yield row.filename, False, row
            row = next(remembered, None)
        if row is not None and row.filename == name:
            yield name, True, row
            row = next(remembered, None)
        else:
            yield name, True, None
    while row is not None:
        yield row.filename, False, row
        row = next(remembered, None)


def understand(filename: str, location: str, remarks: Remarks) -> Distribution | None:
    """What a file name says; ``None``, and one line in the log, when it says nothing."""
    try:
        return parse_filename(filename)
    except BadFilename as problem:
        remarks.once(Remark.BAD_NAME, location, f"{location!a} is left out: {problem}")
        return None


class NamesPass:
    """Tells the catalog of every file that it has not seen yet, without opening or even asking for one."""

    def __init__(self, tools: Tools) -> None:
        """Nothing was looked at."""
        self._tools = tools
        self._found: list[tuple[Place, Distribution]] = []

    def run(self) -> None:
        """Walk through all roots.  Blocking; a folder that cannot be read is a trouble from then on.

        Raises ``Stopping``.
        """
        with self._tools.ledger.catalog.reading() as reader:
            for root in range(len(self._tools.tree.roots)):
                folders = [""]
                troubles: dict[str, str] = {}
                while folders:
                    folders += self._folder(reader, root, folders.pop(), troubles)
                self._tools.troubles.scanned(root, "", troubles)
        self._flush()

    def _folder(self, reader: Reader, root: int, folder: str, troubles: dict[str, str]) -> list[str]:
        try:
            listing = self._tools.tree.listing(root, folder)
        except OSError as problem:
            location, known = self._tools.tree.location(root, folder), reader.identity(root, folder) is not None
            troubles[folder] = cannot_be_read(location, problem, known=known)
            return []
        inside = f"{folder}/" if folder else ""
        for name, there, row in compare(in_order(listing.packages), reader.in_folder(root, folder)):
            if self._tools.stopping.is_set():
                raise Stopping
            if there and row is None:
                place = Place(root, folder, name)
                distribution = understand(name, self._tools.tree.location(root, place.path), self._tools.remarks)
                if distribution is not None:
                    self._found.append((place, distribution))
            if len(self._found) >= _BATCH:
                self._flush()
        return [inside + each for each in listing.folders]

    def _flush(self) -> None:
        found, self._found = self._found, []
        if found:
            self._tools.ledger.write(lambda writer: _seen(writer, found))


def _seen(writer: Writer, found: list[tuple[Place, Distribution]]) -> None:
    for place, distribution in found:
        writer.seen(place, distribution)
