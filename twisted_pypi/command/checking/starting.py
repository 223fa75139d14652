"""What a start with these settings comes upon, before it looks at a single package."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from twisted_pypi.command.checking.finding import Finding, Level, Matter
from twisted_pypi.config import Action, Config
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import TwistedPyPIError
from twisted_pypi.owning import undecided_of
from twisted_pypi.policy.names import NamePatterns
from twisted_pypi.project_records import Origin
from twisted_pypi.serving.privileges import give_up_root, needs
from twisted_pypi.serving.undecided import may_ask, private_line
from twisted_pypi.storage.folder_files import FolderFiles
from twisted_pypi.storage.record_writing import read_record


def starting(config: Config, there: list[str]) -> Iterator[Finding]:
    """What there is to say of the start; ``there`` are the roots that exist.

    A process that is root becomes who would serve, as the server does.
    """
    for root in config.roots:
        if root not in there and os.path.lexists(root):
            sentence, advice = f"{root} is there, and is no folder: no server starts.", "Name a folder, or mount it."
            yield Finding(sentence, Level.BAD, advice=advice, path=root)
        elif root not in there:
            yield Finding(f"The folder {root} is not there: it is made at the start.", Level.NOTE, path=root)
    yield Finding(f"Would listen on {_where(config)}.")
    if config.roots[0] in there and (outcome := give_up_root(config)):
        yield Finding(outcome.sentence, Level.FINE if outcome.as_wished else Level.BAD, Matter.RIGHTS)
    for root in there:
        yield Finding(f"Would serve {root}.")
    yield from _needs(config)


def settings(config: Config, there: list[str]) -> Iterator[Finding]:
    """What there is to say of the settings themselves."""
    yield from _undecided(config, there)
    for note in config.notes:
        advice = (
            "Set it to true where an upload may replace a file, as it could until now." if "OVERWRITE" in note else ""
        )
        yield Finding(note, Level.NOTE, Matter.SETTING, advice)


def _where(config: Config) -> str:
    address = f"[{config.interface}]" if ":" in config.interface else config.interface or "0.0.0.0"  # noqa: S104  # said, not bound
    return " and ".join(config.listen) or f"http://{address}:{config.port}{config.server_base_url}/"


def _needs(config: Config) -> Iterator[Finding]:
    for need in needs(config):
        if Path(need.path).exists() and not os.access(need.path, need.mode):
            nobody_writes = need.path in config.roots and not _takes_uploads(config)
            yield Finding(
                f"{need.path} cannot be used: expected that user {os.geteuid()} may.",
                Level.NOTE if _on_read_only_disk(need.path) or nobody_writes else Level.BAD,
                Matter.RIGHTS,
                f"`chown -R {os.geteuid()} {need.path}` allows it, or start the server as the owner; a folder that is"
                " meant to be read only serves, but takes no uploads.",
                need.path,
            )


def _takes_uploads(config: Config) -> bool:
    if Action.UPDATE not in config.authenticate:
        return True
    return config.password_file is not None and Path(config.password_file).exists()


def _on_read_only_disk(path: str) -> bool:
    """Is it the disk that takes nothing, by somebody's own wish?"""
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError as problem:
        return problem.errno == errno.EROFS


def _undecided(config: Config, roots: list[str]) -> Iterator[Finding]:
    if not may_ask(config):
        return

    def origin_of(name: ProjectName) -> Origin | None:
        return read_record(config.roots[0], name).origin

    try:
        sources = FolderFiles(roots, follow_links=config.follow_links).sources()
        names = undecided_of(sources, NamePatterns(config.private), origin_of)
    except (TwistedPyPIError, OSError) as problem:
        yield Finding(f"Whose the projects are cannot be seen: {problem}.", Level.BAD, Matter.SETTING)
        return
    if names:
        yield Finding(f"{private_line(names)}.", Level.NOTE, Matter.SETTING)
