"""``twisted-pypi check``: what a server with these settings would serve, and what is in its way.  Changes nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from twisted_pypi.command.pypi_server import settings_of
from twisted_pypi.config import Action, Config
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import TwistedPyPIError
from twisted_pypi.htpasswd import decode, parse
from twisted_pypi.owning import undecided_of
from twisted_pypi.policy.names import NamePatterns
from twisted_pypi.project_records import Origin
from twisted_pypi.serving.privileges import give_up_root, needs
from twisted_pypi.serving.undecided import may_ask, private_line
from twisted_pypi.storage.folder_files import FolderFiles
from twisted_pypi.storage.record_writing import read_record


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence, and whether something has to be done about it."""

    sentence: str
    bad: bool = False


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print what was found, and return 1 when something needs a hand.  Raises ``BadSetting``."""
    code = 0
    for finding in check(settings_of(argv, environ, "twisted-pypi check")):
        sys.stdout.write(f"{'!' if finding.bad else '-'} {finding.sentence}\n")
        code = max(code, finding.bad)
    return code


def check(config: Config) -> Iterator[Finding]:
    """What there is to say, in the order in which a start comes upon it.

    A process that is root becomes who would serve, as the server does.
    """
    there = [root for root in config.roots if Path(root).is_dir()]
    for root in config.roots:
        if root not in there:
            yield Finding(f"The folder {root} is not there: it is made at the start.")
    yield Finding(f"Would listen on {_where(config)}.")
    if config.roots[0] in there and (outcome := give_up_root(config)):
        yield Finding(outcome.sentence, bad=not outcome.as_wished)
    for root in there:
        yield Finding(f"Would serve {root}.")
    for need in needs(config):
        if Path(need.path).exists() and not os.access(need.path, need.mode):
            yield Finding(
                f"{need.path} cannot be used: expected that user {os.geteuid()} may.", bad=need.mode == os.R_OK
            )
    yield from _users(config)
    if not config.follow_links:
        for root in there:
            yield from _links(root, there)
    yield from _undecided(config, there)
    for note in config.notes:
        yield Finding(note)


def _where(config: Config) -> str:
    address = f"[{config.interface}]" if ":" in config.interface else config.interface or "0.0.0.0"  # noqa: S104  # said, not bound
    return " and ".join(config.listen) or f"http://{address}:{config.port}{config.server_base_url}/"


def _users(config: Config) -> Iterator[Finding]:
    if config.password_file is None:
        nobody = "No password file: nobody can log in" if config.authenticate else "Nobody needs a login"
        uploads = ", and nobody can upload." if Action.UPDATE in config.authenticate else "."
        yield Finding(nobody + uploads)
        return
    try:
        table = parse(decode(Path(config.password_file).read_bytes()))
    except FileNotFoundError:
        yield Finding(f"{config.password_file} is not there yet: nobody can log in until it is.")
    except OSError as error:
        yield Finding(f"{config.password_file} cannot be read ({error.strerror}).", bad=True)
    else:
        yield Finding(f"{config.password_file} has {len(table.entries)} users.")
        for number, problem in table.problems:
            yield Finding(f"{config.password_file}, line {number}: {problem}.", bad=True)


def _undecided(config: Config, roots: list[str]) -> Iterator[Finding]:
    if not may_ask(config):
        return

    def origin_of(name: ProjectName) -> Origin | None:
        return read_record(config.roots[0], name).origin

    try:
        sources = FolderFiles(roots, follow_links=config.follow_links).sources()
        names = undecided_of(sources, NamePatterns(config.private), origin_of)
    except (TwistedPyPIError, OSError) as problem:
        yield Finding(f"Whose the projects are cannot be seen: {problem}.", bad=True)
        return
    if names:
        yield Finding(f"{private_line(names)}.")


def _links(root: str, roots: list[str]) -> Iterator[Finding]:
    inside = [Path(each).resolve() for each in roots]
    for folder, names, files in os.walk(root):
        for name in sorted(names + files):
            path = Path(folder, name)
            if not name.startswith(".") and path.is_symlink():
                target = path.resolve()
                if not any(target.is_relative_to(each) for each in inside):
                    yield Finding(f"{path} leads outside the roots and is left out (--follow-links serves it).")
        names[:] = [name for name in names if not name.startswith(".")]
