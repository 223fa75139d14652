"""What was asked of ``update`` alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from twisted_pypi.errors import BadSetting
from twisted_pypi.options.layers import Layer
from twisted_pypi.policy.names import NamePatterns


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateChoices:
    """How one update is to be done."""

    execute: bool = False
    """Do it, or only say what would be done?"""
    folder: str | None = None
    """Where new files go; ``None``: beside the file that they are newer than."""
    compare: bool = False
    """Ask about projects that were put here by hand even if nothing is fetched?"""
    unstable: bool = False
    """Take pre-releases too?"""
    strict: bool = False
    """Is it a failure of the whole when one project could not be updated?"""
    json: bool = False
    """Is the outcome a JSON document?"""
    ignored: NamePatterns = field(default_factory=NamePatterns)
    """Projects that are left alone."""


def choices_of(line: Layer) -> UpdateChoices:
    """Return what a command line says.  Reads the list of ignored projects.  Raises ``BadSetting``."""
    said = {name: given.value for name, given in line.given.items()}
    path = said.get("ignorelist_file")
    return UpdateChoices(
        execute=said.get("execute", False),
        compare=said.get("compare", False),
        folder=said.get("download_directory"),
        unstable=said.get("allow_unstable", False),
        strict=said.get("strict", False),
        json=said.get("json", False),
        ignored=NamePatterns() if path is None else _ignored(path),
    )


def _ignored(path: str) -> NamePatterns:
    """The projects of a file: one a line in any spelling, or a pattern; ``#`` begins a comment."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise BadSetting(f"the list of ignored projects {path} cannot be read: {problem}.") from problem
    try:
        return NamePatterns(_names(text))
    except BadSetting as problem:
        raise BadSetting(f"the list of ignored projects {path} cannot be used: {problem}.") from None


def _names(text: str) -> Iterator[str]:
    for line in text.splitlines():
        name = line.partition("#")[0].strip()
        if name:
            yield name
