"""Symbolic links that lead where nothing is served from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from twisted_pypi.command.checking.finding import Finding, Level, Matter
from twisted_pypi.command.checking.survey import Folder
from twisted_pypi.distributions import is_package_name


def links(folder: Folder, roots: list[str]) -> Iterator[Finding]:
    """The links in a folder that lead out of all roots, or to nothing."""
    inside = [Path(each).resolve() for each in roots]
    for name in folder.links:
        path = Path(folder.path(name))
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):
            if is_package_name(name):
                yield Finding(
                    f"{path} is a link that leads to nothing.",
                    Level.BAD,
                    Matter.LINK,
                    "Mount or bring back what it leads to, or remove the link.",
                    str(path),
                )
            continue
        if not any(target.is_relative_to(each) for each in inside):
            wanted = target.is_dir() or is_package_name(name)
            yield Finding(
                f"{path} leads outside the roots and is left out (--follow-links serves it).",
                Level.BAD if wanted else Level.NOTE,
                Matter.LINK,
                "The old server followed it: give --follow-links, or put the files themselves here.",
                str(path),
            )
