"""Records of projects that exist only in memory."""

from __future__ import annotations

from dataclasses import replace

from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import TwistedPyPIError
from twisted_pypi.project_records import ACTIVE, Origin, ProjectRecord, Whose


class MemoryRecords:
    """What is written down of projects, for as long as the test lasts."""

    def __init__(self) -> None:
        """Nothing is written down."""
        self.records: dict[ProjectName, ProjectRecord] = {}
        """The records, by the names of their projects."""
        self.trouble: TwistedPyPIError | None = None
        """What is raised when something is to be written."""
        self.written: list[ProjectName] = []
        """The projects whose records were changed, one entry each time."""

    def of(self, name: ProjectName) -> ProjectRecord:
        """The record of a project."""
        return self.records.get(name, ACTIVE)

    def change_origin(self, name: ProjectName, origin: Origin | None) -> ProjectRecord:
        """Write down whose it is.  Raises ``trouble``."""
        if self.trouble is not None:
            raise self.trouble
        self.written.append(name)
        self.records[name] = replace(self.of(name), origin=origin)
        return self.records[name]

    def claim_origin(self, name: ProjectName, origin: Origin) -> ProjectRecord:
        """The same."""
        return self.change_origin(name, origin)

    def settle_origin(self, name: ProjectName, origin: Origin) -> ProjectRecord:
        """The same, unless it is known to be ours by now."""
        known = self.of(name).origin
        return self.of(name) if known is not None and known.whose is Whose.OURS else self.change_origin(name, origin)
